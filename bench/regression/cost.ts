/** No further round begins when this much has passed in one part of the check, in ms: a machine that is very busy is given fewer. */
export const ROUNDS_BUDGET_MS = 50_000
/** So many are made in any case, beside the one to warm up. */
export const ROUNDS_LEAST = 2

/** What a piece of work cost this process. */
export interface Cost {
  /** On all its threads, in µs. */
  readonly cpuUs: number
  readonly wallMs: number
}

/** Measures what work costs this process: other processes on the machine change the CPU time little, whatever they do to the clock's. */
export async function costOf(work: () => unknown): Promise<Cost> {
  const startedMs = performance.now()
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return { cpuUs: user + system, wallMs: performance.now() - startedMs }
}
