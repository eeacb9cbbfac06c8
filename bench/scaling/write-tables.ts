/** Writes the tables of docs/scaling.md anew from bench/scaling/results: `node bench/scaling/write-tables.ts`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { readResults, withTables } from './tables.ts'

const page = new URL('../../docs/scaling.md', import.meta.url)
writeFileSync(page, withTables(readFileSync(page, 'utf8'), readResults()))
