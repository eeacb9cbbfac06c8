import { resolve } from 'node:path'
import { type Command, type CommandUnknownOpts, Option } from '@commander-js/extra-typings'
import { REMOTE_TOKEN_CHARACTERS_MAX } from '../../core/limits.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import { NODE_KINDS, type NodeKind } from '../../node/remotes/node-registry.ts'
import { REMOTE_MODES, type RemoteMode, type RemoteSchedule } from '../../node/remotes/remote-record.ts'
import { describeRemote, type RemoteDescription } from '../../node/remotes/remote-status.ts'
import { defineAction } from '../control/action.ts'
import { parseDuration } from '../duration.ts'
import { formatAmount, formatDuration, formatMoment } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { formatPairs, formatTable } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace } from './choose-space.ts'
import { readInput } from './read-input.ts'
import { registerRemoteNodes, registerRemoteStats, registerRemoteStatus } from './remote-status.ts'

const scheduleShape = {
  live: 'boolean?',
  everyMs: 'integer?',
  afterChanges: 'integer?',
  windowMs: 'integer?',
} as const

/** What flags say of a schedule; none where they say nothing. */
interface ScheduleArguments {
  readonly live?: boolean | undefined
  readonly everyMs?: number | undefined
  readonly afterChanges?: number | undefined
  readonly windowMs?: number | undefined
}

export function scheduleOf({
  live,
  everyMs,
  afterChanges,
  windowMs,
}: ScheduleArguments): RemoteSchedule | undefined {
  if (live === undefined) return undefined
  return {
    isLive: live,
    everyMs: everyMs ?? null,
    afterChanges: afterChanges ?? null,
    windowMs: windowMs ?? null,
  }
}

export const remoteAddAction = defineAction({
  name: 'remote.add',
  shape: {
    space: 'text?',
    name: 'text',
    url: 'text',
    token: 'text?',
    path: 'text?',
    caFile: 'text?',
    insecure: 'boolean',
    registerAs: 'text?',
    ...scheduleShape,
  },
  run: (
    { node },
    { space, name, url, token, path, caFile, insecure, registerAs: as, ...schedule },
  ): RemoteDescription => {
    const spaceId = chooseSpace(node, space).id
    const registerAs = as === undefined ? undefined : nodeKindOf(as)
    const options = { name, spaceId, url, token, path, caFile, registerAs, isInsecure: insecure }
    return describeRemote(node, node.remotes.add({ ...options, schedule: scheduleOf(schedule) }))
  },
})

function nodeKindOf(text: string): NodeKind {
  const kind = NODE_KINDS.find((one) => one === text)
  if (kind !== undefined) return kind
  throw new FaultError({
    code: 'USAGE',
    detail: `--register is ${NODE_KINDS.join(', ')}, not ${JSON.stringify(text)}`,
  })
}

export const remoteSetAction = defineAction({
  name: 'remote.set',
  shape: { space: 'text?', name: 'text', token: 'text?', insecure: 'boolean', ...scheduleShape },
  run: ({ node }, { space, name, token, insecure, ...schedule }): RemoteDescription => {
    const change = { token, isInsecure: insecure, schedule: scheduleOf(schedule) }
    return describeRemote(node, node.remotes.change(chooseSpace(node, space).id, name, change))
  },
})

export const remoteListAction = defineAction({
  name: 'remote.list',
  shape: { space: 'text?', all: 'boolean' },
  run: ({ node }, { space, all }): { readonly remotes: readonly RemoteDescription[] } => {
    const records = node.remotes.list(all ? undefined : chooseSpace(node, space).id)
    return { remotes: records.map((record) => describeRemote(node, record)) }
  },
})

export const remoteRemoveAction = defineAction({
  name: 'remote.remove',
  shape: { space: 'text?', name: 'text' },
  run: ({ node }, { space, name }): RemoteDescription => {
    const spaceId = chooseSpace(node, space).id
    const described = describeRemote(node, node.remotes.get(spaceId, name))
    node.remotes.remove(spaceId, name)
    return described
  },
})

/** `hanse remote`: where else a space is. */
export function registerRemote(program: Command<[], GlobalOptions>, shell: Shell): void {
  const remote = program
    .command('remote')
    .description(
      'other places of a space: nodes over HTTP, files on a web server or in a folder, libp2p peers',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  hanse remote add origin https://hub.example:7420 --token-file token.txt --mode continuous\n  hanse remote add mirror https://files.example/fleet/\n  hanse remote status',
    )
  registerAdd(remote, shell)
  registerList(remote, shell)
  registerRemoteStatus(remote, shell)
  registerRemoteStats(remote, shell)
  registerRemoteNodes(remote, shell)
}

