import { expect, it } from 'vitest'
import type { SpaceWriter } from '../../src/storage/space-store.ts'
import { describeSpaceStore } from './conformance.ts'
import { createSqliteHarness } from './sqlite-harness.ts'

describeSpaceStore('SQLite', () => createSqliteHarness())
describeSpaceStore(
  'SQLite that seals its ids after three operations, and writes the ends of its logs after four',
  () => createSqliteHarness({ idTailMax: 3, endsTailMax: 4 }),
)

it('has no writing that is possible outside a transaction', () => {
  const harness = createSqliteHarness()
  const store = harness.open()
  try {
    const writer: SpaceWriter = store.transaction('process', (open) => open)
    const writes = Object.entries(writer as unknown as Readonly<Record<string, () => void>>)
    expect(writes.length).toBeGreaterThan(10)
    for (const [, call] of writes) expect(call).toThrow(/outside/)
  } finally {
    store.close()
    harness.dispose()
  }
})
