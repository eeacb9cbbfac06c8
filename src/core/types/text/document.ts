import { compareBytes } from '../../bytes.ts'
import { TEXT_CHARACTERS_MAX, TEXT_DELETED_RUNS_MAX } from '../../limits.ts'
import { isCreating, type TextAction, type TextEdit } from './edit.ts'
import { CodePoints, countCodePoints } from './code-points.ts'
import { DeltaJournal } from './delta-journal.ts'
import type { TextDelta } from './delta.ts'
import { EventGraph, isSameVersion } from './event-graph.ts'
import { Existence } from './existence.ts'
import { findInsertionPoint } from './insertion-point.ts'
import { preparedBetween } from './prepared-between.ts'
import { NO_SPAN, SpanTree } from './span-tree.ts'
import { toWireEdits, type WireEdits } from './wire-edits.ts'

/** One change of a text, as the document takes it. */
export interface TextNode {
  /** Whoever owns the document's name for the operation, e.g. its ordinal. Decides nothing. */
  readonly operation: number
  /** The nearest nodes of this document in the operation's past; for a later change of one operation the one before. */
  readonly parents: readonly number[]
  readonly action: TextAction
  /** True where its operation has no effect. */
  readonly isMasked: boolean
}

/** In the place of a character's number: a deletion of very many runs. */
const WIDE_DELETION = -1

/** A run of the visible text that one node wrote. */
export interface BlamedRun {
  readonly node: number
  readonly length: number
}

/**
 * A text: an event-graph walker (Gentle and Kleppmann, "Collaborative Text Editing with Eg-walker", EuroSys 2025) that keeps its whole
 * document. It takes nodes parents first and holds all their characters in one order (src/core/types/text/insertion-point.ts) that no
 * order of arrival changes. To place a node, the document is *prepared* for its parents: characters of other nodes do not count. What is
 * typed on top of everything prepares nothing, so it costs O(log spans).
 *
 * Invariants:
 * 1. the order, and which nodes are void, depend on the set of nodes (id, parents, action) and on nothing else;
 * 2. masks change what is visible and nothing else;
 * 3. a span is prepared iff the nodes of its characters are in the past of `#prepared`;
 * 4. a span's deletions are the unmasked nodes' deletions of its characters.
 *
 * Cost beyond what is typed on top: the nodes between two branches each time that arrival goes from one to the other; the spans that
 * a deletion covers. Memory: 8 bytes a character, 60 a span, some 100 a node (`weightBytes`).
 */
export class TextDocument {
  readonly #graph = new EventGraph()
  readonly #existence = new Existence(this.#graph)
  readonly #tree = new SpanTree()
  readonly #points = new CodePoints()
  readonly #idOf: (operation: number) => Uint8Array
  readonly #operations: number[] = []
  /** By node: its first character's number. */
  readonly #first: number[] = []
  readonly #isVoid: boolean[] = []
  readonly #isMasked: boolean[] = []
  /**
   * By node: where its deletions begin in `#doomed`, runs of characters as pairs of number and length. A deletion of very many runs is two
   * pairs: -1 and how many characters there were, the first character and the last; which ones between follow from the node's past.
   */
  readonly #firstDoomed: number[] = []
  readonly #doomed: number[] = []
  /** The version that the tree is prepared for. */
  #prepared: readonly number[] = []
  #journal: DeltaJournal | null = null
  #text: string | null = ''

  /** `idOf`: the id of an operation, which breaks ties and which no author chooses; asked only then. */
  constructor(idOf: (operation: number) => Uint8Array) {
    this.#idOf = idOf
  }

  /** How many nodes there are. */
  get nodes(): number {
    return this.#graph.size
  }

  /** The nodes that no other follows: the parents of what is written next by whoever has seen everything. */
  get heads(): readonly number[] {
    return this.#graph.heads
  }

  /** True where the item exists: see law 5 of src/core/types/text/change.ts. */
  get exists(): boolean {
    return this.#existence.exists
  }

