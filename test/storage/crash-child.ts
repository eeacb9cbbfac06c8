import { writeSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { alice, append, cellOf, register, setRegister } from './fixtures.ts'
import { openStore, optionsFor } from './sqlite-harness.ts'

// Run by crash.test.ts: commits for ever, and says the last ordinal of each transaction once it has returned.
const { positionals } = parseArgs({ allowPositionals: true })
const [file = '', durability = 'process'] = positionals
writeSync(1, 'opening\n')
const store = openStore({ ...optionsFor(file), create: true, idTailMax: 50 })
for (;;) {
  const last = store.transaction(durability === 'power' ? 'power' : 'process', (writer) => {
    let ordinal = 0
    for (let i = 0; i < 7; i++) {
      const path = `docs/${store.count() % 20}`
      const entry = append(store, writer, { author: alice, path, body: [setRegister(path, store.count())] })
      writer.putCell(register(path), cellOf(entry.id, entry.ordinal))
      writer.putHistory(register(path), { ordinal: entry.ordinal, index: 0, kind: 'set' })
      ordinal = entry.ordinal
    }
    return ordinal
  })
  writeSync(1, `${last}\n`)
}
