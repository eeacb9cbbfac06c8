import type { Command } from '@commander-js/extra-typings'
import type { Fault } from '../../core/result.ts'
import type { PeerStatus, SpaceStatus } from '../../node/space/status.ts'
import { defineAction } from '../control/action.ts'
import {
  formatAmount,
  formatBytes,
  formatCodes,
  formatCount,
  formatDuration,
  formatTime,
} from '../output/human.ts'
import { printable } from '../output/printable.ts'
import type { Style } from '../output/style.ts'
import { formatPairs } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace } from './choose-space.ts'
import { displayName } from './space.ts'

interface NodeStatus {
  readonly did: string
  readonly peerId: string
  readonly running: boolean
  readonly pid: number | null
  readonly addresses: readonly string[]
  /** Connected now, whether or not they share a space. */
  readonly connectedPeers: number
  readonly spaces: readonly SpaceStatus[]
  /** Spaces whose file cannot be read, and why. */
  readonly unreadable: readonly Fault[]
  /** This node's clock, ms since 1970. */
  readonly nowMs: number
}

export const statusAction = defineAction({
  name: 'status',
  shape: { space: 'text?' },
  run: async ({ node, isRunning }, { space }): Promise<NodeStatus> => {
    const spaces = space === undefined ? node.spaces() : [chooseSpace(node, space)]
    // Only after a crash is there anything to wait for.
    for (const { blobs } of spaces) await blobs.ready()
    return {
      did: node.did,
      peerId: node.peerId,
      running: isRunning,
      pid: isRunning ? process.pid : null,
      addresses: node.addresses,
      connectedPeers: node.network?.connectedPeers().length ?? 0,
      spaces: spaces.map((one) => one.status()),
      unreadable: space === undefined ? node.unreadableSpaces : [],
      nowMs: node.now(),
    }
  },
})

/** `hanse status`: where every space stands, and with whom it is in sync by which proof. */
export function registerStatus(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('status')
    .description('show where the spaces stand, and with whom they are in sync')
    .addHelpText(
      'after',
      '\n"in sync" is said of a peer only where both sides have shown equal clock and state roots and no body is absent\nthat either may read, and nothing has changed here since.',
    )
    .action(async (_options, self) => {
      const { session, space } = shell.open(self)
      const status = await session.execute(statusAction, { space })
      shell.print(status, () => formatStatus(status, shell.style))
      for (const fault of status.unreadable) shell.report(fault)
    })
}

function formatStatus(
  { running, pid, peerId, connectedPeers, spaces, unreadable, nowMs }: NodeStatus,
  style: Style,
): readonly string[] {
  const node = running
    ? `${style.good('running')}, process ${pid}, ${formatAmount(connectedPeers, 'peer')} connected`
    : `${style.warn('not running')}: start it with "hanse up"`
  const none =
    spaces.length === 0 && unreadable.length === 0
      ? ['', 'No space yet: "hanse space create NAME" or "hanse join LINK".']
      : []
  return [
    `node ${peerId}  ${node}`,
    ...none,
    ...spaces.flatMap((space) => ['', ...formatSpace(space, nowMs, style)]),
  ]
}

