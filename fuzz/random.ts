/** Numbers that look random and are the same for the same seed: a run can be repeated. */
export interface Random {
  /** A whole number from 0 to `below` - 1; 0 where `below` is below 1. */
  readonly below: (below: number) => number
  /** True once in `times`. */
  readonly once: (times: number) => boolean
  /** One of a list that is not empty. */
  readonly pick: <T>(list: readonly T[]) => T
}

/** The generator sfc32 (Chris Doty-Humphrey, PractRand), seeded by one number. */
export function createRandom(seed: number): Random {
  let a = seed | 0
  let b = 0x9e3779b9 | 0
  let c = 0x243f6a88 | 0
  let counter = 1
  const next = (): number => {
    const t = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t
    return t >>> 0
  }
  for (let i = 0; i < 12; i++) next()
  const below = (most: number): number => (most < 1 ? 0 : Math.floor((next() / 2 ** 32) * most))
  return {
    below,
    once: (times) => below(times) === 0,
    pick: <T>(list: readonly T[]): T => list[below(list.length)] as T,
  }
}
