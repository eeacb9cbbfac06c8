import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toHex } from '../src/core/bytes.ts'
import { sha256 } from '../src/core/hash.ts'

/** Inputs that once went wrong, a folder for each target; test/fuzz runs them always. */
const CASES_FOLDER = join(import.meta.dirname, 'corpus')

/** The kept inputs of a target, in order of name. */
export function casesOf(target: string): readonly { readonly name: string; readonly input: Uint8Array }[] {
  const folder = join(CASES_FOLDER, target)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, input: new Uint8Array(readFileSync(join(folder, name))) }))
}

/** Keeps an input; gives the path of its file. */
export function keepCase(target: string, input: Uint8Array): string {
  const folder = join(CASES_FOLDER, target)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${toHex(sha256(input)).slice(0, 16)}.bin`)
  writeFileSync(file, input)
  return file
}
