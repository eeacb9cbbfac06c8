import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { fromHex, toHex } from '../src/core/bytes.ts'
import { type Fault, fail, ok, type Result } from '../src/core/result.ts'

const SEED_BYTES = 32

/**
 * The bootstrap node's Ed25519 key from `key` in its data directory: a seed of 32 bytes in hexadecimal, readable by its
 * owner only. Makes directory and key where there are none.
 *
 * Refuses, and leaves untouched: a directory or file that cannot be made or read, a file others may read, and one that
 * holds anything else. Of two processes that make the key at the same time, both end with the same one.
 */
export async function loadOrCreateKey(
  dataDirectory: string,
): Promise<Result<PrivateKey, Fault<'BAD_KEY_FILE' | 'NO_DATA_DIRECTORY'>>> {
  const path = join(dataDirectory, 'key')
  try {
    await makeDirectory(resolve(dataDirectory))
    let text = await readIfThere(path)
    if (text === undefined) text = await create(path)
    if (text === null) return fail('BAD_KEY_FILE', `${path} may be read by others; run: chmod 600 ${path}`)
    const seed = fromHex(text.trim())
    if (seed === null || seed.length !== SEED_BYTES) {
      const what = `${path} does not hold a key (64 hexadecimal digits)`
      return fail('BAD_KEY_FILE', `${what}; restore it from a copy, or move it away to get a new peer id`)
    }
    return ok(await generateKeyPairFromSeed('Ed25519', seed))
  } catch (error) {
    if (!isSystemError(error)) throw error
    return fail(
      'NO_DATA_DIRECTORY',
      `cannot use data directory ${dataDirectory}: ${error.code}; choose one with --data`,
    )
  }
}

/** Makes a directory and those above it. (Node's own `recursive` never returns where the parent takes none, as in /proc.) */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (!isSystemError(error)) throw error
    if (error.code === 'EEXIST') return
    if (error.code !== 'ENOENT' || dirname(path) === path) throw error
    await makeDirectory(dirname(path))
    await mkdir(path, { mode: 0o700 })
  }
}

/** The text of the file; undefined where there is none, null where others than the owner may read it. */
async function readIfThere(path: string): Promise<string | null | undefined> {
  try {
    const { mode } = await stat(path)
    return (mode & 0o077) === 0 ? await readFile(path, 'utf8') : null
  } catch (error) {
    if (isSystemError(error) && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Writes a new key beside the path and links it there, so that nobody ever reads half of one. */
async function create(path: string): Promise<string | null> {
  const temporary = `${path}.${toHex(randomBytes(8))}`
  await writeFile(temporary, `${toHex(randomBytes(SEED_BYTES))}\n`, { mode: 0o600, flag: 'wx', flush: true })
  try {
    await link(temporary, path)
  } catch (error) {
    if (!isSystemError(error) || error.code !== 'EEXIST') throw error
  } finally {
    await unlink(temporary)
  }
  return (await readIfThere(path)) ?? null
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { readonly code: string } {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string'
}
