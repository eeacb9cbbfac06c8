import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Datastore } from 'interface-datastore'
import { fromHex, toHex } from '../core/bytes.ts'
import { fail, ok, type Fault, type Result } from '../core/result.ts'
import { inspectSpaceFile, type SpaceIdentity } from '../storage/sqlite/inspect.ts'
import { openSqliteSpaceStore } from '../storage/sqlite/open.ts'
import { openSqliteDatastore, type SqliteDatastore } from '../storage/sqlite-datastore.ts'
import type { SpaceStore } from '../storage/space-store.ts'
import { orThrow } from './fault-error.ts'

/** The seeds a node signs with. */
export interface NodeSeeds {
  /** Of the libp2p identity, 32 bytes. */
  readonly peer: Uint8Array
  /** Of the key that signs operations, 32 bytes. */
  readonly author: Uint8Array
}

/** Where a node keeps what it must not lose; memory in tests. */
export interface NodeStorage {
  readonly seeds: NodeSeeds
  /** libp2p's peer store. */
  readonly datastore: Datastore
  /** The spaces held here, and for each unreadable file why. */
  listSpaces(): readonly Result<SpaceIdentity>[]
  openSpace(identity: SpaceIdentity, create: boolean): Result<SpaceStore>
  close(): void
}

const LOCK_FILE = 'lock.sqlite'
const SEED_BYTES = 32
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
  const author = readKey(join(directory, 'keys', 'author.key'))
  const datastore = openSqliteDatastore(join(directory, 'node.sqlite'))
  for (const part of [peer, author, datastore]) {
    if (part.ok) continue
    lock.value.close()
    return part
  }
  return ok(
    new DataDirectory(
      directory,
      { peer: orThrow(peer), author: orThrow(author) },
      orThrow(datastore),
      lock.value,
    ),
  )
}

class DataDirectory implements NodeStorage {
  readonly seeds: NodeSeeds
  readonly datastore: SqliteDatastore
  readonly #directory: string
  readonly #lock: DatabaseSync

  constructor(directory: string, seeds: NodeSeeds, datastore: SqliteDatastore, lock: DatabaseSync) {
    this.#directory = directory
    this.seeds = seeds
    this.datastore = datastore
    this.#lock = lock
  }

  listSpaces(): readonly Result<SpaceIdentity>[] {
    const files = readdirSync(join(this.#directory, 'spaces')).filter((name) => name.endsWith('.sqlite'))
    return files.toSorted().map((name) => {
      const file = join(this.#directory, 'spaces', name)
      const identity = inspectSpaceFile(file)
      if (!identity.ok || name === nameOf(identity.value)) return identity
      return fail(
        'STORE_FOREIGN',
        `${file} holds another space, ${toHex(identity.value.spaceId)}. It was left as it is; move it away`,
      )
    })
  }

  openSpace(identity: SpaceIdentity, create: boolean): Result<SpaceStore> {
    const file = join(this.#directory, 'spaces', nameOf(identity))
    return openSqliteSpaceStore({ file, ...identity, create })
  }

  close(): void {
    this.datastore.close()
    this.#lock.close()
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

function makeKey(file: string, seed: Uint8Array | undefined): boolean {
  if (existsSync(file)) return false
  writeFileSync(file, `${toHex(seed ?? new Uint8Array(randomBytes(SEED_BYTES)))}\n`, {
    mode: 0o600,
    flag: 'wx',
  })
  chmodSync(file, 0o600)
  return true
}

function readKey(file: string): Result<Uint8Array, Fault<'BAD_KEY'>> {
  const seed = existsSync(file) ? fromHex(readFileSync(file, 'utf8').trim()) : null
  return seed?.length === SEED_BYTES
    ? ok(seed)
    : fail('BAD_KEY', `${file} does not hold a key (64 hexadecimal digits): restore it from a backup`)
}
