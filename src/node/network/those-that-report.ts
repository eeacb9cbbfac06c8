/**
 * The outcomes of those that succeed, where one does at least; else rejects with why the first could not. Waits for all; rejects when
 * `signal` aborted meanwhile.
 */
export async function thoseThatReport<T>(
  runs: readonly Promise<T>[],
  signal: AbortSignal,
): Promise<readonly T[]> {
  const ended = await Promise.allSettled(runs)
  signal.throwIfAborted()
  const reports = ended.flatMap((run) => (run.status === 'fulfilled' ? [run.value] : []))
  const failed = ended.find((run) => run.status === 'rejected')
  if (reports.length === 0 && failed !== undefined) throw failed.reason
  return reports
}
