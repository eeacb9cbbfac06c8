/** What the workloads that sync move: the same for every peer. Nothing is imported here, so that nobody's memory grows by it. */
export interface SyncSizes {
  /** Signed operations, or what a peer has in their place: transactions, commits, blocks. */
  readonly operations: number
  /** Who made them, in turn. */
  readonly authors: number
  /** Entries written by each operation. */
  readonly changes: number
}

/** How far apart two sides are that both hold the rest. */
export interface Difference {
  readonly operations: number
}

/** Told by a source; whatever its receiver needs to find it. */
export type Address = Readonly<Record<string, unknown>>

const SYLLABLES = (
  'ab ac ad al an ar as at au ba be bi bo bu ca ce co da de di do du ed el em en er es et fa fe fi fo ga ge go ' +
  'ha he hi ho id il in ir is it ja ka ke la le li lo lu ma me mi mo mu na ne ni no nu of ol on or os ot pa pe ' +
  'pi po pu ra re ri ro ru sa se si so su ta te ti to tu un ur us ut va ve vi vo wa we wi za ze'
).split(' ')

/** Words of one to three syllables. */
const WORDS = Array.from({ length: 4_096 }, (_, rank) => {
  const random = randomFrom(-1 - rank)
  const syllables = 1 + (random() % 3)
  return Array.from({ length: syllables }, () => SYLLABLES[random() % SYLLABLES.length]).join('')
})

/** The first words often and the last ones seldom (Zipf's law), so that packing gains what it gains on plain English: a little under 3 to 1. */
function wordOf(random: () => number): string {
  return WORDS[Math.floor(WORDS.length ** (random() / 2 ** 31)) - 1] as string
}

function wordsOf(random: () => number, lettersMin: number): string {
  let text = wordOf(random)
  while (text.length < lettersMin) text += ` ${wordOf(random)}`
  return text
}

/** The value of one entry, about 150 bytes as JSON; the same at every call. */
export function entryValue(n: number): { readonly n: number; readonly title: string; readonly text: string } {
  const random = randomFrom(n)
  return { n, title: wordsOf(random, 24), text: wordsOf(random, 84) }
}

/** Every entry has a place of its own. */
export function entryPath(n: number): string {
  return `entries/${n}`
}

/** Numbers below 2^31 that look random: mulberry32, each seed apart from the next. */
function randomFrom(seed: number): () => number {
  let state = (seed * 0x9e3779b1) | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 1
  }
}
