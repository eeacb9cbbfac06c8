const FIRST_CAPACITY = 8

/**
 * What is known of each span of a SpanTree, column by column, so that a span costs 50 bytes and not an object. Span 0 is no span: its
 * counts are 0 for ever.
 */
export class SpanColumns {
  /** How many spans there are, number 0 included. */
  count = 1
  start = new Int32Array(FIRST_CAPACITY)
  length = new Int32Array(FIRST_CAPACITY)
  originLeft = new Int32Array(FIRST_CAPACITY)
  originRight = new Int32Array(FIRST_CAPACITY)
  /** Effective deletions of the whole span. */
  deletions = new Int32Array(FIRST_CAPACITY)
  flags = new Uint8Array(FIRST_CAPACITY)
  /** The sides of the tree below the span, and the span above. */
  left = new Int32Array(FIRST_CAPACITY)
  right = new Int32Array(FIRST_CAPACITY)
  parent = new Int32Array(FIRST_CAPACITY)
  height = new Uint8Array(FIRST_CAPACITY)
  /** Characters of the span and all below it: in all, prepared, visible. */
  all = new Int32Array(FIRST_CAPACITY)
  prepared = new Int32Array(FIRST_CAPACITY)
  visible = new Int32Array(FIRST_CAPACITY)

  /** A new span that is not in the tree yet. */
  create(
    start: number,
    length: number,
    originLeft: number,
    originRight: number,
    deletions: number,
    flags: number,
  ): number {
    const span = this.count++
    if (span >= this.start.length) this.#grow()
    this.start[span] = start
    this.length[span] = length
    this.originLeft[span] = originLeft
    this.originRight[span] = originRight
    this.deletions[span] = deletions
    this.flags[span] = flags
    return span
  }

  #grow(): void {
    const needed = this.start.length + 1
    this.start = grown(this.start, needed)
    this.length = grown(this.length, needed)
    this.originLeft = grown(this.originLeft, needed)
    this.originRight = grown(this.originRight, needed)
    this.deletions = grown(this.deletions, needed)
    this.flags = grown(this.flags, needed)
    this.left = grown(this.left, needed)
    this.right = grown(this.right, needed)
    this.parent = grown(this.parent, needed)
    this.height = grown(this.height, needed)
    this.all = grown(this.all, needed)
    this.prepared = grown(this.prepared, needed)
    this.visible = grown(this.visible, needed)
  }
}

/** The array itself, or one at least twice as long with the same beginning, so that it has `needed` places. */
export function grown<A extends Int32Array | Uint8Array>(array: A, needed: number): A {
  if (needed <= array.length) return array
  const larger = new (array.constructor as new (length: number) => A)(Math.max(2 * array.length, needed))
  larger.set(array)
  return larger
}
