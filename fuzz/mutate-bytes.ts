import type { Random } from './random.ts'

/** Bytes at which formats turn: heads of CBOR, varints, text. */
const SPECIAL_BYTES = [
  0x00, 0x01, 0x0a, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1f, 0x20, 0x22, 0x2f, 0x37, 0x3b, 0x40, 0x5b, 0x5f, 0x60,
  0x7f, 0x80, 0x9b, 0x9f, 0xa0, 0xbb, 0xbf, 0xc2, 0xd8, 0xf6, 0xf7, 0xf9, 0xfa, 0xfb, 0xfe, 0xff,
]

type Mutation = (input: Uint8Array, random: Random, other: Uint8Array) => Uint8Array

/** Joins a beginning, a middle and an end. */
function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** Some range of the input, mostly short. */
function rangeOf(input: Uint8Array, random: Random): readonly [from: number, to: number] {
  const from = random.below(input.length + 1)
  const length = random.once(4) ? random.below(input.length + 1) : random.below(9)
  return [from, Math.min(input.length, from + length)]
}

function changed(input: Uint8Array, at: number, byte: number): Uint8Array {
  const copy = input.slice()
  if (at < copy.length) copy[at] = byte
  return copy
}

const MUTATIONS: readonly Mutation[] = [
  // flip a bit
  (input, random) => {
    const at = random.below(input.length)
    return changed(input, at, (input[at] ?? 0) ^ (1 << random.below(8)))
  },
  // another byte
  (input, random) => changed(input, random.below(input.length), random.below(256)),
  (input, random) => changed(input, random.below(input.length), random.pick(SPECIAL_BYTES)),
  // one more or less
  (input, random) => {
    const at = random.below(input.length)
    return changed(input, at, (input[at] ?? 0) + (random.once(2) ? 1 : -1))
  },
  // cut short
  (input, random) => input.slice(0, random.below(input.length)),
  // take out
  (input, random) => {
    const [from, to] = rangeOf(input, random)
    return join(input.subarray(0, from), input.subarray(to))
  },
  // duplicate
  (input, random) => {
    const [from, to] = rangeOf(input, random)
    const part = input.subarray(from, to)
    const times = random.once(8) ? 1 + random.below(64) : 1
    return join(input.subarray(0, from), ...Array.from({ length: times + 1 }, () => part), input.subarray(to))
  },
  // insert
  (input, random) => {
    const at = random.below(input.length + 1)
    const bytes = Uint8Array.from({ length: 1 + random.below(8) }, () =>
      random.once(2) ? random.pick(SPECIAL_BYTES) : random.below(256),
    )
    return join(input.subarray(0, at), bytes, input.subarray(at))
  },
  // splice with another input
  (input, random, other) =>
    join(input.subarray(0, random.below(input.length + 1)), other.subarray(random.below(other.length + 1))),
  // overwrite a range with a range of another input
  (input, random, other) => {
    const [from, to] = rangeOf(other, random)
    const at = random.below(input.length + 1)
    return join(input.subarray(0, at), other.subarray(from, to), input.subarray(at + to - from))
  },
  // two inputs after each other
  (input, _, other) => join(input, other),
]

/** Mutates anything that is bytes. */
export function mutateBytes(input: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  return random.pick(MUTATIONS)(input, random, other)
}

/** Puts a word into the input, over what is there or between. */
export function insertWord(input: Uint8Array, random: Random, words: readonly string[]): Uint8Array {
  const word = Buffer.from(random.pick(words))
  const at = random.below(input.length + 1)
  return join(input.subarray(0, at), word, input.subarray(random.once(2) ? at : at + word.length))
}
