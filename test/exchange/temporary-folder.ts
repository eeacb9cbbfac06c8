import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** A folder that is gone after the tests of a file, and names in it that are given once. */
export function temporaryFolder(): { readonly path: string; readonly file: (name: string) => string } {
  const path = mkdtempSync(join(tmpdir(), 'hanse-exchange-'))
  let count = 0
  afterAll(() => rmSync(path, { recursive: true, force: true }))
  return { path, file: (name) => join(path, `${count++}-${name}`) }
}
