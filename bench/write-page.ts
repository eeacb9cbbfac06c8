import { readFileSync, writeFileSync } from 'node:fs'
import { makePage, makeReadmeTable, replaceMarked } from './page.ts'
import { readNotes, readResults } from './results.ts'
import { WORKLOADS } from './workloads/index.ts'

const PAGE = new URL('../docs/benchmarks.md', import.meta.url)
const README = new URL('../README.md', import.meta.url)

/** Both documents as they should be now. */
export function makeDocuments(): { readonly page: string; readonly readme: string } {
  const results = readResults()
  const order = WORKLOADS.map(({ name }) => name)
  return {
    page: makePage(results, readNotes(), order),
    readme: replaceMarked(readFileSync(README, 'utf8'), makeReadmeTable(results, WORKLOADS)),
  }
}

export function writePage(): void {
  const { page, readme } = makeDocuments()
  writeFileSync(PAGE, page)
  writeFileSync(README, readme)
}
