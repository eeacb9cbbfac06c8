import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Datastore } from 'interface-datastore'
import { toHex } from '../core/bytes.ts'
import { fail, ok, type Fault, type Result } from '../core/result.ts'
import { openSqliteBlobStore } from '../storage/sqlite/blobs.ts'
import { identifySpaceFile, type SpaceIdentity } from '../storage/sqlite/inspect.ts'
import { openSqliteSpaceStore } from '../storage/sqlite/open.ts'
import { openSqliteDatastore, type SqliteDatastore } from '../storage/sqlite-datastore.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { SpaceStore } from '../storage/space-store.ts'
import { orThrow } from './fault-error.ts'
import { KeyFiles, type KeyRing, makeKey, readKey } from './key-files.ts'
import { SecretFile } from './secret-file.ts'
import {
  decodePlace,
  encodePlace,
  expecting,
  isSamePlace,
  leaveMark,
  type Place,
  readPlace,
} from './place.ts'

/** The seeds a node signs with. */
export interface NodeSeeds {
  /** Of the libp2p identity, 32 bytes. */
  readonly peer: Uint8Array
  /** Of the key that signs operations, 32 bytes. */
  readonly author: Uint8Array
}

/** Where a node keeps what it must not lose; memory in tests. */
export interface NodeStorage {
  /** The author's is that of the key in use now. */
  readonly seeds: NodeSeeds
  readonly keys: KeyRing
  /** True where this is, or may be, a copy of another data directory, or an older state of this one, until `acceptPlace`. */
  readonly isRestored: boolean
  /** From now on this place counts as that of the data. */
  acceptPlace(): void
  /** What the node remembers of itself, synced to disk when this returns. */
  putNote(key: string, value: Uint8Array): void
  note(key: string): Uint8Array | undefined
  /** Texts that nobody but the owner of the data may read, synced to disk; null takes one away. */
  putSecret(name: string, value: string | null): void
  secret(name: string): string | undefined
  /** libp2p's peer store. */
  readonly datastore: Datastore
  /** The spaces held here, and for each unreadable file why. */
  listSpaces(): readonly Result<SpaceIdentity>[]
  openSpace(identity: SpaceIdentity, create: boolean): Result<SpaceStore>
  /** The blobs of all spaces. Whoever opened them closes them. */
  openBlobs(quotaBytes: number): Result<BlobStore>
  close(): void
}

const LOCK_FILE = 'lock.sqlite'
const NODE_FILE = 'node.sqlite'
const BLOBS_FILE = 'blobs.sqlite'
const SECRETS_FILE = 'secrets.json'
/** The note that says where the data directory lies. */
const PLACE_NOTE = '/hanse/place'
/** SQLite's result code for a file that another process has locked. */
const SQLITE_BUSY = 5

/** True for a folder that was made by `initDataDirectory`. */
export function isDataDirectory(directory: string): boolean {
  return existsSync(join(directory, 'keys', 'author.key'))
}

/**
 * Makes a data directory with new keys, readable by its owner alone. Keys that are there already are kept, so that a node is never
 * given a second identity by mistake; `true` when something was made.
 */
export function initDataDirectory(directory: string, seeds?: Partial<NodeSeeds>): boolean {
  for (const folder of ['keys', 'spaces']) makeDirectory(join(resolve(directory), folder))
  const madePeer = makeKey(join(directory, 'keys', 'peer.key'), seeds?.peer)
  const madeAuthor = makeKey(join(directory, 'keys', 'author.key'), seeds?.author)
  // Noted with the key, so that a key without its node's file is known for a part of a backup.
  if (madeAuthor) {
    const datastore = orThrow(openSqliteDatastore(join(directory, NODE_FILE)))
    datastore.putNote(PLACE_NOTE, encodePlace(readPlace(directory)))
    datastore.close()
  }
  return madePeer || madeAuthor
}

/**
 * Opens a data directory for this process alone. Faults: `NO_DATA` (not initialised), `IN_USE` (another process has it), `BAD_DATA`
 * (cannot be locked), `BAD_KEY`, and those of the stores.
 */
export function openDataDirectory(directory: string): Result<NodeStorage> {
  if (!isDataDirectory(directory)) {
    return fail(
      'NO_DATA',
      `${directory} is not a Hanse data directory: run "hanse init" first, or name another with --data`,
    )
  }
  const lock = lockDirectory(directory)
  if (!lock.ok) return lock
  const peer = readKey(join(directory, 'keys', 'peer.key'))
  const author = new KeyFiles(join(directory, 'keys')).author()
  const hadNodeFile = existsSync(join(directory, NODE_FILE))
  const datastore = openSqliteDatastore(join(directory, NODE_FILE))
  for (const part of [peer, author, datastore]) {
    if (part.ok) continue
    lock.value.close()
    return part
  }
  return ok(new DataDirectory(directory, orThrow(peer), orThrow(datastore), lock.value, hadNodeFile))
}

