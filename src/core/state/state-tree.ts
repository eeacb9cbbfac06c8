import { compareBytes, concatBytes, utf8 } from '../bytes.ts'
import { encodeCanonical } from '../canonical-cbor.ts'
import { STATE_ITEM_TAG, STATE_NODE_TAG } from '../domain-tags.ts'
import { sha256 } from '../hash.ts'
import { ROOT_PATH } from '../path.ts'
import { MerkleTrie } from '../trie.ts'

/** The visible value of one item: its type and its fields, each with the canonical bytes of its value. */
export interface VisibleItem {
  readonly path: string
  readonly type: string
  /** field → value bytes; a register has the one field `''`. An item without fields does not exist. */
  readonly fields: ReadonlyMap<string, Uint8Array>
}

interface Branch {
  /** type → hash of the item of that type at this path. */
  readonly items: Map<string, Uint8Array>
  readonly children: Map<string, Branch>
  readonly trie: MerkleTrie
  /** Segments of children whose hash in the trie is out of date. */
  readonly stale: Set<string>
  hash: Uint8Array | null
}

/**
 * The state of a space as a Merkle tree by path segments (docs/protocol.md §5). Invariants:
 * 1. its root is a function of the visible items alone: equal states have equal roots, whatever their history;
 * 2. item = sha256(tag ‖ canonical [type, [[field, value], …] ascending by field bytes]);
 * 3. node = sha256(tag ‖ number of items, 1 byte ‖ item hashes ascending by type ‖ root of the trie of children);
 *    a child is keyed by the sha256 of its segment and valued with its own node hash;
 * 4. a path without items and children has no node.
 * A change costs the depth of its path, a root only what changed since the last one.
 */
export class StateTree {
  readonly #root: Branch = createBranch()

  /** Sets the visible value of an item; with no fields left, removes it. */
  set(item: VisibleItem): void {
    const hash = item.fields.size === 0 ? null : hashItem(item)
    update(this.#root, segmentsOf(item.path), item.type, hash)
  }

  /** The state root, 32 bytes. */
  root(): Uint8Array {
    return hashBranch(this.#root)
  }

  /** The root of the subtree at a path, or null where nothing exists at or below it. */
  rootAt(path: string): Uint8Array | null {
    let node: Branch | undefined = this.#root
    for (const segment of segmentsOf(path)) node = node?.children.get(segment)
    return node === undefined ? null : hashBranch(node)
  }
}

/** Hash of an item that exists. */
function hashItem(item: VisibleItem): Uint8Array {
  const fields = [...item.fields].sort(([a], [b]) => compareBytes(utf8(a), utf8(b)))
  return sha256(STATE_ITEM_TAG, encodeCanonical([item.type, fields]))
}

const segmentsOf = (path: string): readonly string[] => (path === ROOT_PATH ? [] : path.split('/'))

function createBranch(): Branch {
  return { items: new Map(), children: new Map(), trie: new MerkleTrie(), stale: new Set(), hash: null }
}

function update(node: Branch, segments: readonly string[], type: string, hash: Uint8Array | null): void {
  const trail: { readonly node: Branch; readonly segment: string }[] = []
  let at = node
  for (const segment of segments) {
    let child = at.children.get(segment)
    if (child === undefined) {
      if (hash === null) return
      child = createBranch()
      at.children.set(segment, child)
    }
    trail.push({ node: at, segment })
    at.hash = null
    at.stale.add(segment)
    at = child
  }
  at.hash = null
  if (hash === null) at.items.delete(type)
  else at.items.set(type, hash)
  // Upwards: a child that became empty goes; the others' hashes are put into their parents' tries when a root is asked for.
  for (const { node: parent, segment } of trail.toReversed()) {
    const child = parent.children.get(segment)
    if (child === undefined || child.items.size > 0 || child.children.size > 0) continue
    parent.children.delete(segment)
    parent.stale.delete(segment)
    parent.trie.delete(sha256(utf8(segment)))
  }
}

function hashBranch(node: Branch): Uint8Array {
  if (node.hash !== null) return node.hash
  for (const segment of node.stale)
    node.trie.set(sha256(utf8(segment)), hashBranch(node.children.get(segment) as Branch))
  node.stale.clear()
  const items = [...node.items].sort(([a], [b]) => compareBytes(utf8(a), utf8(b))).map(([, hash]) => hash)
  node.hash = sha256(
    STATE_NODE_TAG,
    Uint8Array.of(items.length),
    concatBytes(...items),
    node.trie.digest().hash,
  )
  return node.hash
}
