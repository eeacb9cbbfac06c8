import {
  allItems,
  type CborItem,
  cloneCbor,
  itemOf,
  parseCbor,
  stringItem,
  widthOf,
  writeCbor,
} from './cbor-tree.ts'
import { mutateBytes } from './mutate-bytes.ts'
import type { Random } from './random.ts'

/** Numbers at which widths, types and limits turn. */
const EDGES: readonly bigint[] = [
  0n,
  1n,
  7n,
  8n,
  9n,
  16n,
  17n,
  23n,
  24n,
  31n,
  32n,
  33n,
  63n,
  64n,
  65n,
  255n,
  256n,
  1024n,
  1025n,
  2048n,
  16384n,
  16385n,
  65535n,
  65536n,
  262144n,
  262145n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
]
const KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '',
  'set',
  'delete',
  'remove',
]
const TEXTS = [
  ...KEYS,
  '.',
  '..',
  '/',
  'a//b',
  '/op/write',
  '/op',
  '/',
  '/cap/revoke',
  'e\u0301',
  '\ufeffx',
  '\u0000',
  '*',
  '\\*',
  'x'.repeat(65),
  'x'.repeat(1025),
  'a/'.repeat(65),
  '***************',
  'did:key:z6Mk',
  'not',
  'and',
  'or',
  '==',
  'like',
]

type TreeMutation = (items: ReturnType<typeof allItems>, random: Random, other: CborItem | null) => void

function pickItem(
  items: ReturnType<typeof allItems>,
  random: Random,
  ...majors: readonly number[]
): CborItem | null {
  const fitting = majors.length === 0 ? items : items.filter(({ item }) => majors.includes(item.major))
  return fitting.length === 0 ? null : random.pick(fitting).item
}

/** Makes `into` what `from` is; the two stay independent. */
function become(into: CborItem, from: CborItem): void {
  Object.assign(into, cloneCbor(from))
}

function edge(random: Random): CborItem {
  return itemOf(random.once(3) ? 1 : 0, random.pick(EDGES))
}

function oddItem(random: Random): CborItem {
  switch (random.below(9)) {
    case 0:
      return edge(random)
    case 1:
      return stringItem(3, Buffer.from(random.pick(TEXTS)))
    case 2:
      return stringItem(
        2,
        new Uint8Array(random.pick([0, 1, 31, 32, 33, 63, 64, 65, 200])).fill(random.below(256)),
      )
    case 3:
      return stringItem(3, Uint8Array.of(random.pick([0x80, 0xc0, 0xed, 0xff]), 0xa0, 0x80))
    case 4:
      // simple values: false, true, null, undefined, unassigned
      return itemOf(7, BigInt(random.pick([20, 21, 22, 23, 0, 32, 255])))
    case 5:
      return floatItem(random)
    case 6:
      return { ...itemOf(6, random.pick([0n, 2n, 42n, 43n, 258n, 2n ** 32n])), children: [edge(random)] }
    case 7:
      return itemOf(4, 0n)
    default:
      return itemOf(5, 0n)
  }
}

function floatItem(random: Random): CborItem {
  const width = random.pick([2, 4, 8])
  const patterns: readonly bigint[] = [0n, 0x7fn, 0x80n, 0x7ffn, 0xfffn, 0x3ffn, 0x8000n, 0x4340n]
  const argument = random.pick(patterns) << BigInt(8 * width - random.pick([8, 12, 16]))
  return { ...itemOf(7, argument & ((1n << BigInt(8 * width)) - 1n)), width }
}

