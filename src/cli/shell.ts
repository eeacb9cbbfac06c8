import { once } from 'node:events'
import { realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'
import { CONFIG_KEYS, flagOf, type NodeConfig } from '../node/config/config-keys.ts'
import { readConfigFile } from '../node/config/config-file.ts'
import { resolveConfig } from '../node/config/resolve-config.ts'
import { FaultError, orThrow } from '../node/fault-error.ts'
import type { Fault } from '../core/result.ts'
import { exitCodeOf } from './exit-code.ts'
import { formatJson } from '../core/json.ts'
import { printable } from './output/printable.ts'
import { showWaiting } from './output/waiting-line.ts'
import { createStyle, type Style } from './output/style.ts'
import { Session } from './session.ts'

/** Options that every command takes. */
export type GlobalOptions = {
  readonly json?: true | undefined
  readonly data?: string | undefined
  readonly space?: string | undefined
}

export interface ShellInit {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly environment: NodeJS.ProcessEnv
  /** True where the arguments ask for JSON: known before they are parsed, so that a parse error comes in the right form. */
  readonly isJson: boolean
}

/** The terminal side of a command: what the user gave, and where answers go. */
export class Shell {
  readonly #init: ShellInit
  readonly #interrupted = new AbortController()
  /** Colours for standard output. */
  readonly style: Style
  /** Colours for standard error. */
  readonly errorStyle: Style
  /** With which code the process ends; a command that found something amiss raises it. */
  exitCode = 0

  constructor(init: ShellInit) {
    this.#init = init
    this.style = createStyle(init.stdout, init.environment)
    this.errorStyle = createStyle(init.stderr, init.environment)
  }

  get isJson(): boolean {
    return this.#init.isJson
  }

  get stdin(): NodeJS.ReadStream {
    return this.#init.stdin
  }

  /** Standard input for reading to its end: whoever waits for it is woken by Ctrl-C, with an AbortError. */
  get input(): Readable {
    return addAbortSignal(this.interrupted, this.#init.stdin)
  }

  get stdout(): NodeJS.WriteStream {
    return this.#init.stdout
  }

  get stderr(): NodeJS.WriteStream {
    return this.#init.stderr
  }

  /** Aborts when the user has had enough. */
  get interrupted(): AbortSignal {
    return this.#interrupted.signal
  }

  interrupt(): void {
    this.#interrupted.abort(new FaultError({ code: 'INTERRUPTED', detail: 'interrupted' }))
  }

  /** The data directory that flag, environment or custom names; absolute. */
  dataOf({ data }: GlobalOptions): string {
    const { environment } = this.#init
    const given = data ?? environment['HANSE_DATA']
    if (data === '') throw new FaultError({ code: 'USAGE', detail: '--data must name a folder' })
    const share = environment['XDG_DATA_HOME'] ?? ''
    const preset = join(share.startsWith('/') ? share : join(homedir(), '.local', 'share'), 'hanse')
    const path = resolve(given === undefined || given === '' ? preset : given)
    try {
      return realpathSync(path)
    } catch {
      return path
    }
  }

  /** A variable of the environment; undefined where it is not set, or empty. */
  variable(name: string): string | undefined {
    const value = this.#init.environment[name]
    return value === '' ? undefined : value
  }

  /** The space that flag or environment names; undefined where the only one is meant. */
  spaceOf({ space }: GlobalOptions): string | undefined {
    if (space === '')
      throw new FaultError({ code: 'USAGE', detail: '--space must name a space: see "hanse space list"' })
    const given = space ?? this.#init.environment['HANSE_SPACE']
    return given === '' ? undefined : given
  }

  /** The configuration in force for a command line, checked. */
  configOf(data: string, flags: Readonly<Record<string, unknown>>): NodeConfig {
    const file = orThrow(readConfigFile(data))
    return orThrow(resolveConfig({ flags, environment: this.#init.environment, file }))
  }

  /** What a command needs to act, from its options and those of all commands. */
  open(command: { optsWithGlobals(): unknown }): {
    readonly session: Session
    readonly space: string | undefined
  } {
    const flags = command.optsWithGlobals() as GlobalOptions & Readonly<Record<string, unknown>>
    const data = this.dataOf(flags)
    const configFlags = CONFIG_KEYS.filter(({ property }) => flags[property] !== undefined).map(flagOf)
    const session = new Session({
      data,
      config: this.configOf(data, flags),
      configFlags,
      signal: this.interrupted,
      showWaiting: () => showWaiting(this.isJson ? null : this.stderr, this.errorStyle),
    })
    return { session, space: this.spaceOf(flags) }
  }

  /** Prints a result: as one JSON value, or as the lines that `lines` makes of it. */
  print<T>(result: T, lines: (result: T) => readonly string[] | string): void {
    if (this.isJson) return this.write(`${formatJson(result)}\n`)
    const text = lines(result)
    const joined = typeof text === 'string' ? text : text.join('\n')
    if (joined !== '') this.write(`${joined}\n`)
  }

  /** Writes to standard output. */
  write(text: string): void {
    this.#init.stdout.write(text)
  }

  /** Writes to standard output, and waits while its reader is behind. */
  async writeAll(text: string): Promise<void> {
    const { stdout } = this.#init
    if (!stdout.write(text) && !stdout.destroyed)
      await Promise.race([once(stdout, 'drain'), once(stdout, 'close')])
  }

  /** A remark beside the result, for people; JSON carries it in the result. */
  remark(text: string): void {
    if (!this.isJson) this.#init.stderr.write(`${this.errorStyle.faint(printable(text))}\n`)
  }

  /** The stack of a bug of ours, for whoever asked for it. */
  reportBug(error: unknown): void {
    if ((this.#init.environment['HANSE_DEBUG'] ?? '') === '') return
    this.#init.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  }

  /** Says what went wrong, in one line, and with which code the process will end. */
  report(fault: Fault): void {
    const message = printable(fault.detail.replaceAll(/\s*\n\s*/g, ' '))
    const line = this.isJson ? formatJson({ error: { code: fault.code, message } }) : `hanse: ${message}`
    this.#init.stderr.write(`${line}\n`)
    this.exitCode = Math.max(this.exitCode, exitCodeOf(fault))
  }
}
