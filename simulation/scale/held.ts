/** Which operations a node holds: a bit for each, by the order in which they were written. */
export type Held = Uint32Array

/** Takes an operation; false where it was there. */
export function take(held: Held, operation: number): boolean {
  const [word, bit] = [operation >> 5, 1 << (operation & 31)]
  const isFresh = ((held[word] as number) & bit) === 0
  held[word] = (held[word] as number) | bit
  return isFresh
}

/** True where it holds it. */
export function has(held: Held, operation: number): boolean {
  return ((held[operation >> 5] as number) & (1 << (operation & 31))) !== 0
}

/** Operations that the second has and the first has not. */
export function missing(own: Held, other: Held): readonly number[] {
  const found: number[] = []
  for (const [word, theirs] of other.entries()) {
    let bits = theirs & ~(own[word] as number)
    while (bits !== 0) {
      const lowest = bits & -bits
      found.push(word * 32 + 31 - Math.clz32(lowest))
      bits ^= lowest
    }
  }
  return found
}

/** How many it holds. */
export function countOf(held: Held): number {
  let count = 0
  for (const word of held) for (let bits = word; bits !== 0; bits &= bits - 1) count++
  return count
}
