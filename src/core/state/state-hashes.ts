import { concatBytes, utf8 } from '../bytes.ts'
import { encodeCanonical } from '../canonical-cbor.ts'
import { STATE_FIELD_TAG, STATE_ITEM_TAG, STATE_NODE_TAG } from '../domain-tags.ts'
import { HASH_BYTES, sha256, sha256Into } from '../hash.ts'
import { ROOT_PATH } from '../path.ts'
import { copyHash, HASH_WORDS, Preimage } from '../preimage.ts'
import { EMPTY_TRIE } from '../trie.ts'
import { type Block, createBlock } from '../trie-arena.ts'

/** An item by what its hash is of. */
export interface SeenItem {
  readonly type: string
  /** Root of the trie of its fields. */
  readonly fields: Uint8Array
}

/** The segments of a path, none for the root. */
export const segmentsOf = (path: string): readonly string[] => (path === ROOT_PATH ? [] : path.split('/'))

/** Key of a child in the trie of children. */
export const segmentKey = (segment: string): Uint8Array => sha256(utf8(segment))

const ONLY_FIELD_KEY = sha256(utf8(''))

/** Key of a field in the trie of its item. */
export const fieldKey = (field: string): Uint8Array => (field === '' ? ONLY_FIELD_KEY : sha256(utf8(field)))

/** Value of a field in the trie of its item. `value`: canonical bytes. */
export function fieldValue(field: string, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HASH_BYTES)
  fieldValueInto(bytes, 0, field, value)
  return bytes
}

/** Writes it to where 32 bytes have room from `at` on: sha256(tag ‖ canonical [field, value]), without a copy of the value for each. */
export function fieldValueInto(target: Uint8Array, at: number, field: string, value: Uint8Array): void {
  const begin = field === '' ? ONLY_FIELD_BEGIN : fieldBegin(field)
  const bytes = begin.length + BYTES_HEAD_MAX + value.length
  if (bytes > FIELD_INPUT.length) return sha256Into(target, at, concatBytes(begin, encodeCanonical(value)))
  FIELD_INPUT.set(begin)
  const from = writeBytesHead(FIELD_INPUT, begin.length, value.length)
  FIELD_INPUT.set(value, from)
  sha256Into(target, at, FIELD_INPUT.subarray(0, from + value.length))
}

/** What the value of a field is of, up to the value. */
const fieldBegin = (field: string): Uint8Array =>
  concatBytes(STATE_FIELD_TAG, LIST_OF_TWO, encodeCanonical(field))
const LIST_OF_TWO = Uint8Array.of(0x82)
const ONLY_FIELD_BEGIN = fieldBegin('')
/** Values of less than this are put together here, in bytes. */
const FIELD_INPUT = new Uint8Array(4_096)
/** Most bytes of the head of bytes that have room there. */
const BYTES_HEAD_MAX = 3

/** Writes the head of so many bytes, fewer than 65,536, in its shortest form. Returns where they go. */
function writeBytesHead(into: Uint8Array, at: number, bytes: number): number {
  if (bytes < 24) {
    into[at] = 0x40 + bytes
    return at + 1
  }
  if (bytes < 256) {
    into[at] = 0x58
    into[at + 1] = bytes
    return at + 2
  }
  into[at] = 0x59
  into[at + 1] = bytes >> 8
  into[at + 2] = bytes & 255
  return at + 3
}

/** Hash of an item. `fields`: root of the trie of its fields. */
export const itemHash = (type: string, fields: Uint8Array): Uint8Array => sha256(itemInput(type, fields))

const itemInput = (type: string, fields: Uint8Array): Uint8Array =>
  concatBytes(STATE_ITEM_TAG, encodeCanonical([type, fields]))

/** The hashes of items in their order, joined. */
export function itemHashes(items: readonly SeenItem[]): Uint8Array {
  return concatBytes(...items.map(({ type, fields }) => itemHash(type, fields)))
}

/** Hash of a node. `items`: item hashes ascending by type, joined; `children`: root of the trie of children. */
export function nodeHash(items: Uint8Array, children: Uint8Array): Uint8Array {
  return sha256(STATE_NODE_TAG, Uint8Array.of(items.length / HASH_BYTES), items, children)
}

/** What the hash of an item of a type is of: all but the root of its fields, which comes last. */
export function itemPreimage(type: string): Preimage {
  return new Preimage(itemInput(type, new Uint8Array(HASH_BYTES)).subarray(0, -HASH_BYTES), 1)
}

/** Most items at one path: what one byte counts. */
const ITEMS_MAX = 255
const NODE = new Preimage(concatBytes(STATE_NODE_TAG, Uint8Array.of(0)), ITEMS_MAX + 1)
const EMPTY_CHILDREN = createBlock(HASH_WORDS)
EMPTY_CHILDREN.bytes.set(EMPTY_TRIE.hash)

/** Makes the hash of a node piece by piece, in memory that is used again: first all its items, then the hash. */
export const nodePreimage = {
  /** Where the hash of an item goes. */
  block: NODE as Block,
  wordOfItem: (item: number): number => NODE.first + item * HASH_WORDS,
  /** Replaces the root of the trie of children, at a word of a block, by the hash of the node with so many items. */
  hashInPlace(items: number, target: Block, word: number): void {
    NODE.bytes[4 * NODE.first - 1] = items
    copyHash(target, word, NODE, NODE.first + items * HASH_WORDS)
    NODE.hashInto(target, word, items + 1)
  },
  /** Writes the root of the trie of children of a node without any to a word of a block. */
  writeNoChildren: (target: Block, word: number): void => copyHash(EMPTY_CHILDREN, 0, target, word),
}
