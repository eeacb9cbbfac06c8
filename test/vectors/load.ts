import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the vectors are: another folder of the same shape may take their place. */
export const VECTORS_ROOT = process.env['HANSE_VECTORS'] ?? join(import.meta.dirname, 'data')

/** A file of vectors: its name, and its text read as JSON. */
interface VectorFile {
  readonly name: string
  readonly content: unknown
}

/**
 * The cases in every JSON file of a folder whose name fits, in order of name; `x.json` is left out where `x.fixed.json` repairs it.
 * `read` takes the cases out of a file's content. Throws for a missing folder, when no name fits, and for a file without a
 * case: a test must not pass on nothing.
 */
export function loadCases<T>(
  folder: string,
  names: RegExp,
  read: (content: unknown) => readonly T[],
  root = VECTORS_ROOT,
): readonly T[] {
  return loadVectors(folder, names, root).flatMap(({ name, content }) => {
    const cases = read(content)
    if (cases.length === 0) throw new Error(`no case in ${join(root, folder, name)}`)
    return cases
  })
}

function loadVectors(folder: string, names: RegExp, root: string): readonly VectorFile[] {
  return namesOf(folder, names, root).map((name) => ({
    name,
    content: JSON.parse(readFileSync(join(root, folder, name), 'utf8')) as unknown,
  }))
}

/** Every file of a folder whose name fits, as bytes. Throws when there is none. */
export function loadBytes(folder: string, names: RegExp): readonly Uint8Array[] {
  return namesOf(folder, names, VECTORS_ROOT).map(
    (name) => new Uint8Array(readFileSync(join(VECTORS_ROOT, folder, name))),
  )
}

function namesOf(folder: string, names: RegExp, root: string): readonly string[] {
  if (!existsSync(join(root, folder)))
    throw new Error(`the set ${folder} is missing: there is no ${join(root, folder)}`)
  const all = readdirSync(join(root, folder))
  const isRepaired = (name: string): boolean =>
    all.includes(name.replace(/\.json$/, '.fixed.json')) && name.endsWith('.json')
  const found = all.filter((name) => names.test(name) && !isRepaired(name)).sort()
  if (found.length === 0) throw new Error(`no vectors ${names} in ${join(root, folder)}`)
  return found
}
