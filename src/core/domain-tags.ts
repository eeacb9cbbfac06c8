import { utf8 } from './bytes.ts'

/**
 * Every domain tag of Hanse: the prefix that keeps a hash or signature made for one purpose from meaning anything in another.
 * Each ends with a NUL byte, so none is a prefix of another. Changing one changes every id made with it.
 * docs/protocol.md §1.
 */
const tag = (name: string): Uint8Array => utf8(`hanse/${name}/1\0`)

/** Operation id: sha256(tag ‖ header). */
export const OPERATION_ID_TAG = tag('operation/id')
/** Operation signature: Ed25519 over (tag ‖ id). */
export const OPERATION_SIGNATURE_TAG = tag('operation/signature')
/** Proof of space and read capability in the sync handshake. */
export const SYNC_HANDSHAKE_TAG = tag('sync/handshake')
/** Proof of knowing a space's id, where only its topic is public. */
export const SYNC_KNOWLEDGE_TAG = tag('sync/knowledge')
/** What was taken for the leaves that a receiver listed. */
export const SYNC_LEAVES_TAG = tag('sync/leaves')
/** Receipt of a reader for a clock root. */
export const SYNC_RECEIPT_TAG = tag('sync/receipt')
/** The rendezvous topic of a space: sha256(tag ‖ space id), so that an introducer does not learn the id. */
export const SPACE_TOPIC_TAG = tag('space/topic')
/** Leaf of the clock trie: one author and its heads. */
export const CLOCK_LEAF_TAG = tag('clock/leaf')
/** Inner node of a Merkle trie. */
export const TRIE_NODE_TAG = tag('trie/node')
/** One field of an item of the state tree: its name and the value it shows. */
export const STATE_FIELD_TAG = tag('state/field')
/** One item of the state tree: its type and its fields. */
export const STATE_ITEM_TAG = tag('state/item')
/** One path segment of the state tree: the items there and the children below. */
export const STATE_NODE_TAG = tag('state/node')
/** The states of the subtrees that two partial replicas compare. */
export const STATE_SELECTION_TAG = tag('state/selection')
/** Leaf of a Merkle trie. */
export const TRIE_LEAF_TAG = tag('trie/leaf')
/** One piece of a blob's tree: its level, what it spans, its bytes. */
export const BLOB_PIECE_TAG = tag('blob/piece')
/** What a node signs to derive the key of a person of an imported history. */
export const IMPORT_PERSON_TAG = tag('import/person')
