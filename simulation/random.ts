import { sha256 } from '../src/core/hash.ts'
import { utf8 } from '../src/core/bytes.ts'

/** Numbers that follow from a seed alone. */
export interface Random {
  /** A fraction in [0, 1). */
  next(): number
  /** A whole number in [0, `limit`). */
  below(limit: number): number
  /** A whole number in [`low`, `high`], both included. */
  between(low: number, high: number): number
  /** True with that probability. */
  chance(probability: number): boolean
  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T
  /** The list in another order. */
  shuffle<T>(list: readonly T[]): readonly T[]
  bytes(length: number): Uint8Array
  /** Numbers of their own for a part: whatever is drawn here does not change what is drawn there. */
  fork(label: string): Random
}

/** Numbers from a text (sfc32 over its sha256). */
export function createRandom(seed: string): Random {
  const view = new DataView(sha256(utf8(seed)).buffer)
  let a = view.getUint32(0)
  let b = view.getUint32(4)
  let c = view.getUint32(8)
  let counter = 1
  const word = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
  for (let i = 0; i < 12; i++) word()
  const random: Random = {
    next: () => word() / 2 ** 32,
    below: (limit) => Math.floor(random.next() * limit),
    between: (low, high) => low + random.below(high - low + 1),
    chance: (probability) => random.next() < probability,
    pick: <T>(list: readonly T[]) => list[random.below(list.length)] as T,
    shuffle: <T>(list: readonly T[]) => {
      const shuffled = [...list]
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = random.below(i + 1)
        ;[shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T]
      }
      return shuffled
    },
    bytes: (length) => Uint8Array.from({ length }, () => random.below(256)),
    fork: (label) => createRandom(`${seed}/${label}`),
  }
  return random
}
