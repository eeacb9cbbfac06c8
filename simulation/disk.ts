import { createMemorySpaceStore, type MemorySpaceStoreInit } from '../src/storage/memory-space-store.ts'
import type { SpaceStore, SpaceWriter } from '../src/storage/space-store.ts'
import type { Random } from './random.ts'

/** The process of a node ends in the middle of a call to its disk. */
export class CrashError extends Error {
  override readonly name = 'CrashError'
}

/** What a machine may lose: the process alone, or the power too, and with it what was not synced. */
export type CrashKind = 'process' | 'power'

/** Where in a call to the disk a node is to end: the so many-th transaction from now, and how far into it. */
export interface CrashPoint {
  readonly kind: CrashKind
  readonly transactions: number
  readonly where: 'before' | 'during' | 'after'
}

/** One transaction as it reached the disk. */
export interface Transaction {
  readonly durability: 'power' | 'process'
  readonly calls: readonly (readonly [keyof SpaceWriter, readonly unknown[]])[]
}

/** How a disk is broken on purpose, so that a test sees that the run says so. */
export interface DiskFlaws {
  /** Says that it has synced, and has not. */
  readonly neverSyncs?: boolean
  /** Calls of a transaction that it leaves out. */
  readonly skips?: ReadonlySet<keyof SpaceWriter>
}

/**
 * The disk of one node: what was committed, and in which order. A crash of the process keeps all of it; a power cut keeps
 * everything up to the last transaction that was synced, and of the rest any beginning.
 */
export class SimulatedDisk {
  readonly #init: MemorySpaceStoreInit
  readonly #flaws: DiskFlaws
  readonly #transactions: Transaction[]
  #synced = 0
  #crashAt: CrashPoint | null = null
  #onCrash: (kind: CrashKind) => void = () => {}

  /** `transactions`: what is on the disk from the beginning. */
  constructor(init: MemorySpaceStoreInit, flaws: DiskFlaws = {}, transactions: readonly Transaction[] = []) {
    this.#init = init
    this.#flaws = flaws
    this.#transactions = [...transactions]
  }

  /** Which space it is for. */
  get space(): MemorySpaceStoreInit {
    return this.#init
  }

  /** What is on the disk. */
  get transactions(): readonly Transaction[] {
    return this.#transactions
  }

  /** Arms a crash; `onCrash` is told before the call throws. */
  crashAt(point: CrashPoint, onCrash: (kind: CrashKind) => void): void {
    this.#crashAt = point
    this.#onCrash = onCrash
  }

  /** Takes an armed crash back. */
  disarm(): void {
    this.#crashAt = null
  }

  /** Takes away what a crash takes away; gives the number of transactions lost. */
  lose(kind: CrashKind, random: Random): number {
    this.#crashAt = null
    if (kind === 'process') return 0
    const kept = random.between(this.#synced, this.#transactions.length)
    return this.#transactions.splice(kept).length
  }

  /** A store over what is on the disk, as a process that starts finds it. */
  open(): SpaceStore {
    const store = createMemorySpaceStore(this.#init)
    const commit = store.transaction.bind(store)
    for (const { durability, calls } of this.#transactions)
      commit(durability, (writer) => replay(calls, writer))
    let isDead = false
    const crash = (kind: CrashKind): never => {
      isDead = true
      this.#crashAt = null
      this.#onCrash(kind)
      throw new CrashError(`the node ended in a call to its disk (${kind})`)
    }
    store.transaction = (durability, work) => {
      if (isDead) throw new CrashError('the node has ended')
      const point = this.#due()
      if (point?.where === 'before') crash(point.kind)
      const calls: [keyof SpaceWriter, readonly unknown[]][] = []
      const result = commit(durability, (writer) => {
        const done = work(recording(writer, calls, this.#flaws))
        if (point?.where === 'during') crash(point.kind)
        return done
      })
      this.#transactions.push({ durability, calls })
      if (durability === 'power' && this.#flaws.neverSyncs !== true) this.#synced = this.#transactions.length
      if (point?.where === 'after') crash(point.kind)
      return result
    }
    return store
  }

  #due(): CrashPoint | null {
    const point = this.#crashAt
    if (point === null) return null
    if (point.transactions <= 0) return point
    this.#crashAt = { ...point, transactions: point.transactions - 1 }
    return null
  }
}

/** A writer that also notes what was called. */
function recording(
  writer: SpaceWriter,
  calls: [keyof SpaceWriter, readonly unknown[]][],
  { skips }: DiskFlaws,
): SpaceWriter {
  return new Proxy(writer, {
    get: (target, name: keyof SpaceWriter) => {
      return (...values: readonly unknown[]) => {
        if (skips?.has(name) === true) return undefined
        calls.push([name, values])
        return (target[name] as (...of: readonly unknown[]) => unknown)(...values)
      }
    },
  })
}

/** Does again what was recorded. */
export function replay(calls: Transaction['calls'], writer: SpaceWriter): void {
  for (const [name, values] of calls) (writer[name] as (...of: readonly unknown[]) => unknown)(...values)
}
