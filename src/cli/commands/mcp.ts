import { readFileSync, statSync } from 'node:fs'
import type { Command } from '@commander-js/extra-typings'
import { HTTP_BODY_BYTES_MAX } from '../../core/limits.ts'
import { isLoopback } from '../../http/listen-address.ts'
import { Bridge } from '../../mcp/bridge/bridge.ts'
import { FaultError } from '../../node/fault-error.ts'
import { defineAction } from '../control/action.ts'
import { connectControl } from '../control/control-client.ts'
import { readLines } from '../control/line-reader.ts'
import { socketPathOf } from '../control/socket-path.ts'
import { printable } from '../output/printable.ts'
import type { GlobalOptions, Shell } from '../shell.ts'

/** Where the running node serves HTTP. */
export const httpOriginAction = defineAction({
  name: 'http.origin',
  shape: {},
  run: ({ http }): { readonly origin: string | null } => ({ origin: http?.origin ?? null }),
})

/** `hanse mcp`: the running node for an AI assistant, over standard input and output. */
export function registerMcp(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('mcp')
    .description('serve an AI assistant over MCP on standard input and output, through the node that runs')
    .option('--url <url>', 'where the node serves HTTP (HANSE_URL); default: that of the data directory')
    .option('--token-file <file>', 'file with the agent token, instead of HANSE_TOKEN')
    .addHelpText(
      'after',
      `
An assistant starts it by itself: "hanse agent add NAME --can write --mcp" prints what to paste into its configuration.
It needs "hanse up" to run, as any number of them may at once; while that is restarted it waits, and goes on by itself.

Example: HANSE_TOKEN=hanse_agent_… hanse mcp`,
    )
    .action(async ({ url, tokenFile }, self) => {
      const token = tokenOf(shell, tokenFile)
      const given = url ?? shell.variable('HANSE_URL')
      const data = shell.dataOf(self.optsWithGlobals())
      const bridge = new Bridge({
        lines: readLines(shell.stdin as AsyncIterable<Uint8Array>, HTTP_BODY_BYTES_MAX),
        write: async (line) => shell.writeAll(line),
        token,
        locate: given === undefined ? async () => await runningAt(data) : constant(parseUrl(given)),
        advice:
          given === undefined
            ? `no Hanse node runs on ${data}: start it with "hanse up", then try again`
            : `no Hanse node answers at ${given}: start it there with "hanse up", then try again`,
        note: (message) => void shell.stderr.write(`hanse mcp: ${printable(message)}\n`),
        signal: shell.interrupted,
      })
      shell.interrupted.addEventListener('abort', () => shell.stdin.destroy(), { once: true })
      try {
        await bridge.run()
      } catch (error) {
        if (!shell.interrupted.aborted) throw error
      }
    })
}

/** Null where no node runs on the data directory. Throws `OFFLINE` where one runs without HTTP. */
async function runningAt(data: string): Promise<string | null> {
  let client: Awaited<ReturnType<typeof connectControl>> = null
  try {
    client = await connectControl(socketPathOf(data))
    if (client === null) return null
    const answer = await client.request(httpOriginAction.name, {}, () => {})
    const { origin } = answer as { readonly origin: string | null }
    if (origin !== null) return origin
    const detail = 'this node serves no HTTP, which MCP comes through: start it without "http = none"'
    throw new FaultError({ code: 'OFFLINE', detail })
  } catch (error) {
    // It is just stopping.
    if (error instanceof FaultError && error.code === 'NODE_STOPPED') return null
    throw error
  } finally {
    client?.close()
  }
}

function tokenOf(shell: Shell, file: string | undefined): string {
  const token = file === undefined ? shell.variable('HANSE_TOKEN') : readToken(shell, file)
  if (token !== undefined && token !== '') return token
  const detail =
    'an agent token is needed, in HANSE_TOKEN or in a file named by --token-file: "hanse agent add NAME --can write" makes one'
  throw new FaultError({ code: 'NO_TOKEN', detail })
}

function readToken(shell: Shell, file: string): string {
  try {
    const isForOthers = (statSync(file).mode & 0o077) !== 0
    if (isForOthers) shell.stderr.write(`hanse mcp: others may read ${printable(file)}: chmod 600 it\n`)
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error)
    throw new FaultError({ code: 'NO_FILE', detail: `the token file ${file} cannot be read: ${why}` })
  }
}

/** The origin of an address. Throws `BAD_ADDRESS`, also where the token would travel in the clear. */
function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new FaultError({
      code: 'BAD_ADDRESS',
      detail: `${text} is no address such as http://127.0.0.1:7420`,
    })
  if (url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[(.*)\]$/, '$1')))
    throw new FaultError({
      code: 'BAD_ADDRESS',
      detail: `${text} would get the token in the clear: use https`,
    })
  return url.origin
}

const constant = (origin: string) => async (): Promise<string> => origin
