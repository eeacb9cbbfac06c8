import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the vectors are: another folder of the same shape may take their place. */
const ROOT = process.env['HANSE_VECTORS'] ?? join(import.meta.dirname, 'data')

/** A file of vectors: its name, and its text read as JSON. */
export interface VectorFile {
  readonly name: string
  readonly content: unknown
}

/**
 * Every JSON file of a folder whose name fits, in order of name; `x.json` is left out where `x.fixed.json` repairs it.
 * Throws when there is none: a test must not pass on nothing.
 */
export function loadVectors(folder: string, names: RegExp): readonly VectorFile[] {
  return namesOf(folder, names).map((name) => ({
    name,
    content: JSON.parse(readFileSync(join(ROOT, folder, name), 'utf8')) as unknown,
  }))
}

/** Every file of a folder whose name fits, as bytes. Throws when there is none. */
export function loadBytes(folder: string, names: RegExp): readonly Uint8Array[] {
  return namesOf(folder, names).map((name) => new Uint8Array(readFileSync(join(ROOT, folder, name))))
}

function namesOf(folder: string, names: RegExp): readonly string[] {
  const all = readdirSync(join(ROOT, folder))
  const isRepaired = (name: string): boolean =>
    all.includes(name.replace(/\.json$/, '.fixed.json')) && name.endsWith('.json')
  const found = all.filter((name) => names.test(name) && !isRepaired(name)).sort()
  if (found.length === 0) throw new Error(`no vectors ${names} in ${join(ROOT, folder)}`)
  return found
}
