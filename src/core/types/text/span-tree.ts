import { grown, SpanColumns } from './span-columns.ts'

/** No span: what comes before the first and after the last. */
export const NO_SPAN = 0
/** No character: the left origin of what was inserted at the start, the right origin of what was inserted at the end. */
export const NO_CHARACTER = -1

/** A span and a place within it. */
export interface SpanPlace {
  readonly span: number
  readonly offset: number
}

/**
 * All characters of a document in order, tombstones included, as *spans*: runs of characters whose numbers follow each other, which
 * have one state, and each of which (after the first) was inserted right behind the one before, against one right neighbour. A
 * character's number is its place in the order in which characters came here, from 0; a span is named by a number from 1.
 *
 * An AVL tree in arrays; each span also carries how many characters below it there are in all, *prepared* (in the version the document
 * is prepared for) and *visible*. Spans are split, lengthened at the end, and never taken out, so finding by position and finding the
 * position of a character are O(log spans), and a span costs 60 bytes, a character 4 (`#spanOf`).
 *
 * Invariants, after each public call:
 * 1. `spanOf(c)` is the span with start ≤ c < start + length;
 * 2. the heights of a span's two sides differ by at most 1;
 * 3. the sums of a span are its own counts and those of its two sides.
 */
export class SpanTree {
  readonly #at = new SpanColumns()
  #root = NO_SPAN
  #spanOf = new Int32Array(8)

  /** Spans, for whoever bounds memory. */
  get spans(): number {
    return this.#at.count - 1
  }

  /** Characters in all, prepared, and visible. */
  get all(): number {
    return this.#at.all[this.#root] as number
  }
  get prepared(): number {
    return this.#at.prepared[this.#root] as number
  }
  get visible(): number {
    return this.#at.visible[this.#root] as number
  }

