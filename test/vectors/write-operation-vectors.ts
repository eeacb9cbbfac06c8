import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { computeOperationVectors } from './operation-vectors.ts'

// Run by hand, and only to add vectors: the bytes of those that are there never change.
writeFileSync(join(import.meta.dirname, 'operation.json'), `${JSON.stringify(computeOperationVectors(), null, 2)}\n`)
