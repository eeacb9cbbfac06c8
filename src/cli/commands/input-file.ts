import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Shell } from '../shell.ts'

/**
 * Does something with a file as the node can open it, which may run in another folder: its absolute path; of standard input (`-`) a
 * private copy in the temporary folder, which is gone afterwards. The node reads the file itself: it may be large, and whoever can open the control socket is
 * the same user.
 */
export async function withInputFile<T>(
  shell: Shell,
  given: string,
  work: (file: string) => Promise<T>,
): Promise<T> {
  if (given !== '-') return await work(resolve(given))
  const folder = await mkdtemp(join(tmpdir(), 'hanse-input-'))
  try {
    const file = join(folder, 'input')
    await pipeline(shell.input, createWriteStream(file, { mode: 0o600 }))
    return await work(file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** How long a running node may be silent while it reads or writes files, in ms: the state of a large space is summed up in one go. */
export const FILE_SILENCE_MS = 10 * 60 * 1000
