/** CPU and time of the parts of something, each under its name, added up over many pieces. */
export class Costs {
  readonly #cpuMicros = new Map<string, number>()
  readonly #wallMicros = new Map<string, number>()

  /** Does a piece of a part. CPU is that of all threads, so nothing else may be under way meanwhile. */
  sync<T>(part: string, work: () => T): T {
    const [cpu, begin] = [process.cpuUsage(), performance.now()]
    const result = work()
    this.#add(part, cpu, begin)
    return result
  }

  async async<T>(part: string, work: () => Promise<T>): Promise<T> {
    const [cpu, begin] = [process.cpuUsage(), performance.now()]
    const result = await work()
    this.#add(part, cpu, begin)
    return result
  }

  /** CPU of a part in microseconds. */
  cpuMicros(part: string): number {
    return this.#cpuMicros.get(part) ?? 0
  }

  wallMicros(part: string): number {
    return this.#wallMicros.get(part) ?? 0
  }

  /** CPU of every part for each of so many things, as figures: `PARTMicros`. */
  perEach(count: number): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#cpuMicros].map(([part, micros]) => [`${part}Micros`, micros / count]))
  }

  #add(part: string, cpu: NodeJS.CpuUsage, beginMs: number): void {
    const { user, system } = process.cpuUsage(cpu)
    this.#cpuMicros.set(part, this.cpuMicros(part) + user + system)
    this.#wallMicros.set(part, this.wallMicros(part) + 1000 * (performance.now() - beginMs))
  }
}