  /** Visible characters. */
  get length(): number {
    return this.#tree.visible
  }

  /** All characters, tombstones and masked ones included. */
  get characters(): number {
    return this.#points.length
  }

  /** Bytes of memory, roughly. */
  get weightBytes(): number {
    return 8 * this.characters + 60 * this.#tree.spans + 100 * this.nodes + 8 * this.#doomed.length
  }

  /** The operation of a node. */
  operation(node: number): number {
    return this.#operations[node] as number
  }

  parents(node: number): readonly number[] {
    return this.#graph.parents(node)
  }

  /** True where the node's change is void: it goes beyond its document. */
  isVoid(node: number): boolean {
    return this.#isVoid[node] as boolean
  }

  isMasked(node: number): boolean {
    return this.#isMasked[node] as boolean
  }

  /** The visible text. */
  toString(): string {
    return (this.#text ??= this.slice(0, this.length))
  }

  /** The visible characters from `from` to before `to`; throws where they are not there. */
  slice(from: number, to: number): string {
    const runs: number[] = []
    for (const { start, length } of this.#visibleRuns(from, to)) runs.push(start, length)
    return this.#points.join(runs)
  }

  /** Adds a node after its parents, and gives its number. */
  add({ operation, parents, action, isMasked }: TextNode): number {
    const node = this.#graph.add(parents)
    this.#prepare(this.#graph.parents(node))
    const isVoid = action.kind === 'edit' && !this.#fits(action.edits)
    this.#operations.push(operation)
    this.#first.push(this.#points.length)
    this.#firstDoomed.push(this.#doomed.length)
    this.#isVoid.push(isVoid)
    this.#isMasked.push(isMasked)
    const meaning = { isCreating: !isVoid && isCreating(action), isDeleting: action.kind === 'delete' }
    this.#existence.add(node, meaning, !isMasked)
    this.#prepared = [node]
    if (isVoid) return node
    this.#text = null
    if (action.kind === 'delete') this.#delete(node, 0, this.#tree.prepared)
    else {
      for (const [position, deleted, inserted] of action.edits) {
        const count = this.#insert(node, position, inserted)
        if (deleted > 0) this.#delete(node, position + count, deleted)
      }
    }
    return node
  }

  /** Takes away or gives back what a node does: its characters show or do not, its deletions count or do not. */
  setMasked(node: number, isMasked: boolean): void {
    if (this.#isMasked[node] === isMasked) return
    this.#isMasked[node] = isMasked
    this.#existence.setEffective(node, !isMasked)
    this.#text = null
    this.#hide(node, isMasked)
  }

  /** Lets a node's characters show and its deletions count, or not. */
  #hide(node: number, isHidden: boolean): void {
    const first = this.#first[node] as number
    for (const span of this.#spansOf(first, this.#endOf(node) - first)) {
      this.#journal?.note(this.#tree, span)
      this.#tree.setMasked(span, isHidden)
    }
    for (const [start, length] of this.#deletionsOf(node)) {
      for (const span of this.#spansOf(start, length)) {
        this.#journal?.note(this.#tree, span)
        this.#tree.addDeletions(span, isHidden ? -1 : 1)
      }
    }
  }

  /** Begins to take down what shows otherwise, until `finishDelta`. */
  beginDelta(): void {
    this.#journal = new DeltaJournal(this.characters)
  }

  /** What shows otherwise than at `beginDelta`. */
  finishDelta(): TextDelta {
    const delta = this.#journal?.finish(this.#tree, this.#points) ?? []
    this.#journal = null
    return delta
  }

  /**
   * The edits with which an operation that follows `parents` changes what shows by `delta`, which must fit it. Whoever has seen
   * everything follows `heads`. Cost: O(log spans) for each part and each span deleted, and preparing the version.
   */
  translate(delta: TextDelta, parents: readonly number[] = this.heads): WireEdits {
    this.#prepare(parents)
    return toWireEdits(this.#tree, delta)
  }

  /**
   * What an author sees and says who has seen a version and no more: `work` gets the length of the text as the version's unmasked nodes made
   * it, and translates deltas of it for an operation that follows the version. Cost: the nodes outside the version.
   */
  asOf<T>(
    version: readonly number[],
    work: (length: number, translate: (delta: TextDelta) => WireEdits) => T,
  ): T {
    const { onlyFirst: outside } = this.#graph.difference(this.heads, version)
    const hidden = outside.filter((node) => !this.isMasked(node))
    try {
      for (const node of hidden) this.#hide(node, true)
      return work(this.length, (delta) => this.translate(delta, version))
    } finally {
      for (const node of hidden) this.#hide(node, false)
    }
  }

  /** Who wrote what shows, from the start, run by run. */
  blame(): BlamedRun[] {
    const runs: { node: number; length: number }[] = []
    for (const { start, length } of this.#visibleRuns(0, this.length)) {
      for (const piece of this.#byNode(start, length)) {
        const last = runs.at(-1)
        if (last?.node === piece.node) last.length += piece.length
        else runs.push({ node: piece.node, length: piece.length })
      }
    }
    return runs
  }

  /** The text as the unmasked nodes of a version made it. Cost: all characters. */
  at(version: readonly number[]): string {
    const members = this.#graph.membersOf(version)
    for (let node = 0; node < this.nodes; node++) if (this.isMasked(node)) members[node] = 0
    return this.textOf(members)
  }

  /** The text that exactly the nodes of a set make, masked or not: 1 at each node's number. Cost: all characters. */
  textOf(members: Uint8Array): string {
    const isDeleted = new Uint8Array(this.characters)
    for (let node = 0; node < this.nodes; node++) {
      if (members[node] !== 1) continue
      for (const [start, length] of this.#deletionsOf(node)) isDeleted.fill(1, start, start + length)
    }
    const runs: number[] = []
    for (let span = this.#tree.next(NO_SPAN); span !== NO_SPAN; span = this.#tree.next(span)) {
      for (const { node, start, length } of this.#byNode(this.#tree.start(span), this.#tree.length(span))) {
        if (members[node] !== 1) continue
        for (let at = start; at < start + length; at++) if (isDeleted[at] === 0) runs.push(at, 1)
      }
    }
    return this.#points.join(runs)
  }

  #fits(edits: readonly TextEdit[]): boolean {
    let length = this.#tree.prepared
    let deletions = 0
    for (const [position, deleted, inserted] of edits) {
      if (position + deleted > length) return false
      length += countCodePoints(inserted)
      deletions += deleted
    }
    return length <= TEXT_CHARACTERS_MAX && deletions <= length
  }

  #insert(node: number, position: number, text: string): number {
    if (text === '') return 0
    const { after, originLeft, originRight } = findInsertionPoint(this.#tree, position, (other) =>
      this.#isBefore(node, this.#nodeOf(other)),
    )
    const count = this.#points.append(text)
    this.#tree.insert(after, count, originLeft, originRight, this.isMasked(node))
    return count
  }

  /** Which of two nodes inserts first at one place: the one whose operation has the lesser id. */
  #isBefore(node: number, other: number): boolean {
    return compareBytes(this.#idOf(this.operation(node)), this.#idOf(this.operation(other))) < 0
  }

  #delete(node: number, from: number, count: number): void {
    const to = from + count
    for (const place of [from, to]) {
      if (place === this.#tree.prepared) continue
      const { span, offset } = this.#tree.findPrepared(place)
      this.#tree.splitBefore(this.#tree.start(span) + offset)
    }
    const runs: number[] = []
    const isMasked = this.isMasked(node)
    this.#tree.deletePrepared(from, to, isMasked ? 0 : 1, (span) => {
      if (!isMasked && this.#tree.isVisible(span)) this.#journal?.note(this.#tree, span)
      const start = this.#tree.start(span)
      const length = this.#tree.length(span)
      const last = runs.length - 2
      if (last >= 0 && (runs[last] as number) + (runs[last + 1] as number) === start)
        runs[last + 1] = (runs[last + 1] as number) + length
      else runs.push(start, length)
    })
    const [first] = runs
    if (first === undefined) return
    const last = (runs.at(-2) as number) + (runs.at(-1) as number) - 1
    if (runs.length <= 2 * TEXT_DELETED_RUNS_MAX) for (const one of runs) this.#doomed.push(one)
    else this.#doomed.push(WIDE_DELETION, this.characters, first, last)
  }

  /** Prepares the tree for a version: nodes outside it are retreated, those in it advanced. */
  #prepare(version: readonly number[]): void {
    if (isSameVersion(version, this.#prepared)) return
    const { onlyFirst, onlySecond } = this.#graph.difference(this.#prepared, version)
    this.#setPrepared(onlyFirst, false)
    this.#setPrepared(onlySecond, true)
    this.#prepared = version
  }

  /** `nodes` descend. Nodes that follow each other are taken together, so that their spans are not split. */
  #setPrepared(nodes: readonly number[], isPrepared: boolean): void {
    for (let i = 0; i < nodes.length; ) {
      const end = this.#endOf(nodes[i] as number)
      let start = end
      while (i < nodes.length && this.#endOf(nodes[i] as number) === start)
        start = this.#first[nodes[i++] as number] as number
      for (const span of this.#spansOf(start, end - start)) this.#tree.setPrepared(span, isPrepared)
    }
  }

  /** The spans of a run of characters, split at its ends. */
  *#spansOf(start: number, length: number): Generator<number> {
    const end = start + length
    if (length === 0) return
    this.#tree.splitBefore(start)
    if (end < this.characters) this.#tree.splitBefore(end)
    for (let at = start; at < end; ) {
      const span = this.#tree.spanOf(at)
      at += this.#tree.length(span)
      yield span
    }
  }

  *#visibleRuns(from: number, to: number): Generator<{ readonly start: number; readonly length: number }> {
    if (from >= to) return
    let { span, offset } = this.#tree.findVisible(from)
    for (let left = to - from; left > 0; span = this.#tree.next(span), offset = 0) {
      if (span === NO_SPAN) throw new Error(`bug: the text has no character ${to - 1}`)
      if (!this.#tree.isVisible(span)) continue
      const length = Math.min(this.#tree.length(span) - offset, left)
      left -= length
      yield { start: this.#tree.start(span) + offset, length }
    }
  }

  *#deletionsOf(node: number): Generator<readonly [start: number, length: number]> {
    const end = this.#firstDoomed[node + 1] ?? this.#doomed.length
    for (let i = this.#firstDoomed[node] as number; i < end; i += 2) {
      const [start, length] = [this.#doomed[i] as number, this.#doomed[i + 1] as number]
      if (start !== WIDE_DELETION) yield [start, length]
      else {
        i += 2
        this.#prepare([node])
        const [first, last] = [this.#doomed[i] as number, this.#doomed[i + 1] as number]
        yield* preparedBetween(this.#tree, first, last, length)
      }
    }
  }

  /** The pieces of a run of characters by the node that inserted them. */
  *#byNode(start: number, length: number): Generator<BlamedRun & { readonly start: number }> {
    const end = start + length
    for (let at = start; at < end; ) {
      const node = this.#nodeOf(at)
      const next = Math.min(this.#endOf(node), end)
      yield { node, start: at, length: next - at }
      at = next
    }
  }

  /** One past the last character of a node. */
  #endOf(node: number): number {
    return this.#first[node + 1] ?? this.characters
  }

  /** The node that inserted a character: the last one whose first character is not behind it. */
  #nodeOf(character: number): number {
    let low = 0
    let high = this.#first.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#first[middle] as number) <= character) low = middle
      else high = middle - 1
    }
    return low
  }
}
