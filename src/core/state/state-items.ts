import { compareBytes, utf8 } from '../bytes.ts'
import { copyHash, type Preimage } from '../preimage.ts'
import type { Arena, Block } from '../trie-arena.ts'
import { LEAF_OWN } from '../trie-nodes.ts'
import { itemPreimage, nodePreimage } from './state-hashes.ts'

/** The word of a node that has its first item. */
export const ITEMS = LEAF_OWN

/* An item is a record: the number of its type, the trie of its fields, the next item of the node. */
const WORDS = 3
const TYPE = 0
const FIELDS = 1
const NEXT = 2

/** Most types: as many as kinds of leaves are left for them. */
const TYPES_MAX = 250

/** An item of a node. */
export interface NodeItem {
  readonly type: string
  readonly number: number
  /** The trie of its fields. */
  readonly fields: number
}

/** The items of the nodes of a state tree: of each node a list, ascending by type. Types have numbers, 0, 1, 2, … as they come. */
export class StateItems {
  readonly #arena: Arena
  readonly #types: { readonly name: string; readonly preimage: Preimage }[] = []

  constructor(arena: Arena) {
    this.#arena = arena
  }

  /** The number of a type. Throws where there are more than 250: a bug, since changes have a few. */
  numberOf(name: string): number {
    const known = this.#types.findIndex((type) => type.name === name)
    if (known >= 0) return known
    if (this.#types.length >= TYPES_MAX) throw new Error('bug: a state of more types than there are')
    return this.#types.push({ name, preimage: itemPreimage(name) }) - 1
  }

  /** The type of that number; null where there is none. */
  nameOf(number: number): string | null {
    return this.#types[number]?.name ?? null
  }

  /** The items of a node, ascending by type. */
  list(node: number): readonly NodeItem[] {
    const items: NodeItem[] = []
    for (let item = this.#arena.read(node, ITEMS); item !== 0; item = this.#arena.read(item, NEXT)) {
      const number = this.#arena.read(item, TYPE)
      items.push({ type: this.#typeOf(item), number, fields: this.fieldsOf(item) })
    }
    return items
  }

  /** The item of a type, 0 where there is none. */
  find(node: number, type: string): number {
    let item = this.#arena.read(node, ITEMS)
    while (item !== 0 && this.#typeOf(item) !== type) item = this.#arena.read(item, NEXT)
    return item
  }

  /** Gives a node an item of a type that it has none of, with that trie of fields. */
  add(node: number, type: string, fields: number): number {
    const bytes = utf8(type)
    let [before, after] = [0, this.#arena.read(node, ITEMS)]
    while (after !== 0 && compareBytes(utf8(this.#typeOf(after)), bytes) < 0)
      [before, after] = [after, this.#arena.read(after, NEXT)]
    const item = this.#arena.allocate(WORDS)
    this.#arena.write(item, TYPE, this.numberOf(type))
    this.#arena.write(item, FIELDS, fields)
    this.#arena.write(item, NEXT, after)
    if (before === 0) this.#arena.write(node, ITEMS, item)
    else this.#arena.write(before, NEXT, item)
    return item
  }

  /** Takes an item from its node. */
  remove(node: number, item: number): void {
    const next = this.#arena.read(item, NEXT)
    let before = this.#arena.read(node, ITEMS)
    if (before === item) this.#arena.write(node, ITEMS, next)
    else {
      while (this.#arena.read(before, NEXT) !== item) before = this.#arena.read(before, NEXT)
      this.#arena.write(before, NEXT, next)
    }
    this.#arena.free(item, WORDS)
  }

  /** The trie of the fields of an item. */
  fieldsOf(item: number): number {
    return this.#arena.read(item, FIELDS)
  }

  setFields(item: number, fields: number): void {
    this.#arena.write(item, FIELDS, fields)
  }

  /** Hashes an item of a type by its number, whose fields' root is at a word of a block, as the item at a place among those of its node. */
  hashInto(type: number, fields: Block, word: number, place: number): void {
    const { preimage } = this.#types[type] as { readonly preimage: Preimage }
    copyHash(fields, word, preimage, preimage.first)
    preimage.hashInto(nodePreimage.block, nodePreimage.wordOfItem(place), 1)
  }

  #typeOf(item: number): string {
    return this.nameOf(this.#arena.read(item, TYPE)) as string
  }
}
