import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeCanonical, encodeCanonical } from '../core/canonical-cbor.ts'

/**
 * Where the files of a data directory lie: path within it → inode and time of birth. A copy elsewhere has others, whatever tool made it; a
 * rename within one file system keeps them. Not the device: its number may change when the machine starts again.
 */
export type Place = Readonly<Record<string, string>>

const AUTHOR_KEY = 'keys/author.key'
const NEXT_KEY = 'keys/author-next.key'
/** In place of what is not known yet: a space's file that is about to be made. */
const ANY = 'any'
/** An empty file that says when the directory was last opened or closed: by a name that it never had before. */
const MARK = /^place-[0-9a-f]{16}$/
const UNFINISHED_MARK = 'place.new'

/** Where a data directory lies now: the folder, its author keys, its marks, the node's file and those of its spaces. */
export function readPlace(directory: string): Place {
  const spaces = readdirSync(join(directory, 'spaces')).filter((name) => name.endsWith('.sqlite'))
  const files = spaces.map((name) => `spaces/${name}`)
  const paths = ['.', AUTHOR_KEY, NEXT_KEY, 'node.sqlite', ...marksIn(directory), ...files]
  return Object.fromEntries(
    paths.flatMap((path) => {
      const file = join(directory, path)
      return existsSync(file) ? [[path, whereIs(file)]] : []
    }),
  )
}

/**
 * Leaves a new mark in the directory in place of the old one. A backup that is copied over the files that are there leaves them their
 * inodes, and so passes for the place it was; but the marks made since stay beside it, or its own come back with another inode. `note`
 * keeps the place with both marks on disk: whatever is interrupted after it, or undone by a power cut, is known.
 */
export function leaveMark(directory: string, place: Place, note: (place: Place) => void): void {
  const mark = `place-${randomBytes(8).toString('hex')}`
  const unfinished = join(directory, UNFINISHED_MARK)
  rmSync(unfinished, { force: true })
  writeFileSync(unfinished, '', { mode: 0o600, flag: 'wx' })
  const marks = marksIn(directory)
  const kept = Object.entries(place).filter(([path]) => !MARK.test(path) || marks.includes(path))
  note({ ...Object.fromEntries(kept), [mark]: whereIs(unfinished) })
  renameSync(unfinished, join(directory, mark))
  for (const old of marks) rmSync(join(directory, old), { force: true })
}

const marksIn = (directory: string): readonly string[] =>
  readdirSync(directory).filter((name) => MARK.test(name))

function whereIs(file: string): string {
  const { ino, birthtimeNs } = statSync(file, { bigint: true })
  return `${ino} ${birthtimeNs}`
}

/** A place in which a file with any inode may lie: noted before the file is made. */
export function expecting(place: Place, path: string): Place {
  return { ...place, [path]: ANY }
}

/**
 * True where everything lies where it was noted, but for what is gone. The key in use may lie where the next one lay: a rotation was
 * interrupted between its rename and its note.
 */
export function isSamePlace(noted: Place, found: Place): boolean {
  return Object.entries(found).every(
    ([path, at]) =>
      path === NEXT_KEY ||
      noted[path] === at ||
      noted[path] === ANY ||
      (path === AUTHOR_KEY && noted[NEXT_KEY] === at),
  )
}

export function encodePlace(place: Place): Uint8Array {
  return encodeCanonical(place)
}

/** The place of a note; nothing noted where it is damaged. */
export function decodePlace(bytes: Uint8Array): Place {
  const decoded = decodeCanonical(bytes)
  const entries =
    decoded.ok && typeof decoded.value === 'object' && decoded.value !== null
      ? Object.entries(decoded.value)
      : []
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