  start(span: number): number {
    return this.#at.start[span] as number
  }
  length(span: number): number {
    return this.#at.length[span] as number
  }
  /** The character left of the span's first when that was inserted. */
  originLeft(span: number): number {
    return this.#at.originLeft[span] as number
  }
  /** The character right of the span when it was inserted. */
  originRight(span: number): number {
    return this.#at.originRight[span] as number
  }
  isPrepared(span: number): boolean {
    return ((this.#at.flags[span] as number) & PREPARED) !== 0
  }
  isMasked(span: number): boolean {
    return ((this.#at.flags[span] as number) & MASKED) !== 0
  }
  /** True where characters were inserted as left children of the span's first: between its left origin and it. */
  hasLeftChildren(span: number): boolean {
    return ((this.#at.flags[span] as number) & LEFT_CHILDREN) !== 0
  }
  isVisible(span: number): boolean {
    return this.#visibleOf(span) !== 0
  }

  /** The span that holds a character. */
  spanOf(character: number): number {
    return this.#spanOf[character] as number
  }

  /** The span after `span` in the document, or the first. */
  next(span: number): number {
    if (span === NO_SPAN) return this.#leftmost(this.#root)
    const right = this.#at.right[span] as number
    if (right !== NO_SPAN) return this.#leftmost(right)
    let below = span
    let above = this.#at.parent[span] as number
    while (above !== NO_SPAN && this.#at.right[above] === below) {
      below = above
      above = this.#at.parent[above] as number
    }
    return above
  }

  /** How many characters stand before the span: in all, prepared, visible. */
  allBefore(span: number): number {
    return this.#before(span, this.#at.all)
  }
  preparedBefore(span: number): number {
    return this.#before(span, this.#at.prepared)
  }
  visibleBefore(span: number): number {
    return this.#before(span, this.#at.visible)
  }

  /** Where the prepared, or visible, character number `position` stands; it must be there. */
  findPrepared(position: number): SpanPlace {
    return this.#find(position, this.#at.prepared)
  }
  findVisible(position: number): SpanPlace {
    return this.#find(position, this.#at.visible)
  }

  /**
   * Adds the `length` next characters after `after` (NO_SPAN: first of all) as a prepared span with these origins, and gives it. What
   * merely goes on where `after` ends, with the same neighbours and state, lengthens that span.
   */
  insert(after: number, length: number, originLeft: number, originRight: number, isMasked: boolean): number {
    const start = this.all
    this.#spanOf = grown(this.#spanOf, start + length)
    const flags = isMasked ? PREPARED | MASKED : PREPARED
    const goesOn =
      after !== NO_SPAN &&
      originLeft === start - 1 &&
      this.start(after) + this.length(after) === start &&
      this.#at.originRight[after] === originRight &&
      this.#at.deletions[after] === 0 &&
      ((this.#at.flags[after] as number) & ~LEFT_CHILDREN) === flags
    const span = goesOn ? after : this.#at.create(start, 0, originLeft, originRight, 0, flags)
    this.#at.length[span] = this.length(span) + length
    this.#spanOf.fill(span, start, start + length)
    if (goesOn) this.#settle(span)
    else this.#attachAfter(after, span)
    return span
  }

  /** Splits where needed so that the character is the first of its span. */
  splitBefore(character: number): void {
    const span = this.spanOf(character)
    const start = this.start(span)
    const kept = character - start
    if (kept === 0) return
    const length = this.length(span)
    const flags = this.#at.flags[span] as number
    const rest = flags & ~LEFT_CHILDREN
    // The shorter half gets the new number, so that renaming its characters is cheap however often a long run is split.
    if (kept >= length - kept) {
      this.#at.length[span] = kept
      const right = this.#at.create(
        character,
        length - kept,
        character - 1,
        this.originRight(span),
        this.#at.deletions[span] as number,
        rest,
      )
      this.#spanOf.fill(right, character, start + length)
      this.#attachAfter(span, right)
      return
    }
    const left = this.#at.create(
      start,
      kept,
      this.originLeft(span),
      this.originRight(span),
      this.#at.deletions[span] as number,
      flags,
    )
    const before = this.previous(span)
    this.#at.start[span] = character
    this.#at.length[span] = length - kept
    this.#at.originLeft[span] = character - 1
    this.#at.flags[span] = rest
    this.#spanOf.fill(left, start, character)
    this.#attachAfter(before, left)
    this.#settle(span)
  }

  /** Notes that a left child was inserted before the span. */
  markLeftChild(span: number): void {
    this.#at.flags[span] = (this.#at.flags[span] as number) | LEFT_CHILDREN
  }

  setPrepared(span: number, isPrepared: boolean): void {
    this.#setFlag(span, PREPARED, isPrepared)
  }
  setMasked(span: number, isMasked: boolean): void {
    this.#setFlag(span, MASKED, isMasked)
  }
  /** Counts `by` more (or fewer) effective deletions of the whole span. */
  addDeletions(span: number, by: 1 | -1): void {
    this.#at.deletions[span] = (this.#at.deletions[span] as number) + by
    this.#settle(span)
  }

  /**
   * Visits the prepared spans from the prepared position `from` to `to`, both at span boundaries, in order, and then counts `deletions`
   * more of each. O(spans visited + log spans).
   */
  deletePrepared(from: number, to: number, deletions: 0 | 1, visit: (span: number) => void): void {
    this.#deleteBelow(this.#root, 0, [from, to, deletions], visit)
  }

  #deleteBelow(
    span: number,
    at: number,
    range: readonly [from: number, to: number, deletions: number],
    visit: (span: number) => void,
  ): void {
    const [from, to, deletions] = range
    if (span === NO_SPAN || at >= to || at + (this.#at.prepared[span] as number) <= from) return
    const left = this.#at.left[span] as number
    this.#deleteBelow(left, at, range, visit)
    const own = at + (this.#at.prepared[left] as number)
    const count = this.isPrepared(span) ? this.length(span) : 0
    if (count !== 0 && own >= from && own < to) {
      visit(span)
      this.#at.deletions[span] = (this.#at.deletions[span] as number) + deletions
    }
    this.#deleteBelow(this.#at.right[span] as number, own + count, range, visit)
    this.#sum(span)
  }

  #setFlag(span: number, flag: number, isSet: boolean): void {
    const flags = this.#at.flags[span] as number
    this.#at.flags[span] = isSet ? flags | flag : flags & ~flag
    this.#settle(span)
  }

  #visibleOf(span: number): number {
    const isShown = this.#at.deletions[span] === 0 && ((this.#at.flags[span] as number) & MASKED) === 0
    return isShown ? this.length(span) : 0
  }

  #before(span: number, sums: Int32Array): number {
    let before = sums[this.#at.left[span] as number] as number
    let below = span
    let above = this.#at.parent[span] as number
    while (above !== NO_SPAN) {
      const right = this.#at.right[above] as number
      if (right === below) before += (sums[above] as number) - (sums[right] as number)
      below = above
      above = this.#at.parent[above] as number
    }
    return before
  }

  #find(position: number, sums: Int32Array): SpanPlace {
    let rest = position
    let span = this.#root
    while (span !== NO_SPAN) {
      const left = this.#at.left[span] as number
      const right = this.#at.right[span] as number
      const before = sums[left] as number
      const own = (sums[span] as number) - before - (sums[right] as number)
      if (rest < before) span = left
      else if (rest < before + own) return { span, offset: rest - before }
      else {
        rest -= before + own
        span = right
      }
    }
    throw new Error(`bug: no character ${position} in the document`)
  }

  #leftmost(span: number): number {
    let at = span
    while (this.#at.left[at] !== NO_SPAN) at = this.#at.left[at] as number
    return at
  }

  previous(span: number): number {
    let at = this.#at.left[span] as number
    if (at !== NO_SPAN) {
      while (this.#at.right[at] !== NO_SPAN) at = this.#at.right[at] as number
      return at
    }
    let below = span
    at = this.#at.parent[span] as number
    while (at !== NO_SPAN && this.#at.left[at] === below) {
      below = at
      at = this.#at.parent[at] as number
    }
    return at
  }

  #attachAfter(after: number, span: number): void {
    if (this.#root === NO_SPAN) {
      this.#root = span
      this.#settle(span)
      return
    }
    const right = after === NO_SPAN ? this.#root : (this.#at.right[after] as number)
    if (right === NO_SPAN) {
      this.#at.right[after] = span
      this.#at.parent[span] = after
    } else {
      const next = this.#leftmost(right)
      this.#at.left[next] = span
      this.#at.parent[span] = next
    }
    this.#rebalance(span)
  }

  /** Brings the sums from a span upwards up to date; heights are right. */
  #settle(span: number): void {
    for (let at = span; at !== NO_SPAN; at = this.#at.parent[at] as number) this.#sum(at)
  }

  #rebalance(span: number): void {
    for (let at = span; at !== NO_SPAN; at = this.#at.parent[at] as number) {
      const lean = this.#heightOf(this.#at.left, at) - this.#heightOf(this.#at.right, at)
      if (lean > 1) {
        const left = this.#at.left[at] as number
        if (this.#heightOf(this.#at.left, left) < this.#heightOf(this.#at.right, left))
          this.#rotate(left, this.#at.right, this.#at.left)
        at = this.#rotate(at, this.#at.left, this.#at.right)
      } else if (lean < -1) {
        const right = this.#at.right[at] as number
        if (this.#heightOf(this.#at.right, right) < this.#heightOf(this.#at.left, right))
          this.#rotate(right, this.#at.left, this.#at.right)
        at = this.#rotate(at, this.#at.right, this.#at.left)
      } else this.#sum(at)
    }
  }

  #heightOf(side: Int32Array, span: number): number {
    return this.#at.height[side[span] as number] as number
  }

  /** Turns the child of `span` on the side `from` into its parent, and gives it. */
  #rotate(span: number, from: Int32Array, to: Int32Array): number {
    const up = from[span] as number
    const middle = to[up] as number
    const above = this.#at.parent[span] as number
    from[span] = middle
    if (middle !== NO_SPAN) this.#at.parent[middle] = span
    to[up] = span
    this.#at.parent[span] = up
    this.#at.parent[up] = above
    if (above === NO_SPAN) this.#root = up
    else if (this.#at.left[above] === span) this.#at.left[above] = up
    else this.#at.right[above] = up
    this.#sum(span)
    this.#sum(up)
    return up
  }

  #sum(span: number): void {
    const left = this.#at.left[span] as number
    const right = this.#at.right[span] as number
    const length = this.length(span)
    this.#at.all[span] = (this.#at.all[left] as number) + length + (this.#at.all[right] as number)
    this.#at.prepared[span] =
      (this.#at.prepared[left] as number) +
      (this.isPrepared(span) ? length : 0) +
      (this.#at.prepared[right] as number)
    this.#at.visible[span] =
      (this.#at.visible[left] as number) + this.#visibleOf(span) + (this.#at.visible[right] as number)
    this.#at.height[span] = 1 + Math.max(this.#at.height[left] as number, this.#at.height[right] as number)
  }
}

const PREPARED = 1
const MASKED = 2
const LEFT_CHILDREN = 4
