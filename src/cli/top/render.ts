import type { Frame } from '../output/full-screen.ts'
import {
  formatAmount,
  formatBytes,
  formatCount,
  formatDuration,
  formatTime,
  shortDid,
} from '../output/human.ts'
import { printable } from '../output/printable.ts'
import type { Style } from '../output/style.ts'
import { type Column, formatTable, shorten } from '../output/table.ts'
import type { TopPeer, TopSample, TopSpace } from './sample.ts'

interface Line {
  readonly text: string
  readonly paint: (text: string) => string
}

/** The lines that show a sample. Rates are since the sample before; without one they are not known. Never more than the frame holds; null where nothing is cut. */
export function renderTop(
  sample: TopSample,
  before: TopSample | null,
  style: Style,
  frame: Frame | null,
): readonly string[] {
  const lines = [...head(sample, before, style), ...spaces(sample, before, style), ...peers(sample, style)]
  const shown = frame === null || lines.length <= frame.rows ? lines : cut(lines, frame.rows, style)
  return shown.map(({ text, paint }) => paint(frame === null ? text : shorten(text, frame.columns)))
}

function cut(lines: readonly Line[], rows: number, style: Style): readonly Line[] {
  const kept = lines.slice(0, Math.max(0, rows - 1))
  return [...kept, { text: `${lines.length - kept.length} more lines`, paint: style.faint }].slice(0, rows)
}

function head(sample: TopSample, before: TopSample | null, { strong }: Style): readonly Line[] {
  const { atMs, version, pid, did, upMs, http, residentBytes, heapBytes, connectedPeers, spaceCount } = sample
  const cpu =
    before === null
      ? ''
      : `   cpu ${Math.round((100 * (sample.cpuMs - before.cpuMs)) / elapsed(sample, before))} %`
  const rate = before === null ? '' : `   ${perSecond(totalRate(sample, before))} operations/s`
  return [
    {
      text: `hanse ${version}   ${shortDid(did)}   process ${pid}, up ${formatDuration(upMs)}   ${http ?? 'no http'}   ${formatTime(atMs, atMs)}`,
      paint: strong,
    },
    plain(
      `${formatAmount(connectedPeers, 'peer')}   ${formatAmount(spaceCount, 'space')}   memory ${formatBytes(residentBytes)}, heap ${formatBytes(heapBytes)}${cpu}${rate}`,
    ),
  ]
}

function spaces(sample: TopSample, before: TopSample | null, style: Style): readonly Line[] {
  if (sample.spaces.length === 0) return [plain(''), plain('no spaces yet: hanse space create NAME')]
  const rows = sample.spaces.map((space) => [
    shorten(printable(space.name === '' ? space.id.slice(0, 12) : space.name), 24),
    formatCount(space.operations),
    before === null ? '–' : perSecond(rateOf(space, sample, before)),
    formatCount(space.held),
    formatCount(space.refused),
    formatCount(space.absentBodies),
    syncWords(space),
  ])
  const columns = [left('SPACE'), ...['OPS', 'OPS/S', 'HELD', 'REFUSED', 'ABSENT'].map(right), left('SYNC')]
  const more = sample.spaceCount - sample.spaces.length
  return [
    plain(''),
    ...table(columns, rows, style, (index) => {
      const { connected, inSync, held, absentBodies } = sample.spaces[index] as TopSpace
      return inSync < connected || held > 0 || absentBodies > 0 ? style.warn : same
    }),
    ...(more === 0 ? [] : [plain(`and ${formatAmount(more, 'space')} more`)]),
  ]
}

/** As `status` has it: nothing is in sync that is not proved. */
function syncWords({ connected, inSync }: TopSpace): string {
  if (connected === 0) return 'nobody connected'
  if (inSync === connected)
    return `in sync with ${connected === 1 ? 'the one peer' : `all ${connected} peers`} (proved)`
  return `in sync with ${inSync} of ${formatAmount(connected, 'peer')}`
}

function peers(sample: TopSample, style: Style): readonly Line[] {
  if (sample.peers.length === 0) return []
  const rows = sample.peers.map((peer) => [
    peer.peer,
    shorten(printable(peer.space), 16),
    peer.connected ? 'connected' : 'known',
    peer.inSync && peer.provedAtMs !== null
      ? `in sync ${formatTime(peer.provedAtMs, sample.atMs)}`
      : lackWords(peer),
    formatCount(peer.refused),
    peer.lastFault === null ? '' : printable(peer.lastFault),
  ])
  const columns = [
    left('PEER'),
    left('SPACE'),
    left('STATE'),
    left('SYNC'),
    right('REFUSED'),
    left('LAST FAULT'),
  ]
  const more = sample.peerCount - sample.peers.length
  return [
    plain(''),
    ...table(columns, rows, style, (index) => {
      const { connected, inSync } = sample.peers[index] as TopPeer
      return connected ? (inSync ? same : style.warn) : style.faint
    }),
    ...(more === 0 ? [] : [plain(`and ${formatAmount(more, 'peer')} more`)]),
  ]
}

function lackWords({ weLack, theyLack }: TopPeer): string {
  return weLack + theyLack === 0
    ? 'not proved'
    : `we lack ${formatCount(weLack)}, they ${formatCount(theyLack)}`
}

function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: Style,
  paintOf: (row: number) => (text: string) => string,
): readonly Line[] {
  const [titles = '', ...texts] = formatTable(columns, rows)
  return [
    { text: titles, paint: style.faint },
    ...texts.map((text, index) => ({ text, paint: paintOf(index) })),
  ]
}

const elapsed = (sample: TopSample, before: TopSample): number => Math.max(1, sample.upMs - before.upMs)

function rateOf(space: TopSpace, sample: TopSample, before: TopSample): number {
  const was = before.spaces.find(({ id }) => id === space.id)?.operations ?? space.operations
  return ((space.operations - was) * 1_000) / elapsed(sample, before)
}

const totalRate = (sample: TopSample, before: TopSample): number =>
  sample.spaces.reduce((sum, space) => sum + rateOf(space, sample, before), 0)

const perSecond = (rate: number): string =>
  rate === 0 || rate >= 10 ? formatCount(Math.round(rate)) : rate.toFixed(1)

const left = (title: string): Column => ({ title })
const right = (title: string): Column => ({ title, align: 'right' })
const same = (text: string): string => text
const plain = (text: string): Line => ({ text, paint: same })
