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
