import type { Command } from '@commander-js/extra-typings'
import type { PeerStatus } from '../../node/space/status.ts'
import { defineAction } from '../control/action.ts'
import { formatCodes, formatTime } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { formatTable } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace } from './choose-space.ts'
import { displayName } from './space.ts'
import { sortPeers } from './status.ts'

interface Connection {
  readonly peer: string
  readonly addresses: readonly string[]
  /** Offence points, which fade, and whether it is banned for them now. */
  readonly points: number
  readonly banned: boolean
}

interface PeerOfSpace extends PeerStatus {
  readonly points: number
  readonly banned: boolean
}

interface Peers {
  readonly running: boolean
  readonly connections: readonly Connection[]
  readonly spaces: readonly {
    readonly id: string
    readonly name: string
    readonly peers: readonly PeerOfSpace[]
  }[]
  readonly nowMs: number
}

export const peersAction = defineAction({
  name: 'peers',
  shape: { space: 'text?' },
  run: ({ node, isRunning }, { space }): Peers => {
    const standingOf = (peer: string) => {
      const { points, isBanned } = node.network?.standingOf(peer) ?? { points: 0, isBanned: false }
      return { points: Math.round(points * 10) / 10, banned: isBanned }
    }
    const spaces = space === undefined ? node.spaces() : [chooseSpace(node, space)]
    return {
      running: isRunning,
      connections: (node.network?.connectedPeers() ?? []).map((one) => ({ ...one, ...standingOf(one.peer) })),
      spaces: spaces.map((one) => ({
        id: one.id,
        name: one.name,
        peers: one.status().peers.map((peer) => ({ ...peer, ...standingOf(peer.peer) })),
      })),
      nowMs: node.now(),
    }
  },
})

/** `hanse peers`: who is connected, who is known in which space, and what is held against them. */
export function registerPeers(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('peers')
    .description('show connected and known peers, what was refused from them, and who is banned')
    .action(async (_options, self) => {
      const { session, space } = shell.open(self)
      const peers = await session.execute(peersAction, { space })
      shell.print(peers, () => formatPeers(peers, shell))
    })
}

function formatPeers({ running, connections, spaces, nowMs }: Peers, { style }: Shell): readonly string[] {
  const members = new Set(spaces.flatMap(({ peers }) => peers.map(({ peer }) => peer)))
  const strangers = connections.filter(({ peer }) => !members.has(peer))
  const addressOf = (peer: string) =>
    printable(connections.find((one) => one.peer === peer)?.addresses[0] ?? '')
  const lines = running ? [] : [style.warn('The node is not running: these peers are remembered.')]
  for (const { name, peers } of spaces) {
    const rows = sortPeers(peers).map((peer) => [
      peer.peer,
      peer.banned ? 'banned' : peer.connected ? 'connected' : 'known',
      peer.inSync ? `in sync ${formatTime(peer.provedAtMs ?? nowMs, nowMs)}` : 'not proved',
      String(peer.points),
      formatCodes(peer.refused),
      peer.lastFault === null ? '' : printable(peer.lastFault),
      addressOf(peer.peer),
    ])
    const columns = ['PEER', 'STATE', 'SYNC', 'POINTS', 'REFUSED', 'LAST FAULT', 'ADDRESS']
    lines.push(
      ...(lines.length > 0 ? [''] : []),
      style.strong(displayName(name)),
      ...indent(table(columns, rows, style.faint)),
    )
    if (rows.length === 0) lines.push('  no peer of this space has been met')
  }
  if (strangers.length > 0) {
    const rows = strangers.map(({ peer, banned, points, addresses }) => [
      peer,
      banned ? 'banned' : 'connected',
      String(points),
      printable(addresses[0] ?? ''),
    ])
    lines.push(
      ...(lines.length > 0 ? [''] : []),
      style.strong('In no space of ours'),
      ...indent(table(['PEER', 'STATE', 'POINTS', 'ADDRESS'], rows, style.faint)),
    )
  }
  return lines.length > 0 ? lines : ['No space and no peer yet.']
}

function table(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  paint: (text: string) => string,
): readonly string[] {
  const [head, ...lines] = formatTable(
    titles.map((title) => ({ title, align: title === 'POINTS' ? 'right' : 'left' })),
    rows,
  )
  return head === undefined ? [] : [paint(head), ...lines]
}

const indent = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`)
