import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import { configFileOf, formatConfigFile } from '../../node/config/config-file.ts'
import { CONFIG_KEYS, type NodeConfig } from '../../node/config/config-keys.ts'
import { FaultError } from '../../node/fault-error.ts'
import { addConfigFlags } from '../config-flags.ts'
import { formatPairs } from '../output/table.ts'
import { printable } from '../output/printable.ts'
import type { Session } from '../session.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { displayName, spaceCreateAction, spaceListAction, type SpaceLine } from './space.ts'
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
      '\nConfiguration flags are written into the new config.toml. What is there already is kept.\n\nExamples:\n  hanse init\n  hanse init --create team\n  hanse init --bootstrap /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW...',
    )
    .option('--create <name>', 'make a space of that name, too')
  addConfigFlags(command).action(async ({ create }, self) => {
    const flags = self.optsWithGlobals() as GlobalOptions & Readonly<Record<string, unknown>>
    const data = shell.dataOf(flags)
    const config = shell.configOf(data, flags)
    const values = configIn(flags, config)
    const file = configFileOf(data)
    if (existsSync(file) && Object.keys(values).length > 0) {
      throw new FaultError({
        code: 'USAGE',
        detail: `${file} is there already: edit it, or leave the configuration flags out`,
      })
    }
    const isNew = await makeDataDirectory(data, values)
    const { session } = shell.open(self)
    const { did, peerId } = await session.execute(whoamiAction, {})
    const space = create === undefined ? null : await createSpace(session, create)
    shell.print({ data, created: isNew, config: file, did, peerId, space }, () => [
      shell.style.strong(
        isNew ? 'A new Hanse node.' : 'This data directory is there already; nothing was changed.',
      ),
      ...formatPairs([
        ['data', printable(data)],
        ['configuration', printable(file)],
        ['author', did],
        ['peer', peerId],
        ...(space === null ? [] : [['space', `${displayName(space.name)}, ${space.id}`] as const]),
      ]),
      '',
      space === null
        ? 'Next: "hanse space create NAME" or "hanse join LINK"; then "hanse up" runs the node.'
        : 'Next: "hanse put PATH VALUE" writes to the space; "hanse up" runs the node.',
    ])
  })
}

/** A space of that name; one that is there already is kept, so that the command may be given again. */
async function createSpace(session: Session, name: string): Promise<SpaceLine> {
  const known = (await session.execute(spaceListAction, {})).spaces.find((space) => space.name === name)
  return (
    known ?? (await session.execute(spaceCreateAction, { name, profile: 'federated', openReading: true }))
  )
}

/** The values that flags of a command line give, as the configuration has them. */
export function configIn(flags: Readonly<Record<string, unknown>>, config: NodeConfig): Partial<NodeConfig> {
  const given = CONFIG_KEYS.filter(({ property }) => flags[property] !== undefined)
  return Object.fromEntries(given.map(({ property }) => [property, config[property]])) as Partial<NodeConfig>
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
