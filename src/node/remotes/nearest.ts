import type { HanseNode } from '../node.ts'
import type { RemoteRecord } from './remote-record.ts'
import { type RunOptions, runRemote } from './run-remote.ts'
import type { RunReport } from './run-report.ts'

/** Remotes in the order in which they are tried: those whose last run went well first, then the nearest by round trip, then the oldest. */
function byNearness(node: HanseNode, records: readonly RemoteRecord[]): readonly RemoteRecord[] {
  const rank = (record: RemoteRecord): readonly [number, number, number] => {
    const { error, latencyMs } = node.remotes.state(record)
    return [error === null ? 0 : 1, latencyMs ?? Number.MAX_SAFE_INTEGER, record.addedMs]
  }
  return records.toSorted((a, b) => {
    const [x, y] = [rank(a), rank(b)]
    const at = x.findIndex((value, i) => value !== y[i])
    return at === -1 ? 0 : (x[at] as number) - (y[at] as number)
  })
}

/** Runs with the nearest healthy remote, and with the next where that fails, until one goes well. Reports of all that were tried. */
export async function runNearest(
  node: HanseNode,
  records: readonly RemoteRecord[],
  options: RunOptions,
): Promise<readonly RunReport[]> {
  const reports: RunReport[] = []
  for (const record of byNearness(node, records)) {
    const report = await runRemote(node, record, options)
    reports.push(report)
    if (report.error === null) break
  }
  return reports
}
