import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import { configFileOf, formatConfigFile } from '../../node/config/config-file.ts'
import { CONFIG_KEYS, type NodeConfig } from '../../node/config/config-keys.ts'
import { FaultError } from '../../node/fault-error.ts'
import { addConfigFlags } from '../config-flags.ts'
import { formatPairs } from '../output/table.ts'
import { printable } from '../output/printable.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { whoamiAction } from './whoami.ts'

/** Ports for new nodes: below those that systems give out for outgoing connections. */
const FIRST_PORT = 20_000
const PORTS = 12_000

/** `hanse init`: keys, configuration and a place for spaces. */
export function registerInit(program: Command<[], GlobalOptions>, shell: Shell): void {
  const command = program
    .command('init')
    .description('make a data directory: keys, configuration, a place for spaces')
    .addHelpText(
      'after',
      '\nConfiguration flags are written into the new config.toml. What is there already is kept.\n\nExample: hanse init --bootstrap /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW...',
    )
  addConfigFlags(command).action(async (_options, self) => {
    const flags = self.optsWithGlobals() as GlobalOptions & Readonly<Record<string, unknown>>
    const data = shell.dataOf(flags)
    const config = shell.configOf(data, flags)
    const chosen = CONFIG_KEYS.filter(({ property }) => flags[property] !== undefined).map(
      ({ property }) => property,
    )
    const file = configFileOf(data)
    if (existsSync(file) && chosen.length > 0) {
      throw new FaultError({
        code: 'USAGE',
        detail: `${file} is there already: edit it, or leave the configuration flags out`,
      })
    }
    const values = Object.fromEntries(
      chosen.map((property) => [property, config[property]]),
    ) as Partial<NodeConfig>
    const isNew = await makeDataDirectory(data, values)
    const { session } = shell.open(self)
    const { did, peerId } = await session.execute(whoamiAction, {})
    shell.print({ data, created: isNew, config: file, did, peerId }, () => [
      shell.style.strong(
        isNew ? 'A new Hanse node.' : 'This data directory is there already; nothing was changed.',
      ),
      ...formatPairs([
        ['data', printable(data)],
        ['configuration', printable(file)],
        ['author', did],
        ['peer', peerId],
      ]),
      '',
      'Next: "hanse space create NAME" or "hanse join LINK"; then "hanse up" runs the node.',
    ])
  })
}

/** Makes a data directory with its configuration; what is there is kept. True where there was none. Throws `BAD_DATA`. */
export async function makeDataDirectory(data: string, values: Partial<NodeConfig>): Promise<boolean> {
  const { initDataDirectory } = await import('../../node/data-directory.ts')
  const isNew = inFileSystem(data, () => {
    makeFolders(data)
    return initDataDirectory(data)
  })
  const file = configFileOf(data)
  if (existsSync(file)) return isNew
  // The same port at every start, so that invites and cached addresses stay good.
  const listen = values.listen ?? [`/ip4/0.0.0.0/tcp/${FIRST_PORT + Math.floor(Math.random() * PORTS)}`]
  inFileSystem(data, () =>
    writeFileSync(file, formatConfigFile({ ...values, listen }), { mode: 0o600, flag: 'wx' }),
  )
  return isNew
}

/** Makes a folder and those above it, each by itself: Node's own recursion never ends where the system says ENOENT, as in /proc. */
function makeFolders(folder: string): void {
  if (existsSync(folder)) return
  makeFolders(dirname(folder))
  mkdirSync(folder, { mode: 0o700 })
}

/** Faults of the file system are the user's to mend. */
function inFileSystem<T>(data: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    throw new FaultError({ code: 'BAD_DATA', detail: `${data} cannot be used: ${error.message}` })
  }
}