function registerAdd(remote: CommandUnknownOpts, shell: Shell): void {
  const add = remote
    .command('add')
    .argument('<name>', 'what to call it')
    .argument(
      '<url>',
      'http(s)://host:port, a folder or file on a web server, file:///folder, a multiaddr or peer id',
    )
    .description('write down a remote of the space; asks nothing of it')
    .option('--path <path>', 'only bodies at or below this path')
    .option('--ca <file>', 'PEM file of the authority that the remote’s certificate is of')
    .option(
      '--register [kind]',
      'while "hanse up" runs, make this node known there: as a desktop (default), server or light node',
    )
  addScheduleFlags(addTokenFlags(add)).action(async (name, url, given, self) => {
    const options = given as unknown as RemoteFlags
    const { session, space } = shell.open(self)
    const { path, ca, insecure = false } = options
    const token = await tokenOf(options, shell)
    const caFile = ca === undefined ? undefined : resolve(ca)
    const { register } = options
    const registerAs = register === true ? 'desktop' : register
    const schedule = scheduleArguments(options)
    const args = { space, name, url, token, path, caFile, insecure, registerAs, ...schedule }
    const made = await session.execute(remoteAddAction, args)
    shell.print(made, () => [...describeLines(made), '', `Next: hanse sync ${name}`])
  })
  const set = remote
    .command('set')
    .argument('<name>', 'a remote that there is')
    .description('give a remote another schedule or token')
  addScheduleFlags(addTokenFlags(set)).action(async (name, given, self) => {
    const options = given as unknown as RemoteFlags
    const { session, space } = shell.open(self)
    const token = await tokenOf(options, shell)
    const schedule = scheduleArguments(options)
    if (token === undefined && schedule.live === undefined)
      throw new FaultError({
        code: 'USAGE',
        detail: 'say what to change: --mode, --every, --after, --window or --token',
      })
    const args = { space, name, token, insecure: options.insecure ?? false, ...schedule }
    shell.print(await session.execute(remoteSetAction, args), describeLines)
  })
}

function registerList(remote: CommandUnknownOpts, shell: Shell): void {
  remote
    .command('list')
    .description('the remotes of the space')
    .option('--all', 'of every space')
    .action(async (given, self) => {
      const { all = false } = given as { readonly all?: true }
      const { session, space } = shell.open(self)
      shell.print(await session.execute(remoteListAction, { space, all }), ({ remotes }) =>
        remotes.length === 0
          ? 'there are no remotes: hanse remote add origin URL'
          : formatTable(
              ['NAME', 'ADDRESS', 'KIND', 'PATH', 'MODE', 'SPACE'].map((title) => ({ title })),
              remotes.map((one) => [
                one.name,
                printable(one.url),
                one.kind ?? 'not asked yet',
                printable(one.path) || 'everything',
                one.mode,
                one.space.slice(0, 8),
              ]),
            ),
      )
    })
  remote
    .command('show')
    .argument('<name>', 'a remote that there is')
    .description('one remote; its token is never shown')
    .action(async (name, _options, self) => {
      const { session, space } = shell.open(self)
      const { remotes } = await session.execute(remoteListAction, { space, all: false })
      const found = remotes.find((one) => one.name === name)
      if (found === undefined)
        throw new FaultError({
          code: 'NO_REMOTE',
          detail: `the space has no remote ${JSON.stringify(name)}: hanse remote list`,
        })
      shell.print(found, describeLines)
    })
  remote
    .command('remove')
    .argument('<name>', 'a remote that there is')
    .description('forget a remote and its token; what was synced stays')
    .action(async (name, _options, self) => {
      const { session, space } = shell.open(self)
      shell.print(
        await session.execute(remoteRemoveAction, { space, name }),
        (one) => `${one.name} is forgotten`,
      )
    })
}

/** Flags of commands that make or change a remote. */
export interface RemoteFlags {
  readonly path?: string
  readonly ca?: string
  readonly token?: string
  readonly tokenFile?: string
  readonly insecure?: true
  readonly register?: true | string
  readonly mode?: string
  readonly every?: string
  readonly after?: string
  readonly window?: string
}

