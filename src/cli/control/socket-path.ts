import { lstatSync, mkdtempSync, readFileSync, rmSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { SOCKET_PATH_BYTES_MAX } from '../../core/limits.ts'
import { FaultError } from '../../node/fault-error.ts'

const SOCKET_FILE = 'hanse.sock'
/** Names the socket of a data directory whose own path is too long for one. */
const RECORD_FILE = 'hanse.sock.path'

/** The control socket of a data directory, as far as one can be told; nothing needs to listen there. */
export function socketPathOf(dataDirectory: string): string {
  const own = join(resolve(dataDirectory), SOCKET_FILE)
  if (fits(own)) return own
  try {
    return readFileSync(join(dataDirectory, RECORD_FILE), 'utf8').trim()
  } catch {
    return own
  }
}

/**
 * Makes room for the control socket, and says where it goes. The caller holds the lock of the data directory, so whatever socket
 * is there was left by a process that was killed. A path too long for a socket is replaced by one in a new folder that only this user
 * can enter, below the system's folder for temporary files; the data directory records it. The name of that folder is random:
 * one that others can foretell, they can take first.
 */
export function prepareSocketPath(dataDirectory: string): string {
  removeSocket(dataDirectory)
  const own = join(resolve(dataDirectory), SOCKET_FILE)
  if (fits(own)) return own
  const path = join(mkdtempSync(join(tmpdir(), 'hanse-')), SOCKET_FILE)
  if (!fits(path)) {
    rmdirSync(dirname(path))
    throw new FaultError({
      code: 'BAD_DATA',
      detail: `the path ${dataDirectory} is too long for a socket, and ${tmpdir()} as well: choose a shorter one`,
    })
  }
  writeFileSync(join(dataDirectory, RECORD_FILE), `${path}\n`, { mode: 0o600 })
  return path
}

/** Removes the socket, and what was made for it. The caller holds the lock of the data directory. */
export function removeSocket(dataDirectory: string): void {
  const path = socketPathOf(dataDirectory)
  try {
    if (lstatSync(path).isSocket()) unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  if (dirname(path) === resolve(dataDirectory)) return
  try {
    rmdirSync(dirname(path))
  } catch {
    // Not there any more, or not empty: then it is not only ours.
  }
  rmSync(join(dataDirectory, RECORD_FILE), { force: true })
}

const fits = (path: string): boolean => Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX
