import type { ItemReport, RefusalReport, RunReport } from '../../node/remotes/run-report.ts'
import { EXIT } from '../exit-code.ts'
import {
  formatAmount,
  formatBytes,
  formatCodes,
  formatCount,
  formatDuration,
  shortId,
} from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { BYTES, ProgressBar } from '../output/progress-bar.ts'
import { formatPairs } from '../output/table.ts'
import type { Style } from '../output/style.ts'
import type { Shell } from '../shell.ts'

/** How far a run is, as an action tells it. */
export interface RunProgressEvent {
  readonly what: 'receiving' | 'sending' | 'checking'
  readonly done: number
  readonly total: number
  readonly isBytes?: boolean
}

/** Shows how far a run is while it goes on. */
export async function withRunProgress<T>(
  shell: Shell,
  work: (onEvent: (event: RunProgressEvent) => void) => Promise<T>,
): Promise<T> {
  const bar = new ProgressBar(shell.isJson ? null : shell.stderr, shell.errorStyle)
  try {
    return await work(({ what, done, total, isBytes = false }) => {
      if (isBytes) bar.show(what, done, total, BYTES)
      else bar.show(what, done, total)
    })
  } finally {
    bar.end()
  }
}

/** Conflicts shown without being asked for all. */
const CONFLICTS_SHOWN = 10

/** What a run came to, for people. */
export function formatRun(report: RunReport, style: Style, isVerbose: boolean): readonly string[] {
  const { remote, url, added, updated, deleted, gained, sent, refused, waiting, conflicts, error } = report
  const there = report.items.filter(({ side }) => side === 'there').length
  const items = `${formatCount(added)} added, ${formatCount(updated)} updated, ${formatCount(deleted)} deleted`
  const pairs: (readonly [string, string])[] = [
    ...(report.direction === 'push' ? [] : [['items here', items] as const]),
    ...(there > 0 ? [['items there', `${formatCount(there)} changed`] as const] : []),
    ['operations', `${formatCount(gained)} new here, ${formatCount(sent)} new there`],
    ...(Object.keys(refused).length > 0 ? [['refused', style.bad(formatCodes(refused))] as const] : []),
    ...(waiting > 0 ? [['waiting', formatCount(waiting)] as const] : []),
    ...(conflicts.length > 0 ? [['conflicts', style.warn(formatCount(conflicts.length))] as const] : []),
    ['moved', `${formatBytes(report.bytesReceived)} in, ${formatBytes(report.bytesSent)} out`],
    ['took', formatDuration(report.durationMs)],
    ['result', resultOf(report, style)],
  ]
  return [
    `${style.strong(remote)}  ${printable(url)}`,
    ...formatPairs(pairs, '  '),
    ...report.notes.map((note) => `  ${printable(note)}`),
    ...conflicts
      .slice(0, isVerbose ? undefined : CONFLICTS_SHOWN)
      .flatMap(({ path, type, reason, resolution }) => [
        `  conflict  ${printable(path)}  ${type}: ${reason}`,
        `            ${printable(resolution)}`,
      ]),
    ...(isVerbose ? [...report.items.map(formatItem), ...report.refusals.map(formatRefusal)] : []),
    ...(error === null ? [] : [`  ${style.bad(error.code)}  ${printable(error.detail)}`]),
  ]
}

function resultOf({ error, ahead, behind, kind, bytesReceived }: RunReport, style: Style): string {
  if (error !== null)
    return style.bad(bytesReceived === 0 ? 'not reached' : 'broke off; what was done by then stays')
  if (ahead === null || behind === null) return kind === 'files' ? 'done' : style.warn('not compared')
  if (ahead === 0 && behind === 0) return style.good('both have the same')
  const parts = [
    ...(behind > 0 ? [`${formatAmount(behind, 'operation')} there that are not here`] : []),
    ...(ahead > 0 ? [`${formatAmount(ahead, 'operation')} here that are not there`] : []),
  ]
  return style.warn(parts.join(', '))
}

const SIGNS = { added: '+', updated: '~', deleted: '-' } as const

const formatItem = ({ side, action, path, type }: ItemReport): string =>
  `  ${SIGNS[action]} ${printable(path) || '(root)'}  ${type}${side === 'there' ? '  (there)' : ''}`

const formatRefusal = ({ side, outcome, id, code, detail }: RefusalReport): string =>
  `  ${outcome} ${side}  ${id === null ? '(no operation)' : shortId(id)}  ${printable(code)}: ${printable(detail)}`

/** Exit code of runs: 1 where none went well, or anything was refused. */
export function exitOf(reports: readonly RunReport[]): number {
  const isDone = reports.some(({ error }) => error === null)
  const isClean = reports.every(({ refused }) => Object.keys(refused).length === 0)
  return isDone && isClean ? EXIT.ok : EXIT.failed
}
