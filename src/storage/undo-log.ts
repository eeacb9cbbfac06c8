import type { TransactionGuard } from './transaction-guard.ts'

/**
 * What undoes the writes of the open transaction. Every write to a map, set or list goes through here and notes its reverse; a
 * transaction that throws runs them backwards. Throws outside a transaction.
 */
export class UndoLog {
  readonly #guard: TransactionGuard
  #undo: (() => void)[] = []

  constructor(guard: TransactionGuard) {
    this.#guard = guard
  }

  /** Forgets how to undo what was written so far. */
  clear(): void {
    this.#undo = []
  }

  /** Undoes everything since the last {@link clear}. */
  runBackwards(): void {
    for (const undo of this.#undo.reverse()) undo()
    this.#undo = []
  }

  /** Notes the reverse of a write made by hand. */
  note(undo: () => void): void {
    this.#guard.assertOpen()
    this.#undo.push(undo)
  }

  set<K, V>(map: Map<K, V>, key: K, value: V): void {
    const before = map.get(key)
    this.note(() => (before === undefined ? map.delete(key) : map.set(key, before)))
    map.set(key, value)
  }

  delete<K, V>(map: Map<K, V>, key: K): void {
    const before = map.get(key)
    if (before === undefined) return
    this.note(() => map.set(key, before))
    map.delete(key)
  }

  add<V>(set: Set<V>, value: V): void {
    if (set.has(value)) return
    this.note(() => set.delete(value))
    set.add(value)
  }

  drop<V>(set: Set<V>, value: V): void {
    if (!set.has(value)) return
    this.note(() => set.add(value))
    set.delete(value)
  }

  push<V>(list: V[], value: V): void {
    this.note(() => list.pop())
    list.push(value)
  }
}
