import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { decodeCanonical, encodeCanonical } from '../core/canonical-cbor.ts'

/**
 * Where the files of a data directory lie: path within it → inode and time of birth. A copy has others, whatever tool made it; a rename
 * within one file system keeps them. Not the device: its number may change when the machine starts again.
 */
export type Place = Readonly<Record<string, string>>

const AUTHOR_KEY = 'keys/author.key'
const NEXT_KEY = 'keys/author-next.key'
/** In place of what is not known yet: a space's file that is about to be made. */
const ANY = 'any'

/** Where a data directory lies now: the folder, its author keys, the node's file and those of its spaces. */
export function readPlace(directory: string): Place {
  const spaces = readdirSync(join(directory, 'spaces')).filter((name) => name.endsWith('.sqlite'))
  const paths = ['.', AUTHOR_KEY, NEXT_KEY, 'node.sqlite', ...spaces.map((name) => `spaces/${name}`)]
  return Object.fromEntries(
    paths.flatMap((path) => {
      const file = join(directory, path)
      if (!existsSync(file)) return []
      const { ino, birthtimeNs } = statSync(file, { bigint: true })
      return [[path, `${ino} ${birthtimeNs}`]]
    }),
  )
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
