import { toHex } from '../core/bytes.ts'
import type { Entry } from '../core/graph.ts'
import type { Signer } from '../core/signature.ts'
import type { ItemEdit } from '../node/space/item-edit.ts'
import type { Space } from '../node/space/space.ts'
import type { Commit, History } from '../node/exchange/history-file.ts'
import { nodeOf, signerOf } from './people.ts'

/** Commits that are synced to the disk together. Nobody hears of the first of them before, and somebody may wait for it: so they are few. */
const TOGETHER_MAX = 16

/**
 * Writes the commits of the people who work at one node, each as soon as, and not before, the commits it builds on have arrived
 * here. Which operation is which commit follows from its author and place in the author's log; nothing else tells this node.
 */
export class Replay {
  readonly #space: Space
  readonly #history: History
  readonly #node: number
  readonly #nodes: number
  readonly #signers = new Map<number, Signer>()
  readonly #personOf = new Map<string, number>()
  /** person → indexes of the person's commits, by seq. */
  readonly #byPerson = new Map<number, number[]>()
  /** Index of a commit → id of its operation, once it has arrived. */
  readonly #arrived = new Map<number, string>()
  /** Index of a commit → own commits that wait for it. */
  readonly #waiting = new Map<number, number[]>()
  readonly #missing = new Map<number, number>()
  readonly #unauthorised = new Set<number>()
  #isRunning = false

  constructor(space: Space, history: History, node: number, nodes: number) {
    this.#space = space
    this.#history = history
    this.#node = node
    this.#nodes = nodes
    for (let person = 0; person < history.people; person++) {
      const signer = signerOf(person)
      this.#personOf.set(toHex(signer.publicKey), person)
      if (nodeOf(person, nodes) === node) this.#signers.set(person, signer)
    }
    for (const { author, index } of history.commits) {
      const own = this.#byPerson.get(author)
      if (own === undefined) this.#byPerson.set(author, [index])
      else own.push(index)
    }
  }

  /** Commits that have arrived here, own ones included. */
  get arrived(): number {
    return this.#arrived.size
  }

  /** Begins, or goes on after a restart: what is in the store counts as arrived. */
  start(): void {
    const { store, replica } = this.#space.hosted
    for (let ordinal = 0; ordinal < store.count(); ordinal++) this.#note(store.at(ordinal))
    this.#isRunning = true
    const ready: number[] = []
    for (const commit of this.#history.commits) {
      if (nodeOf(commit.author, this.#nodes) !== this.#node || this.#arrived.has(commit.index)) continue
      const before = this.#builtOn(commit).filter((index) => !this.#arrived.has(index))
      this.#missing.set(commit.index, before.length)
      if (before.length === 0) ready.push(commit.index)
      for (const index of before)
        this.#waiting.set(index, [...(this.#waiting.get(index) ?? []), commit.index])
    }
    replica.addEventListener('admitted', ({ detail }) => {
      const free = detail.entries.flatMap((entry) => this.#note(entry))
      // Own writes are told of in here too; what they free is written by the call that wrote them.
      this.#write([...free, ...this.#unauthorised])
    })
    this.#write(ready)
  }

  /** The commits a commit builds on: its parents, and its author's commit before it. */
  #builtOn(commit: Commit): readonly number[] {
    const previous = commit.seq === 0 ? undefined : this.#byPerson.get(commit.author)?.[commit.seq - 1]
    return [...new Set(previous === undefined ? commit.parents : [...commit.parents, previous])]
  }

  /** Notes that an operation has arrived; returns own commits that may be written now. */
  #note(entry: Entry): readonly number[] {
    const person = this.#personOf.get(toHex(entry.author))
    const index = person === undefined ? undefined : this.#byPerson.get(person)?.[entry.seq]
    return index === undefined ? [] : this.#noteCommit(index, toHex(entry.id))
  }

  #noteCommit(index: number, id: string): readonly number[] {
    if (this.#arrived.has(index)) return []
    this.#arrived.set(index, id)
    const free: number[] = []
    for (const waiting of this.#waiting.get(index) ?? []) {
      const left = (this.#missing.get(waiting) as number) - 1
      this.#missing.set(waiting, left)
      if (left === 0) free.push(waiting)
    }
    this.#waiting.delete(index)
    return free
  }

  readonly #queue: number[] = []
  #isWriting = false

  #write(ready: readonly number[]): void {
    this.#queue.push(...ready)
    if (!this.#isRunning || this.#isWriting) return
    this.#isWriting = true
    while (this.#queue.length > 0) this.#space.writeTogether(() => this.#writeSome())
    this.#isWriting = false
  }

  /** Writes what is ready, and what that frees, as far as goes to the disk together. */
  #writeSome(): void {
    for (let written = 0; written < TOGETHER_MAX; written++) {
      const index = this.#queue.shift()
      if (index === undefined) return
      if (!this.#arrived.has(index)) this.#writeOne(this.#history.commits[index] as Commit)
    }
  }

  #writeOne(commit: Commit): void {
    const author = this.#signers.get(commit.author) as Signer
    const seen = commit.parents.map((parent) => this.#arrived.get(parent) as string)
    // Many grants take several operations, so what the parents have seen may be without the one to this person.
    const granted = commit.seq === 0 ? this.#grantOf(author) : []
    if (granted === null) {
      this.#unauthorised.add(commit.index)
      return
    }
    this.#unauthorised.delete(commit.index)
    const after = [...seen, ...granted]
    const edits = commit.changes.map(
      ([path, hash]): ItemEdit =>
        hash === null ? { kind: 'delete', path, type: 'register' } : { kind: 'put', path, value: hash },
    )
    const id = this.#space.write(edits, { author, after, timeMs: commit.timeMs, path: '' })
    this.#queue.push(...this.#noteCommit(commit.index, id))
  }

  /** The operation that granted an author its capability; null while it has not arrived. */
  #grantOf(author: Signer): readonly string[] | null {
    const { hosted } = this.#space
    const chain = hosted.tokens.find({
      invoker: author.publicKey,
      command: '/op/write',
      path: '',
      timeMs: Date.now(),
      bodySize: 0,
    })
    const token = chain.ok ? chain.value.at(-1) : undefined
    const published = token === undefined ? undefined : hosted.store.token(token.digest)
    const publisher = published?.publishers[0]
    return publisher === undefined ? null : [toHex(hosted.store.at(publisher).id)]
  }
}
