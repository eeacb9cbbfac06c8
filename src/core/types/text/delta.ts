import { countCodePoints } from './code-points.ts'

/**
 * A change of what shows, as editors take it: from the start of the text, keep so many characters, insert, delete so many; what is behind
 * the last part stays. Counts are code points. In normal form: no empty part, no `retain` at the end, neighbours of one kind joined, an
 * insertion in front of a deletion at its place.
 */
export type TextDelta = readonly TextDeltaPart[]
export type TextDeltaPart =
  | { readonly retain: number }
  | { readonly insert: string }
  | { readonly delete: number }

/** At `position` of what shows, delete `deleted` characters and insert `inserted` in front of them. */
export type TextSplice = readonly [position: number, deleted: number, inserted: string]

/** Writes a delta in normal form, from its parts in order. */
export class DeltaWriter {
  readonly #parts: TextDeltaPart[] = []
  #retain = 0
  #insert = ''
  #delete = 0

  retain(count: number): void {
    if (count === 0) return
    this.#flush()
    this.#retain += count
  }

  insert(text: string): void {
    this.#insert += text
  }

  delete(count: number): void {
    this.#delete += count
  }

  finish(): TextDelta {
    this.#flush()
    return this.#parts
  }

  #flush(): void {
    if (this.#insert === '' && this.#delete === 0) return
    if (this.#retain > 0) this.#parts.push({ retain: this.#retain })
    if (this.#insert !== '') this.#parts.push({ insert: this.#insert })
    if (this.#delete > 0) this.#parts.push({ delete: this.#delete })
    this.#retain = 0
    this.#insert = ''
    this.#delete = 0
  }
}

/** A stretch of the text between: kept from the old one, or inserted. */
type Stretch =
  | { readonly from: number; readonly count: number }
  | { readonly text: string; readonly count: number }

/**
 * One delta for splices made one after the other, each of the text that the ones before it leave; null where one goes beyond a text
 * that begins with `length` characters. What is inserted and deleted again leaves no trace. Cost: splices × stretches.
 */
export function composeSplices(length: number, splices: readonly TextSplice[]): TextDelta | null {
  let stretches: Stretch[] = [{ from: 0, count: length }]
  let total = length
  for (const [position, deleted, inserted] of splices) {
    if (!isCount(position) || !isCount(deleted) || position + deleted > total) return null
    const count = countCodePoints(inserted)
    const middle: Stretch[] = count === 0 ? [] : [{ text: inserted, count }]
    stretches = [...cut(stretches, 0, position), ...middle, ...cut(stretches, position + deleted, total)]
    total += count - deleted
  }
  const writer = new DeltaWriter()
  let at = 0
  for (const stretch of stretches) {
    if ('text' in stretch) {
      writer.insert(stretch.text)
      continue
    }
    writer.delete(stretch.from - at)
    writer.retain(stretch.count)
    at = stretch.from + stretch.count
  }
  writer.delete(length - at)
  return writer.finish()
}

/** The splices that make a delta, in order: each of the text that the ones before it leave. */
export function spliceDelta(delta: TextDelta): TextSplice[] {
  const splices: TextSplice[] = []
  let at = 0
  let inserted = ''
  const flush = (deleted: number) => {
    if (inserted !== '' || deleted > 0) splices.push([at, deleted, inserted])
    at += countCodePoints(inserted)
    inserted = ''
  }
  for (const part of delta) {
    if ('insert' in part) inserted += part.insert
    else if ('delete' in part) flush(part.delete)
    else {
      flush(0)
      at += part.retain
    }
  }
  flush(0)
  return splices
}

/** The delta that makes one text of another: what lies between the characters that both begin and end with is replaced. */
export function replacing(before: string, after: string): TextDelta {
  const [old, next] = [Array.from(before), Array.from(after)]
  const shorter = Math.min(old.length, next.length)
  let first = 0
  while (first < shorter && old[first] === next[first]) first++
  let last = 0
  while (last < shorter - first && old.at(-1 - last) === next.at(-1 - last)) last++
  const writer = new DeltaWriter()
  writer.retain(first)
  writer.insert(next.slice(first, next.length - last).join(''))
  writer.delete(old.length - last - first)
  return writer.finish()
}

/** The stretches from character `from` to `to`. */
function cut(stretches: readonly Stretch[], from: number, to: number): Stretch[] {
  const kept: Stretch[] = []
  let at = 0
  for (const stretch of stretches) {
    const first = Math.max(from - at, 0)
    const count = Math.min(to - at, stretch.count) - first
    at += stretch.count
    if (count <= 0) continue
    if (count === stretch.count) kept.push(stretch)
    else if ('from' in stretch) kept.push({ from: stretch.from + first, count })
    else
      kept.push({
        text: Array.from(stretch.text)
          .slice(first, first + count)
          .join(''),
        count,
      })
  }
  return kept
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