class DataDirectory implements NodeStorage {
  readonly datastore: SqliteDatastore
  readonly keys: KeyFiles
  readonly #directory: string
  readonly #secrets: SecretFile
  readonly #peer: Uint8Array
  readonly #lock: DatabaseSync
  #isRestored: boolean

  /** `hadNodeFile`: false where the node's file was made just now, beside keys that were there. */
  constructor(
    directory: string,
    peer: Uint8Array,
    datastore: SqliteDatastore,
    lock: DatabaseSync,
    hadNodeFile: boolean,
  ) {
    this.#directory = directory
    this.#secrets = new SecretFile(join(directory, SECRETS_FILE))
    this.#peer = peer
    this.datastore = datastore
    this.keys = new KeyFiles(join(directory, 'keys'))
    this.#lock = lock
    const noted = this.note(PLACE_NOTE)
    this.#isRestored =
      noted === undefined ? !hadNodeFile : !isSamePlace(decodePlace(noted), readPlace(directory))
    if (!this.#isRestored) this.acceptPlace()
  }

  get seeds(): NodeSeeds {
    return { peer: this.#peer, author: orThrow(this.keys.author()) }
  }

  get isRestored(): boolean {
    return this.#isRestored
  }

  acceptPlace(): void {
    this.#leaveMark(readPlace(this.#directory))
    this.#isRestored = false
  }

  putNote(key: string, value: Uint8Array): void {
    this.datastore.putNote(key, value)
  }

  note(key: string): Uint8Array | undefined {
    return this.datastore.note(key)
  }

  putSecret(name: string, value: string | null): void {
    this.#secrets.put(name, value)
  }

  secret(name: string): string | undefined {
    return this.#secrets.get(name)
  }

  listSpaces(): readonly Result<SpaceIdentity>[] {
    const files = readdirSync(join(this.#directory, 'spaces')).filter((name) => name.endsWith('.sqlite'))
    return files.toSorted().map((name) => {
      const file = join(this.#directory, 'spaces', name)
      const identity = identifySpaceFile(file)
      if (!identity.ok || name === nameOf(identity.value)) return identity
      return fail(
        'STORE_FOREIGN',
        `${file} holds another space, ${toHex(identity.value.spaceId)}. It was left as it is; move it away`,
      )
    })
  }

  openSpace(identity: SpaceIdentity, create: boolean): Result<SpaceStore> {
    const file = join(this.#directory, 'spaces', nameOf(identity))
    if (existsSync(file)) return openSqliteSpaceStore({ file, ...identity, create })
    // A file that is not noted is one that somebody has put there.
    if (create && !this.#isRestored)
      this.#notePlace(expecting(readPlace(this.#directory), `spaces/${nameOf(identity)}`))
    const store = openSqliteSpaceStore({ file, ...identity, create })
    if (!this.#isRestored) this.#notePlace(readPlace(this.#directory))
    return store
  }

  openBlobs(quotaBytes: number): Result<BlobStore> {
    return openSqliteBlobStore({ file: join(this.#directory, BLOBS_FILE), quotaBytes })
  }

  #notePlace(place: Place): void {
    this.datastore.putNote(PLACE_NOTE, encodePlace(place))
  }

  /** Again at the end, so that a backup made while the node ran is known too; what else has moved meanwhile is not accepted by it. */
  close(): void {
    try {
      const noted = this.note(PLACE_NOTE)
      if (!this.#isRestored && noted !== undefined) this.#leaveMark(decodePlace(noted))
    } catch {
      // The folder is gone, or the disk is full: then the mark of the beginning stays.
    }
    this.datastore.close()
    this.#lock.close()
  }

  #leaveMark(place: Place): void {
    leaveMark(this.#directory, place, (marked) => this.#notePlace(marked))
  }
}

/**
 * Two processes never write one directory. The lock is an exclusive transaction that stays open: the operating system releases it
 * with the process, however that ends, so no stale lock has ever to be removed by hand.
 */
function lockDirectory(directory: string): Result<DatabaseSync, Fault<'IN_USE' | 'BAD_DATA'>> {
  const file = join(directory, LOCK_FILE)
  let lock: DatabaseSync | null = null
  try {
    lock = new DatabaseSync(file, { timeout: 0 })
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return ok(lock)
  } catch (error) {
    lock?.close()
    if ((error as { readonly errcode?: number }).errcode === SQLITE_BUSY) {
      return fail(
        'IN_USE',
        `${directory} is in use by another process: stop it, or talk to it with the hanse command`,
      )
    }
    const why = error instanceof Error ? error.message : String(error)
    return fail(
      'BAD_DATA',
      `${file} cannot be locked (${why}): the folder must be writable; if the file is damaged, remove it`,
    )
  }
}

/** Makes a folder and those above it. (Node's own `recursive` never returns where the parent takes none, as in /proc.) */
function makeDirectory(path: string): void {
  if (existsSync(path)) return
  if (dirname(path) !== path) makeDirectory(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}

const nameOf = ({ spaceId }: SpaceIdentity): string => `${toHex(spaceId)}.sqlite`
