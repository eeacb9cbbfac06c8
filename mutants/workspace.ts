import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { mutate, type Mutant } from './mutant.ts'

/** What of the project is not copied. */
const LEFT_OUT = new Set(['node_modules', '.git', 'dist', 'coverage'])

/** A copy of the project in which code may be broken. */
export interface Workspace {
  readonly folder: string
  /** Runs `work` with the mutant applied, and takes it back. A text says why it could not be applied. */
  readonly withMutant: <T>(mutant: Mutant, work: () => Promise<T>) => Promise<T | { readonly stale: string }>
  readonly remove: () => void
}

/** Copies the project to a temporary folder; its packages are linked. */
export function createWorkspace(root: string): Workspace {
  const folder = mkdtempSync(join(tmpdir(), 'hanse-mutants-'))
  cpSync(root, folder, {
    recursive: true,
    filter: (source) => !LEFT_OUT.has(relative(root, source)),
  })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return {
    folder,
    async withMutant(mutant, work) {
      const file = join(folder, mutant.file)
      const source = readFileSync(file, 'utf8')
      const mutated = mutate(source, mutant)
      if ('stale' in mutated) return mutated
      writeFileSync(file, mutated.text)
      try {
        return await work()
      } finally {
        writeFileSync(file, source)
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
