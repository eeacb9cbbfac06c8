import { CID } from 'multiformats/cid'
import { describe, expect, it } from 'vitest'
import { formatBytes, formatCodes, formatDuration, formatTime } from '../../src/cli/output/human.ts'
import { formatJson, parseJson } from '../../src/core/json.ts'
import { printable, printableLines } from '../../src/cli/output/printable.ts'
import { createStyle } from '../../src/cli/output/style.ts'
import { formatTable, shorten, widthOf } from '../../src/cli/output/table.ts'
import { formatValue, parseValue } from '../../src/core/value-json.ts'
import { parseDuration } from '../../src/cli/duration.ts'

describe('printable', () => {
  it('leaves nothing that moves a terminal or deceives the eye', () => {
    expect(printable('a\u001b[2Jb')).toBe('a\\u{1b}[2Jb')
    expect(printable('one\ntwo\rthree\tfour')).toBe('one\\u{a}two\\u{d}three\\u{9}four')
    for (let code = 0; code < 0x20; code++) expect(printable(String.fromCodePoint(code))).toMatch(/^\\u\{/)
    for (let code = 0x7f; code < 0xa0; code++) expect(printable(String.fromCodePoint(code))).toMatch(/^\\u\{/)
    for (const code of [0x200b, 0x200e, 0x2028, 0x202e, 0x2066, 0xfeff, 0xe0041]) {
      expect(printable(String.fromCodePoint(code))).toBe(`\\u{${code.toString(16)}}`)
    }
  })

  it('leaves people their languages', () => {
    for (const text of ['Grüße, 世界', 'שלום', 'café 🚢', 'notes/today']) expect(printable(text)).toBe(text)
  })

  it('makes a lone surrogate visible instead of passing it on', () => {
    expect(printable('a\ud800b')).toBe('a\ufffdb')
  })

  it('keeps the lines of a text of several lines', () => {
    expect(printableLines('a\n\tb\u001b\r\nc')).toBe('a\n\tb\\u{1b}\nc')
  })
})

describe('values as JSON', () => {
  it.each([
    ['a text that is not JSON', 'buy milk', 'buy milk'],
    ['a number', '42', 42],
    ['an integer beyond 2^53', '9007199254740993', 9007199254740993n],
    ['an object', '{"a":[1,null,true]}', { a: [1, null, true] }],
    ['bytes', '{"/":{"bytes":"AAEC"}}', new Uint8Array([0, 1, 2])],
    ['a text in quotes', '"42"', '42'],
  ])('reads %s', (_what, text, value) => {
    expect(parseValue(text)).toEqual({ ok: true, value })
  })

  it.each([
    'buy milk',
    42,
    -1.5,
    9007199254740993n,
    -(2n ** 63n),
    null,
    { a: { b: [new Uint8Array([255]), 'x'] } },
    '{"a":1}',
    '',
  ])('reads back what it writes: %s', (value) => {
    expect(parseValue(formatValue(value))).toEqual({ ok: true, value })
  })

  it('reads back a link', () => {
    const link = CID.parse('bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')
    const parsed = parseValue(formatValue({ to: link }))
    expect(parsed.ok && String((parsed.value as { to: unknown }).to)).toBe(String(link))
  })

  it('refuses bytes and links that do not hold together', () => {
    for (const text of ['{"/":3}', '{"/":"nonsense"}', '{"/":{"bytes":"!"}}', '{"/":{"bytes":"AA"},"b":1}']) {
      expect(parseValue(text)).toMatchObject({ ok: false, fault: { code: 'BAD_VALUE' } })
    }
  })

  it('keeps the digits of integers through JSON', () => {
    const text = '{"a":18446744073709551615,"b":-9223372036854775808,"c":1.5,"d":1e21}'
    expect(formatJson(parseJson(text))).toBe(text.replace('1e21', '1e+21'))
  })
})

describe('text for people', () => {
  it('aligns columns by what they take in a terminal', () => {
    expect(
      formatTable(
        [{ title: 'A' }, { title: 'N', align: 'right' }, { title: 'Z' }],
        [
          ['世界', '7', 'x'],
          ['ab', '1,024', ''],
        ],
      ),
    ).toEqual(['A         N  Z', '世界      7  x', 'ab    1,024'])
    expect(formatTable([{ title: 'A' }], [])).toEqual([])
    expect(widthOf('e\u0301🚢')).toBe(3)
    expect(shorten('世界世界', 5)).toBe('世界…')
    expect(shorten('abc', 3)).toBe('abc')
    expect(shorten('abc\u0301', 3)).toBe('abc\u0301')
  })

  it('shows a bounded part of a text whose characters take no width', () => {
    const marks = `a${'\u0301'.repeat(400_000)}`
    const shown = shorten(`${marks}${'b'.repeat(100)}`, 20)
    expect(shown.length).toBeLessThan(400)
    expect(shorten(marks, 20)).toBe(shown)
  })

  it('writes sizes, durations and counts', () => {
    expect([0, 1023, 1024, 1536, 10_240, 5 * 1024 ** 3].map(formatBytes)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '1.5 KiB',
      '10 KiB',
      '5.0 GiB',
    ])
    expect([12, 1_449, 59_000, 125_000, 12_000_000].map(formatDuration)).toEqual([
      '12 ms',
      '1.4 s',
      '59 s',
      '2 min 5 s',
      '3 h 20 min',
    ])
    expect(formatCodes({})).toBe('none')
    expect(formatCodes({ LAMPORT: 4, BAD_SIGNATURE: 1000 })).toBe('1,004 (BAD_SIGNATURE 1,000, LAMPORT 4)')
  })

  it('writes a time of today without its date, and a time that is none as such', () => {
    const at = new Date(2026, 10, 20, 14, 2, 11).getTime()
    expect(formatTime(at, at + 60_000)).toBe('14:02:11')
    expect(formatTime(at, at + 86_400_000)).toBe('2026-11-20 14:02:11')
    expect(formatTime(Number.MAX_SAFE_INTEGER, at)).toBe('no date')
  })

  it('reads durations, and nothing else', () => {
    expect(['1s', '30m', '12h', '7d', '2w'].map((text) => parseDuration(text, '--x'))).toMatchObject(
      [1_000, 1_800_000, 43_200_000, 604_800_000, 1_209_600_000].map((value) => ({ ok: true, value })),
    )
    for (const text of ['', '0s', '7', '1y', '-1d', '1.5h', '7 d', '36526d', '9999999999s']) {
      expect(parseDuration(text, '--x')).toMatchObject({ ok: false, fault: { code: 'BAD_DURATION' } })
    }
  })

  it('colours a terminal only, and not under NO_COLOR', () => {
    expect(createStyle({ isTTY: true }, {}).good('x')).toBe('\u001b[32mx\u001b[39m')
    expect(createStyle({ isTTY: true }, { NO_COLOR: '1' }).good('x')).toBe('x')
    expect(createStyle({ isTTY: true }, { NO_COLOR: '' }).good('x')).not.toBe('x')
    expect(createStyle({ isTTY: true }, { TERM: 'dumb' }).good('x')).toBe('x')
    expect(createStyle({}, {}).good('x')).toBe('x')
  })
})