export function addTokenFlags<C extends { addOption(option: Option): unknown }>(command: C): C {
  const flags = [
    new Option(
      '--token <token>',
      'an agent token of the remote node ("hanse agent add" there); - reads standard input',
    ),
    new Option('--token-file <file>', 'a file that holds the token, so that no list of processes shows it'),
    new Option(
      '--insecure',
      'send the token over http:// to another machine, where anybody on the way can read it',
    ),
  ]
  for (const flag of flags) command.addOption(flag)
  return command
}

export function addScheduleFlags<C extends { addOption(option: Option): unknown }>(command: C): C {
  const flags = [
    new Option(
      '--mode <mode>',
      'while "hanse up" runs: local (on demand), hybrid (every 5 min, and after writes) or continuous',
    ),
    new Option('--every <duration>', 'both ways so often, e.g. 5m'),
    new Option('--after <changes>', 'push after this many operations, e.g. 100'),
    new Option('--window <duration>', 'push this long after the first operation that is not there, e.g. 60s'),
  ]
  for (const flag of flags) command.addOption(flag)
  return command
}

/** The token that flags name; undefined where they name none. */
export async function tokenOf({ token, tokenFile }: RemoteFlags, shell: Shell): Promise<string | undefined> {
  if (token !== undefined && tokenFile !== undefined)
    throw new FaultError({ code: 'USAGE', detail: 'give --token or --token-file, not both' })
  if (token !== '-' && tokenFile === undefined) return token
  const source = tokenFile ?? shell.input
  const bytes = await readInput(source, REMOTE_TOKEN_CHARACTERS_MAX, 'which is the most a token has')
  return Buffer.from(bytes).toString().trim()
}

/** A schedule as arguments of an action; empty where flags say nothing of it. */
export function scheduleArguments({ mode, every, after, window }: RemoteFlags): ScheduleArguments {
  const isSaid = [mode, every, after, window].some((flag) => flag !== undefined)
  if (!isSaid) return {}
  if (mode !== undefined && !Object.hasOwn(REMOTE_MODES, mode))
    throw new FaultError({
      code: 'USAGE',
      detail: `--mode is local, hybrid or continuous, not ${JSON.stringify(mode)}`,
    })
  const base = REMOTE_MODES[(mode ?? 'local') as RemoteMode]
  const changes = after === undefined ? base.afterChanges : Number(after)
  if (changes !== null && (!Number.isSafeInteger(changes) || changes < 1))
    throw new FaultError({ code: 'USAGE', detail: '--after is a whole number of operations, at least 1' })
  const everyMs = every === undefined ? base.everyMs : orThrow(parseDuration(every, '--every'))
  const windowMs = window === undefined ? base.windowMs : orThrow(parseDuration(window, '--window'))
  return {
    live: base.isLive,
    ...(everyMs === null ? {} : { everyMs }),
    ...(changes === null ? {} : { afterChanges: changes }),
    ...(windowMs === null ? {} : { windowMs }),
  }
}

function describeLines(one: RemoteDescription): readonly string[] {
  return formatPairs([
    ['name', one.name],
    ['address', printable(one.url)],
    ['kind', one.kind ?? 'not asked yet'],
    ['space', one.space],
    ['path', printable(one.path) || 'everything'],
    ['token', one.hasToken ? 'kept in secrets.json of the data directory, never shown' : 'none'],
    ...(one.caFile === null ? [] : [['authority', printable(one.caFile)] as const]),
    ['mode', `${one.mode}: ${describeSchedule(one.schedule)}`],
    ...(one.registerAs === null ? [] : [['registers', registrationOf(one)] as const]),
    ['added', formatMoment(one.addedMs)],
  ])
}

function registrationOf({ registerAs, registeredMs, registerError }: RemoteDescription): string {
  const last = registeredMs === null ? 'not yet' : `last ${formatMoment(registeredMs)}`
  return `as a ${registerAs} node, while "hanse up" runs; ${registerError === null ? last : printable(registerError.detail)}`
}

function describeSchedule({ isLive, everyMs, afterChanges, windowMs }: RemoteSchedule): string {
  const parts = [
    ...(isLive ? ['as soon as either side has something new'] : []),
    ...(everyMs === null ? [] : [`both ways every ${formatDuration(everyMs)}`]),
    ...(afterChanges === null ? [] : [`pushed after ${formatAmount(afterChanges, 'operation')}`]),
    ...(windowMs === null ? [] : [`pushed ${formatDuration(windowMs)} after a write`]),
  ]
  return parts.length === 0 ? 'on demand' : `${parts.join(', ')}, while "hanse up" runs`
}
