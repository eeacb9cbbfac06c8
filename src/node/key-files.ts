import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { equalBytes, fromHex, toHex } from '../core/bytes.ts'
import { fail, ok, type Fault, type Result } from '../core/result.ts'
import { orThrow } from './fault-error.ts'

const SEED_BYTES = 32
const AUTHOR = 'author.key'
const NEXT = 'author-next.key'
const FORMER = /^author-(\d+)\.key$/
const UNUSED = /^author-unused-(\d+)\.key$/

/** The author keys of one node: the one in use, the next one while a rotation is under way, and the former ones. */
export interface KeyRing {
  /** Seed of the next key; null where no rotation is under way. */
  next(): Uint8Array | null
  /** Makes a next key, on disk before this returns; that of a rotation under way is kept. */
  prepareNext(): Uint8Array
  /** The next key becomes the one in use; the one in use is kept among the former ones. Again after a crash at any point is no harm. */
  promoteNext(): void
  /** Sets the next key aside: it will never be used. */
  discardNext(): void
  /** Seeds of the former keys, oldest first. */
  former(): readonly Uint8Array[]
}

/**
 * Keys as files that their owner alone can read, 64 hexadecimal digits each. Every change is one file that is made whole and synced, or
 * one rename: whatever is interrupted is there to be finished.
 */
export class KeyFiles implements KeyRing {
  readonly #folder: string

  /** `folder`: the `keys` of a data directory. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Seed of the key that is in use. */
  author(): Result<Uint8Array, Fault<'BAD_KEY'>> {
    return readKey(join(this.#folder, AUTHOR))
  }

  next(): Uint8Array | null {
    const file = join(this.#folder, NEXT)
    return existsSync(file) ? orThrow(readKey(file)) : null
  }

  prepareNext(): Uint8Array {
    const known = this.next()
    if (known !== null) return known
    const seed = new Uint8Array(randomBytes(SEED_BYTES))
    this.#write(NEXT, seed)
    return seed
  }

  promoteNext(): void {
    const author = orThrow(this.author())
    if (this.next() === null) throw new Error('bug: there is no next key')
    if (!this.former().some((seed) => equalBytes(seed, author)))
      this.#write(`author-${this.#numberAfter(FORMER)}.key`, author)
    renameSync(join(this.#folder, NEXT), join(this.#folder, AUTHOR))
    syncFolder(this.#folder)
  }

  discardNext(): void {
    if (this.next() === null) return
    renameSync(join(this.#folder, NEXT), join(this.#folder, `author-unused-${this.#numberAfter(UNUSED)}.key`))
    syncFolder(this.#folder)
  }

  former(): readonly Uint8Array[] {
    const numbers = this.#numbersOf(FORMER).toSorted((a, b) => a - b)
    return numbers.flatMap((number) => {
      const key = readKey(join(this.#folder, `author-${number}.key`))
      return key.ok ? [key.value] : []
    })
  }

  #numbersOf(name: RegExp): readonly number[] {
    return readdirSync(this.#folder).flatMap((file) => {
      const found = name.exec(file)
      return found === null ? [] : [Number(found[1])]
    })
  }

  #numberAfter(name: RegExp): number {
    return 1 + Math.max(0, ...this.#numbersOf(name))
  }

  /** Under another name first, so that a file with a key's name is never half a key. */
  #write(name: string, seed: Uint8Array): void {
    const file = join(this.#folder, name)
    rmSync(`${file}.new`, { force: true })
    writeKey(`${file}.new`, seed)
    renameSync(`${file}.new`, file)
    syncFolder(this.#folder)
  }
}

/** Makes a key where there is none; `true` when one was made. */
export function makeKey(file: string, seed: Uint8Array | undefined): boolean {
  if (existsSync(file)) return false
  writeKey(file, seed ?? new Uint8Array(randomBytes(SEED_BYTES)))
  return true
}

export function readKey(file: string): Result<Uint8Array, Fault<'BAD_KEY'>> {
  const seed = existsSync(file) ? fromHex(readFileSync(file, 'utf8').trim()) : null
  return seed?.length === SEED_BYTES
    ? ok(seed)
    : fail('BAD_KEY', `${file} does not hold a key (64 hexadecimal digits): restore it from a backup`)
}

function writeKey(file: string, seed: Uint8Array): void {
  writeFileSync(file, `${toHex(seed)}\n`, { mode: 0o600, flag: 'wx', flush: true })
  chmodSync(file, 0o600)
}

/** Makes a rename last. Some systems cannot open a folder, and need nothing of the kind. */
function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, 'r')
    fsyncSync(descriptor)
    closeSync(descriptor)
  } catch (error) {
    if (process.platform !== 'win32') throw error
  }
}
