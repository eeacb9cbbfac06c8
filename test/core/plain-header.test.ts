import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeCanonical, encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { decodeHeader } from '../../src/core/operation/header.ts'
import { readPlainHeader } from '../../src/core/operation/plain-header.ts'

const digest = fc.uint8Array({ minLength: 32, maxLength: 32 })
const count = fc.oneof(
  fc.constantFrom(0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
  fc.maxSafeNat(),
)
const text = fc.oneof(
  fc.constantFrom(
    '/op/write',
    '/op/writ',
    '/op/write/',
    'a'.repeat(23),
    'a'.repeat(24),
    'a'.repeat(255),
    'a'.repeat(256),
  ),
  fc.string({ unit: 'binary' }).filter((one) => one.isWellFormed()),
)
const header = fc
  .tuple(
    fc.constant(1),
    fc.option(digest),
    digest,
    count,
    fc.option(digest),
    fc.array(digest, { maxLength: 26 }),
    count,
    count,
    count,
    fc.array(digest, { maxLength: 3 }),
    text,
    text,
    digest,
    count,
  )
  .map((fields) => encodeCanonical(fields))

const NAMES = [
  'space',
  'author',
  'seq',
  'prev',
  'deps',
  'lamport',
  'time',
  'epoch',
  'caps',
  'command',
  'path',
  'bodyHash',
  'bodySize',
]

/** What the decoder makes of the same bytes. */
function decoded(bytes: Uint8Array): Readonly<Record<string, unknown>> | null {
  const whole = decodeCanonical(bytes)
  if (!whole.ok || !Array.isArray(whole.value) || whole.value.length !== 14 || whole.value[0] !== 1)
    return null
  return Object.fromEntries(NAMES.map((name, i) => [name, (whole.value as unknown[])[i + 1]]))
}

test('what is taken from its bytes is what the decoder gives', () => {
  fc.assert(
    fc.property(header, (bytes) => {
      const plain = readPlainHeader(bytes)
      if (plain !== null) expect(plain).toEqual(decoded(bytes))
    }),
    { numRuns: 1_000 },
  )
})

test('what is no canonical header is not taken, whatever byte of one is changed, left out or added', () => {
  fc.assert(
    fc.property(
      header,
      fc.nat(),
      fc.nat(255),
      fc.constantFrom('change', 'cut', 'add', 'end'),
      (whole, at, byte, how) => {
        const place = at % whole.length
        const bytes = {
          change: () => whole.with(place, byte),
          cut: () => whole.filter((_, i) => i !== place),
          add: () => Uint8Array.of(...whole.subarray(0, place), byte, ...whole.subarray(place)),
          end: () => whole.slice(0, place),
        }[how]()
        const plain = readPlainHeader(bytes)
        if (plain !== null) expect(plain).toEqual(decoded(bytes))
      },
    ),
    { numRuns: 5_000 },
  )
})

test('headers as they mostly are, are taken', () => {
  const id = new Uint8Array(32).fill(1)
  const other = new Uint8Array(32).fill(2)
  const fields = [
    1,
    id,
    id,
    7,
    id,
    [other],
    1_000,
    1_700_000_000_000,
    0,
    [id, other],
    '/op/write',
    'entries/1',
    id,
    300,
  ]
  const bytes = encodeCanonical(fields)
  // In the middle of something, as what comes from a file is.
  const within = Uint8Array.of(9, ...bytes, 9).subarray(1, -1)
  expect(readPlainHeader(within)).toEqual(decoded(bytes))
  expect(decodeHeader(within)).toMatchObject({ ok: true, value: { seq: 7, path: 'entries/1' } })
})

test.each([
  ['seq', 3, 0x18],
  ['lamport', 6, 0x19],
  ['time', 7, 0x1a],
  ['body size', 13, 0x1b],
])('a %s not in its shortest form is not taken', (_, place, head) => {
  const id = new Uint8Array(32).fill(1)
  const fields = [1, id, id, 0, null, [], 0, 0, 0, [], '/op/write', '', id, 0]
  const items = fields.map((field) => encodeCanonical(field))
  const length = 1 << (head - 0x18)
  for (const last of [0, 1, 23]) {
    items[place] = Uint8Array.of(head, ...new Uint8Array(length - 1), last)
    const bytes = Uint8Array.of(0x8e, ...items.flatMap((item) => [...item]))
    expect(readPlainHeader(bytes)).toBeNull()
    expect(decodeHeader(bytes)).toMatchObject({ ok: false, fault: { code: 'NON_CANONICAL' } })
  }
})