const MUTATIONS: readonly TreeMutation[] = [
  // another number
  (items, random) => {
    const item = pickItem(items, random, 0, 1)
    if (item === null) return
    if (random.once(3)) item.argument += random.once(2) ? 1n : -1n
    else item.argument = random.pick(EDGES)
    if (item.argument < 0n) item.argument = 0n
    item.width = widthOf(item.argument)
  },
  // a head that is wider than need be
  (items, random) => {
    const item = pickItem(items, random)
    if (item !== null && item.width >= 0 && item.major < 7) item.width = random.pick([1, 2, 4, 8])
  },
  // an indefinite length
  (items, random) => {
    const item = pickItem(items, random, 2, 3, 4, 5)
    if (item !== null) item.width = -1
  },
  // a length that lies
  (items, random) => {
    const item = pickItem(items, random, 2, 3, 4, 5)
    if (item === null) return
    item.argument = random.once(2) ? random.pick(EDGES) : item.argument + BigInt(random.below(3))
    item.width = widthOf(item.argument)
    item.isLying = true
  },
  // something else in its place
  (items, random) => {
    const item = pickItem(items, random)
    if (item !== null) become(item, oddItem(random))
  },
  // an item of another input in its place
  (items, random, other) => {
    const item = pickItem(items, random)
    if (item !== null && other !== null) become(item, random.pick(allItems(other)).item)
  },
  // an item of the same input in its place
  (items, random) => {
    const [into, from] = [pickItem(items, random), pickItem(items, random)]
    if (into !== null && from !== null) become(into, from)
  },
  // a child twice, or many times
  (items, random) => {
    const item = pickItem(items, random, 4)
    if (item === null || item.children.length === 0) return
    const child = random.pick(item.children)
    const times = random.once(6) ? random.pick([8, 16, 64, 100, 1025]) : 1
    for (let i = 0; i < times; i++) item.children.push(cloneCbor(child))
  },
  // a child less
  (items, random) => {
    const item = pickItem(items, random, 4, 5)
    if (item === null || item.children.length === 0) return
    item.children.splice(random.below(item.children.length), item.major === 5 && !random.once(4) ? 2 : 1)
  },
  // a child more
  (items, random) => {
    const item = pickItem(items, random, 4, 5)
    if (item === null) return
    if (item.major === 5) item.children.push(stringItem(3, Buffer.from(random.pick(KEYS))))
    item.children.push(oddItem(random))
  },
  // two children swapped
  (items, random) => {
    const item = pickItem(items, random, 4, 5)
    if (item === null || item.children.length < 2) return
    const [a, b] = [random.below(item.children.length), random.below(item.children.length)]
    const [x, y] = [item.children[a] as CborItem, item.children[b] as CborItem]
    item.children[a] = y
    item.children[b] = x
  },
  // a pair of a map twice
  (items, random) => {
    const item = pickItem(items, random, 5)
    if (item === null || item.children.length < 2) return
    const at = random.below(item.children.length >> 1) * 2
    item.children.splice(at, 0, ...item.children.slice(at, at + 2).map(cloneCbor))
  },
  // another key
  (items, random) => {
    const map = pickItem(items, random, 5)
    const key = map?.children[random.below((map.children.length ?? 0) >> 1) * 2]
    if (key !== undefined)
      become(key, random.once(4) ? oddItem(random) : stringItem(3, Buffer.from(random.pick(KEYS))))
  },
  // nested in itself, as deep as limits and beyond
  (items, random) => {
    const item = pickItem(items, random)
    if (item === null) return
    const depth = random.pick([1, 2, 4, 5, 31, 32, 33, 63, 64, 65, 120])
    const major = random.pick([4, 4, 5, 6])
    let inner = cloneCbor(item)
    for (let i = 0; i < depth; i++) {
      const key = stringItem(3, Buffer.from('a'))
      inner = { ...itemOf(major, major === 6 ? 42n : 1n), children: major === 5 ? [key, inner] : [inner] }
    }
    become(item, inner)
  },
  // other content
  (items, random) => {
    const item = pickItem(items, random, 2, 3)
    if (item !== null) item.content = mutateBytes(item.content, random, item.content)
  },
  // another text
  (items, random) => {
    const item = pickItem(items, random, 3)
    if (item !== null) item.content = Buffer.from(random.pick(TEXTS))
  },
]

/** Levels of byte strings that are CBOR themselves: a body in an envelope, a batch in a message. */
const INNER_LEVELS = 3

/**
 * Mutates CBOR by its structure, also inside of byte strings that hold CBOR themselves. Bytes that are no CBOR are given to
 * `mutateBytes`.
 */
export function mutateCbor(input: Uint8Array, random: Random, other: Uint8Array, level = 0): Uint8Array {
  const root = parseCbor(input)
  if (root === null) return mutateBytes(input, random, other)
  const items = allItems(root)
  const inner = level < INNER_LEVELS && random.once(2) ? pickItem(items, random, 2) : null
  if (inner !== null && inner.content.length > 1 && parseCbor(inner.content) !== null)
    inner.content = mutateCbor(inner.content, random, other, level + 1)
  else random.pick(MUTATIONS)(items, random, parseCbor(other))
  return writeCbor(root)
}
