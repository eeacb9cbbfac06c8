import { describeSpaceStore } from './conformance.ts'
import { createSqliteHarness } from './sqlite-harness.ts'

describeSpaceStore('SQLite', () => createSqliteHarness())
describeSpaceStore('SQLite that seals its ids after every third operation', () =>
  createSqliteHarness({ idTailMax: 3 }),
)