function formatSpace(status: SpaceStatus, nowMs: number, style: Style): readonly string[] {
  const {
    name,
    id,
    operations,
    authors,
    clockRoot,
    stateRoot,
    selection,
    absentBodies,
    waitingTexts,
    blobs,
    unreadable,
    localHead,
    writing,
    acknowledged,
    masked,
    clockBehindMs,
    held,
    refused,
    outdated,
    forkedAuthors,
    peers,
  } = status
  const forked =
    forkedAuthors.length === 0 ? 'none' : `${formatCount(forkedAuthors.length)}: ${forkedAuthors.join(', ')}`
  return [
    `${style.strong(displayName(name))}  ${style.faint(id)}`,
    ...formatPairs(
      [
        ['operations', `${formatCount(operations)} by ${formatAmount(authors, 'author')}`],
        ['clock root', clockRoot],
        ['state root', stateRoot],
        ['reading', formatSelection(selection)],
        [
          'bodies',
          (absentBodies === 0 ? 'all here' : style.warn(`${formatCount(absentBodies)} absent`)) +
            (unreadable === 0 ? '' : `; ${formatCount(unreadable)} not for this node to read`),
        ],
        ...(waitingTexts.length === 0
          ? []
          : [
              [
                'texts',
                style.warn(`not final, bodies are missing: ${waitingTexts.map(printable).join(', ')}`),
              ] as const,
            ]),
        ...(blobs.referenced === 0 ? [] : [['blobs', formatBlobs(blobs, style)] as const]),
        [
          'last write',
          localHead === null
            ? 'none by this node'
            : `acknowledged by ${formatCount(acknowledged)} of ${formatAmount(peers.length, 'peer')}`,
        ],
        ...(writing === null
          ? []
          : [['writing', style.warn(`stopped (${writing}): see "hanse identity"`)] as const]),
        ...(masked === 0
          ? []
          : [['revoked', `${formatAmount(masked, 'operation')} without effect`] as const]),
        ['held', formatCodes(held)],
        ...(clockBehindMs === null
          ? []
          : [
              [
                'clock',
                style.warn(
                  `this machine's clock seems to be ${formatDuration(clockBehindMs)} behind those of several authors, whose operations wait: set it`,
                ),
              ] as const,
            ]),
        ['refused', formatCodes(refused)],
        ...(outdated.length === 0
          ? []
          : [
              [
                'outdated',
                style.warn(
                  `${formatAmount(
                    outdated.reduce((sum, { changes }) => sum + changes, 0),
                    'change',
                  )} not understood, see "hanse held": a newer Hanse may know them`,
                ),
              ] as const,
            ]),
        ['forked', forkedAuthors.length === 0 ? forked : style.warn(forked)],
      ],
      '  ',
    ),
    ...(peers.length === 0
      ? ['  no peer of this space has been met']
      : sortPeers(peers).map((peer) => `  ${formatPeer(peer, nowMs, style)}`)),
  ]
}

/** What is here of the attachments, and what is not. */
function formatBlobs(
  { referenced, missing, wanted, wantedBytes, counted }: SpaceStatus['blobs'],
  style: Style,
): string {
  const all = `${formatCount(referenced)}, ${missing === 0 ? 'all here' : style.warn(`missing: ${formatCount(missing)}`)}`
  const onList = wanted === 0 ? '' : `; ${formatCount(wanted)} wanted, ${formatBytes(wantedBytes)}`
  return `${all}${onList}${counted ? '' : style.warn('; still being counted')}`
}

/** What this node may read, in words. */
function formatSelection(selection: SpaceStatus['selection']): string {
  if (selection === null) return 'by the terms of its tokens'
  if (selection.length === 0) return 'headers alone'
  return selection[0] === '' ? 'everything' : `at or below ${selection.map(printable).join(', ')}`
}

/** What is proved about one peer, and nothing else. */
function formatPeer(peer: PeerStatus, nowMs: number, style: Style): string {
  const gone = peer.connected ? '' : style.faint(' (not connected now)')
  const proved = peer.provedAtMs === null ? null : formatTime(peer.provedAtMs, nowMs)
  if (peer.inSync && proved !== null)
    return `${style.good('in sync')} with ${peer.peer} since ${proved} (proved)${gone}`
  const lacking =
    peer.weLack > 0 || peer.theyLack > 0
      ? `we lack ${formatCount(peer.weLack)}, they lack ${formatCount(peer.theyLack)}`
      : null
  const because =
    lacking ??
    (proved === null ? 'not compared to the end yet' : 'something has changed here since the last proof')
  const before = proved === null ? '' : `; last in sync at ${proved}`
  const fault = peer.lastFault === null ? '' : `; last fault ${printable(peer.lastFault)}`
  return `${style.warn('not proved in sync')} with ${peer.peer}: ${because}${before}${fault}${gone}`
}

/** Connected ones first, then by id. */
export function sortPeers<P extends { readonly peer: string; readonly connected: boolean }>(
  peers: readonly P[],
): readonly P[] {
  return peers.toSorted((a, b) => Number(b.connected) - Number(a.connected) || (a.peer < b.peer ? -1 : 1))
}
