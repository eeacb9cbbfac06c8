import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import type { RegisteredNode } from '../../node/remotes/node-registry.ts'
import type { RemoteRun } from '../../node/remotes/remote-record.ts'
import { type RemoteStanding, standingOf } from '../../node/remotes/remote-status.ts'
import { defineAction } from '../control/action.ts'
import { EXIT } from '../exit-code.ts'
import {
  formatAmount,
  formatBytes,
  formatCount,
  formatDuration,
  formatMoment,
  formatTime,
} from '../output/human.ts'
import { printable } from '../output/printable.ts'
import type { Style } from '../output/style.ts'
import { formatPairs, formatTable } from '../output/table.ts'
import type { Shell } from '../shell.ts'
import { chooseSpace } from './choose-space.ts'

export const remoteStatusAction = defineAction({
  name: 'remote.status',
  shape: { space: 'text?', remote: 'text?', offline: 'boolean' },
  run: async ({ node, signal }, { space: given, remote, offline }) => {
    const { id, name } = chooseSpace(node, given)
    const records = remote === undefined ? node.remotes.list(id) : [node.remotes.get(id, remote)]
    const remotes = await Promise.all(
      records.map(async (record) => standingOf(node, record, { signal, isOffline: offline })),
    )
    return { space: id, name, remotes }
  },
})

export const remoteStatsAction = defineAction({
  name: 'remote.stats',
  shape: { space: 'text?', remote: 'text' },
  run: ({ node }, { space, remote }): { readonly remote: string; readonly runs: readonly RemoteRun[] } => {
    const record = node.remotes.get(chooseSpace(node, space).id, remote)
    return { remote: record.name, runs: node.remotes.state(record).runs }
  },
})

export function registerRemoteStatus(remote: CommandUnknownOpts, shell: Shell): void {
  remote
    .command('status')
    .argument('[name]', 'a remote that there is; without it each of the space')
    .description('what is here alone and there alone, conflicts, and how the last run went')
    .option('--offline', 'only what is known here: ask nobody')
    .option('--verbose', 'the items that are here alone')
    .action(async (name, given, self) => {
      const { offline = false, verbose = false } = given as {
        readonly offline?: true
        readonly verbose?: true
      }
      const { session, space } = shell.open(self)
      const outcome = await session.execute(remoteStatusAction, {
        space,
        remote: name,
        offline,
      })
      shell.print(outcome, ({ remotes }) =>
        remotes.length === 0
          ? 'the space has no remotes: hanse remote add origin URL'
          : remotes.flatMap((one) => standingLines(one, shell.style, verbose)),
      )
      if (outcome.remotes.some(({ state }) => state === 'failed')) shell.exitCode = EXIT.failed
    })
}

function standingLines(one: RemoteStanding, style: Style, isVerbose: boolean): readonly string[] {
  const nowMs = Date.now()
  const paint = {
    synced: style.good,
    failed: style.bad,
    conflict: style.warn,
    syncing: style.warn,
    'not-synced': style.warn,
  }
  const items = one.localItems
  const local =
    one.localOnly === null
      ? 'not known'
      : `${formatAmount(one.localOnly, 'operation')}${items === null || one.localOnly === 0 ? '' : `: ${items.added.length} items new, ${items.updated.length} changed, ${items.deleted.length} deleted`}`
  return [
    `${style.strong(one.name)}  ${printable(one.url)}`,
    ...formatPairs(
      [
        ['state', paint[one.state](one.state)],
        ['here alone', local],
        ['there alone', one.behind === null ? 'not known' : formatAmount(one.behind, 'operation')],
        ...(one.pending > 0 ? [['waiting here', formatCount(one.pending)] as const] : []),
        ['conflicts', one.conflicts === 0 ? 'none' : `${formatCount(one.conflicts)} (hanse conflicts)`],
        ['last synced', one.syncedMs === null ? 'never' : formatTime(one.syncedMs, nowMs)],
        ...(one.latencyMs === null ? [] : [['round trip', formatDuration(one.latencyMs)] as const]),
        ...(one.error === null
          ? []
          : [
              [
                'last error',
                `${formatTime(one.error.atMs, nowMs)} ${one.error.code}: ${printable(one.error.detail)}`,
              ] as const,
            ]),
      ],
      '  ',
    ),
    ...(isVerbose && items !== null
      ? [
          ...items.added.map(({ path, type }) => `  + ${printable(path)}  ${type}`),
          ...items.updated.map(({ path, type }) => `  ~ ${printable(path)}  ${type}`),
          ...items.deleted.map(({ path, type }) => `  - ${printable(path)}  ${type}`),
        ]
      : []),
  ]
}

export function registerRemoteStats(remote: CommandUnknownOpts, shell: Shell): void {
  remote
    .command('stats')
    .argument('<name>', 'a remote that there is')
    .description('what the last runs came to, the latest first')
    .action(async (name, _options, self) => {
      const { session, space } = shell.open(self)
      shell.print(await session.execute(remoteStatsAction, { space, remote: name }), ({ runs }) =>
        runs.length === 0
          ? 'there were no runs yet: hanse sync'
          : formatTable(
              [
                { title: 'WHEN' },
                { title: 'RUN' },
                { title: 'ITEMS + ~ -' },
                { title: 'GAINED', align: 'right' },
                { title: 'SENT', align: 'right' },
                { title: 'REFUSED', align: 'right' },
                { title: 'IN', align: 'right' },
                { title: 'OUT', align: 'right' },
                { title: 'TOOK', align: 'right' },
                { title: 'RESULT' },
              ],
              runs
                .toReversed()
                .map((run) => [
                  formatMoment(run.atMs),
                  `${run.direction}${run.trigger === 'schedule' ? ' (by itself)' : ''}`,
                  `${formatCount(run.added)} ${formatCount(run.updated)} ${formatCount(run.deleted)}`,
                  formatCount(run.gained),
                  formatCount(run.sent),
                  formatCount(run.refused),
                  formatBytes(run.bytesReceived),
                  formatBytes(run.bytesSent),
                  formatDuration(run.durationMs),
                  run.code ?? 'done',
                ]),
            ),
      )
    })
}

export const remoteNodesAction = defineAction({
  name: 'remote.nodes',
  shape: {},
  run: ({ node }): { readonly nodes: readonly RegisteredNode[] } => ({ nodes: node.remotes.nodes.list() }),
})

export function registerRemoteNodes(remote: CommandUnknownOpts, shell: Shell): void {
  remote
    .command('nodes')
    .description('the nodes that have registered at this one, the nearest healthy first')
    .action(async (_options, self) => {
      const { session } = shell.open(self)
      shell.print(await session.execute(remoteNodesAction, {}), ({ nodes }) =>
        nodes.length === 0
          ? 'no node has registered here: POST /v1/nodes/register does (docs/remotes.md)'
          : formatTable(
              ['ID', 'KIND', 'STATE', 'ROUND TRIP', 'LAST SEEN', 'WHERE'].map((title) => ({ title })),
              nodes.map((one) => [
                printable(one.id),
                one.kind,
                one.healthy ? 'healthy' : 'not heard of',
                one.latencyMs === null ? 'not looked at' : formatDuration(one.latencyMs),
                formatMoment(one.seenMs),
                printable(one.endpoints.join(', ')) || 'nowhere',
              ]),
            ),
      )
    })
}
