import type { Command } from '@commander-js/extra-typings'
import type { Evidence } from '../../node/reputation.ts'
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
}

/** What is held against a peer: local, and forgotten with time. */
interface Blame {
  /** Offence points, which fade. */
  readonly points: number
  readonly banned: boolean
  /** When the ban ends, ms since 1970; null where there is none. */
  readonly bannedUntilMs: number | null
  readonly evidence: readonly Evidence[]
}

interface Peers {
  readonly running: boolean
  readonly connections: readonly (Connection & Blame)[]
  readonly spaces: readonly {
    readonly id: string
    readonly name: string
    readonly peers: readonly (PeerStatus & Blame)[]
  }[]
  readonly nowMs: number
}

export const peersAction = defineAction({
  name: 'peers',
  shape: { space: 'text?' },
  run: ({ node, isRunning }, { space }): Peers => {
    const blameOf = (peer: string): Blame => {
      const standing = node.network?.standingOf(peer)
      const bannedUntilMs = standing?.bannedUntilMs ?? null
      return {
        points: Math.round((standing?.points ?? 0) * 10) / 10,
        banned: bannedUntilMs !== null,
        bannedUntilMs,
        evidence: standing?.evidence ?? [],
      }
    }
    const spaces = space === undefined ? node.spaces() : [chooseSpace(node, space)]
    return {
      running: isRunning,
      connections: (node.network?.connectedPeers() ?? []).map((one) => ({ ...one, ...blameOf(one.peer) })),
      spaces: spaces.map((one) => ({
        id: one.id,
        name: one.name,
        peers: one.status().peers.map((peer) => ({ ...peer, ...blameOf(peer.peer) })),
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
      formatState(peer, peer.connected ? 'connected' : 'known', nowMs),
      peer.inSync ? `in sync ${formatTime(peer.provedAtMs ?? nowMs, nowMs)}` : 'not proved',
      String(peer.points),
      formatEvidence(peer.evidence) || formatCodes(peer.refused),
      peer.lastFault === null ? '' : printable(peer.lastFault),
      addressOf(peer.peer),
    ])
    const columns = ['PEER', 'STATE', 'SYNC', 'POINTS', 'HELD AGAINST IT', 'LAST FAULT', 'ADDRESS']
    lines.push(
      ...(lines.length > 0 ? [''] : []),
      style.strong(displayName(name)),
      ...indent(table(columns, rows, style.faint)),
    )
    if (rows.length === 0) lines.push('  no peer of this space has been met')
  }
  if (strangers.length > 0) {
    const rows = strangers.map((stranger) => [
      stranger.peer,
      formatState(stranger, 'connected', nowMs),
      String(stranger.points),
      formatEvidence(stranger.evidence),
      printable(stranger.addresses[0] ?? ''),
    ])
    lines.push(
      ...(lines.length > 0 ? [''] : []),
      style.strong('In no space of ours'),
      ...indent(table(['PEER', 'STATE', 'POINTS', 'HELD AGAINST IT', 'ADDRESS'], rows, style.faint)),
    )
  }
  return lines.length > 0 ? lines : ['No space and no peer yet.']
}

/** Codes and how often each, the latest first: `BAD_SIGNATURE 4, TIMEOUT 1`. */
function formatEvidence(evidence: readonly Evidence[]): string {
  return evidence.map(({ code, count }) => `${printable(code)} ${count}`).join(', ')
}

function formatState({ bannedUntilMs }: Blame, otherwise: string, nowMs: number): string {
  if (bannedUntilMs === null) return otherwise
  return `banned for ${Math.max(1, Math.ceil((bannedUntilMs - nowMs) / 60_000))} min`
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
