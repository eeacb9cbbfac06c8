import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as limits from '../../src/core/limits.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/limits.md'), 'utf8')

/** One row of a table: name, value with commas between thousands, unit, why. */
const ROW = /^\| `([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)` \| ([\d,]+) \| ([^|]+) \| ([^|]+) \|$/gm
/** A name that ends as limits do. */
const NAME =
  /`((?:[A-Z][A-Z0-9]*_)+(?:MAX|MS|KIB|MIB|BYTES|WINDOW|TARGET|BURST|ROWS|ITEMS|CHARACTERS|SECOND|CONNECTIONS))`/g

const rows = [...page.matchAll(ROW)].map(([, name, value]) => [
  name as string,
  Number((value as string).replaceAll(',', '')),
])

describe('docs/limits.md', () => {
  it('lists every limit with its present value, in the order of the code', () => {
    const source = readFileSync(join(import.meta.dirname, '../../src/core/limits.ts'), 'utf8')
    const inOrder = [...source.matchAll(/^export const (\w+)/gm)].map(([, name]) => name as string)
    expect(inOrder.toSorted()).toEqual(Object.keys(limits).toSorted())
    expect(rows).toEqual(inOrder.map((name) => [name, (limits as Record<string, unknown>)[name]]))
  })

  it('names no limit that is not there', () => {
    const named = [...page.matchAll(NAME)].map(([, name]) => name as string)
    for (const name of Object.keys(limits)) expect(named).toContain(name)
    expect(named.filter((name) => !Object.hasOwn(limits, name))).toEqual([])
  })
})
