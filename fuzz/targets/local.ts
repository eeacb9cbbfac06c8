import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { resolveConfig as resolveBootstrapConfig } from '../../bootstrap/config.ts'
import { readArguments } from '../../src/cli/control/action.ts'
import {
  formatAnswer,
  formatRequest,
  parseAnswer,
  parseRequest,
} from '../../src/cli/control/control-codec.ts'
import { LineError, readLines } from '../../src/cli/control/line-reader.ts'
import { formatValue, parseValue } from '../../src/core/value-json.ts'
import { concatBytes, equalBytes, toHex } from '../../src/core/bytes.ts'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { formatConfigFile } from '../../src/node/config/config-file.ts'
import { CONFIG_KEYS } from '../../src/node/config/config-keys.ts'
import { resolveConfig } from '../../src/node/config/resolve-config.ts'
import { decodeIdentityRecord, encodeIdentityRecord } from '../../src/node/identity-record.ts'
import { PeerBook } from '../../src/node/peer-book.ts'
import { readOutdated } from '../../src/node/replica/outdated.ts'
import { decodePlace, encodePlace } from '../../src/node/place.ts'
import { readMeetingPoints, readRememberedPeers } from '../../src/node/space/kept-notes.ts'
import { formatInvite, parseInvite } from '../../src/node/space/invite.ts'
import {
  packAscending,
  packBody,
  packParents,
  unpackAscending,
  unpackBody,
  unpackParents,
} from '../../src/storage/sqlite/packing.ts'
import { bytesOf, digest, token, value } from '../grammar.ts'
import { holds, type Target } from '../target.ts'

const addresses = fc.array(
  fc.constantFrom(
    '/ip4/192.0.2.1/tcp/4001',
    '/dns4/example.org/tcp/443/p2p/12D3KooWSTBXjD1yHZVZ2mM7sVxE8Pj8',
  ),
  { maxLength: 2 },
)
const INVITE_PREFIX = 'hanse://join/'

/** A link, or the bytes in one: what begins with a letter is taken as it is. */
const invite: Target = {
  name: 'invite',
  form: 'cbor',
  inputBytesMax: 24 * 1024,
  words: [INVITE_PREFIX, 'hanse://', '=', '-', '_', '+', ' '],
  valid: fc
    .record({
      spaceId: digest,
      tokens: fc.array(token, { minLength: 1, maxLength: 2 }),
      secret: bytesOf(32),
      bootstrap: addresses,
      peers: addresses,
    })
    .chain((fields) => {
      const link = formatInvite(fields)
      const bytes = Buffer.from(link.slice(INVITE_PREFIX.length), 'base64url')
      return fc.constantFrom(Buffer.from(link), bytes)
    }),
  run(input) {
    const text = Buffer.from(input).toString('latin1')
    const link = text.startsWith('h') ? text : INVITE_PREFIX + Buffer.from(input).toString('base64url')
    const parsed = parseInvite(link)
    if (!parsed.ok) return false
    holds(formatInvite(parsed.value) === link.trim(), 'an invite has one link')
    return true
  },
}

const json = fc.jsonValue({ maxDepth: 4 })
const SHAPE = { space: 'text', paths: 'texts', limit: 'integer?', deep: 'boolean?' } as const
const JSON_WORDS = [
  '"__proto__":',
  '"constructor":',
  '{"__proto__":{"polluted":true}}',
  '"id":',
  '"fault":',
  '"event":',
  '"result":',
  '"hanse":1',
  '9007199254740993',
  '1e999',
  '-0',
  '[[[[',
  '\\u0000',
  '\\ud800',
  'null',
  '{',
  '}',
  '[',
  ']',
  ',',
]

const control: Target = {
  name: 'control',
  form: 'text',
  inputBytesMax: 64 * 1024,
  words: JSON_WORDS,
  valid: fc.oneof(
    fc
      .record({ id: fc.maxSafeNat(), action: fc.string(), args: json })
      .map((request) => Buffer.from(formatRequest(request))),
    fc
      .record({
        id: fc.maxSafeNat(),
        action: fc.constant('list'),
        args: fc.record({ space: fc.string(), paths: fc.array(fc.string()) }),
      })
      .map((request) => Buffer.from(formatRequest(request))),
    fc.record({ id: fc.maxSafeNat(), event: json }).map((answer) => Buffer.from(formatAnswer(answer))),
    fc.record({ id: fc.maxSafeNat(), result: json }).map((answer) => Buffer.from(formatAnswer(answer))),
    fc
      .record({ id: fc.maxSafeNat(), fault: fc.record({ code: fc.string(), detail: fc.string() }) })
      .map((answer) => Buffer.from(formatAnswer(answer))),
  ),
  async run(input) {
    let accepted = false
    for (const line of await linesOf(input)) {
      const request = parseRequest(line)
      if (request.ok) {
        // Texts are compared, because a number beyond all bounds is written as null.
        const written = formatRequest(request.value)
        const again = parseRequest(written.trimEnd())
        holds(again.ok && formatRequest(again.value) === written, 'a request is read as it was written')
        const given = readArguments(SHAPE, request.value.args)
        if (given.ok)
          holds(Object.getPrototypeOf(given.value) === Object.prototype, 'arguments are a plain object')
      }
      const answer = parseAnswer(line)
      if (answer !== null) {
        const written = formatAnswer(answer)
        const again = parseAnswer(written.trimEnd())
        holds(again !== null && formatAnswer(again) === written, 'an answer is read as it was written')
      }
      accepted ||= request.ok || answer !== null
    }
    return accepted
  },
}

/** Lines as the socket gives them, in pieces; by contract it throws a LineError, and nothing else. */
async function linesOf(input: Uint8Array): Promise<readonly string[]> {
  const lines: string[] = []
  try {
    for await (const line of readLines(piecesOf(input), 16 * 1024)) {
      holds(Buffer.byteLength(line) <= 16 * 1024, 'a line is bounded')
      lines.push(line)
    }
  } catch (error) {
    if (!(error instanceof LineError)) throw error
  }
  return lines
}

async function* piecesOf(input: Uint8Array): AsyncGenerator<Uint8Array> {
  const middle = input.length >> 1
  yield input.subarray(0, middle)
  yield input.subarray(middle)
}

const valueText: Target = {
  name: 'value',
  form: 'text',
  inputBytesMax: 64 * 1024,
  words: [...JSON_WORDS, '{"/":{"bytes":"AA"}}', '{"/":"bafy', '"/":'],
  valid: value.map((value) => Buffer.from(formatValue(value))),
  run(input) {
    const parsed = parseValue(Buffer.from(input).toString())
    if (!parsed.ok) return false
    const again = parseValue(formatValue(parsed.value))
    holds(
      again.ok && formatValue(again.value) === formatValue(parsed.value),
      'a value is read as it was written',
    )
    return true
  },
}

const CONFIG_WORDS = [
  ...CONFIG_KEYS.map(({ name }) => `\n${name} = `),
  '__proto__',
  'constructor',
  '[__proto__]\n',
  'a.b.c = 1\n',
  '[[listen]]\n',
  'inf',
  'nan',
  '1979-05-27',
  '9223372036854775807',
  '0x',
  '"""',
  "'''",
  '[',
  ']',
  '{',
  '}',
  '\\u',
  '#',
  '\n',
]

const config: Target = {
  name: 'config',
  form: 'text',
  inputBytesMax: 32 * 1024,
  words: CONFIG_WORDS,
  valid: fc
    .record(
      {
        listen: fc.constant(['/ip4/0.0.0.0/tcp/4001']),
        announce: addresses,
        mdns: fc.boolean(),
        antiEntropyIntervalMs: fc.integer({ min: 100, max: 100_000 }),
      },
      { requiredKeys: [] },
    )
    .map((values) => Buffer.from(formatConfigFile(values as Parameters<typeof formatConfigFile>[0]))),
  run(input) {
    const file = { path: 'config.toml', text: Buffer.from(input).toString() }
    const resolved = resolveConfig({ flags: {}, environment: {}, file })
    const bootstrap = resolveBootstrapConfig({ flags: {}, environment: {}, file })
    if (!resolved.ok) return bootstrap.ok
    const text = formatConfigFile(resolved.value)
    const again = resolveConfig({ flags: {}, environment: {}, file: { path: 'config.toml', text } })
    holds(
      again.ok && isDeepStrictEqual(again.value, resolved.value),
      'a configuration is read as it was written',
    )
    return true
  },
}

/** Rows of the database are ours: what is damaged throws, and says that. */
const packing: Target = {
  name: 'packing',
  form: 'bytes',
  inputBytesMax: 64 * 1024,
  valid: fc.oneof(
    fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }).map(packBody),
    fc.array(fc.nat(100_000), { maxLength: 8 }).map((parents) => packParents(100_000, parents)),
    fc
      .uniqueArray(fc.nat(100_000), { maxLength: 8 })
      .map((ordinals) => packAscending(ordinals.sort((a, b) => a - b))),
  ),
  run(input) {
    const body = orDamaged(() => unpackBody(input))
    if (body !== null) {
      holds(concatBytes(...body).length <= input.length, 'a body is no longer than its row')
      const again = unpackBody(packBody(body))
      holds(equalBytes(encodeCanonical(again), encodeCanonical(body)), 'a body is read as it was written')
    }
    const parents = orDamaged(() => unpackParents(Number.MAX_SAFE_INTEGER, input))
    if (parents?.every((parent) => parent >= 0) === true) {
      const again = unpackParents(Number.MAX_SAFE_INTEGER, packParents(Number.MAX_SAFE_INTEGER, parents))
      holds(isDeepStrictEqual(again, parents), 'parents are read as they were written')
    }
    const ascending = orDamaged(() => unpackAscending(input))
    if (ascending?.every(Number.isSafeInteger) === true) {
      const again = unpackAscending(packAscending(ascending))
      holds(isDeepStrictEqual(again, ascending), 'what ascends is read as it was written')
    }
    return body !== null
  },
}

function orDamaged<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    holds(
      error instanceof Error && error.message.includes('damaged row'),
      `a damaged row says so: ${String(error)}`,
    )
    return null
  }
}

const remembered = fc.tuple(fc.string(), fc.string(), fc.nat(), fc.nat(), fc.nat())

/** Notes that a space keeps for itself: what is damaged is as if it had not been kept. */
const notes: Target = {
  name: 'notes',
  form: 'cbor',
  inputBytesMax: 16 * 1024,
  valid: fc.oneof(
    fc.tuple(addresses, addresses).map(encodeCanonical),
    fc.array(remembered, { maxLength: 3 }).map(encodeCanonical),
    fc.array(fc.tuple(fc.string(), fc.nat(), fc.nat()), { maxLength: 3 }).map(encodeCanonical),
    fc
      .tuple(fc.string(), fc.nat(), bytesOf(32), bytesOf(64), fc.option(fc.nat()))
      .map((receipt) => encodeCanonical([['peer', '', 0, 0, 0, receipt]])),
    fc.record({ hash: digest, ms: fc.nat() }).map(({ hash, ms }) => {
      const id = toHex(hash)
      const restored = { author: id, sinceMs: ms, mended: [id] }
      return encodeIdentityRecord({ sinceMs: ms, untilMs: { [id]: ms }, restored, behind: { [id]: ms } })
    }),
    fc.dictionary(fc.constantFrom('.', 'keys/author.key'), fc.string()).map(encodePlace),
  ),
  run(input) {
    const meeting = readMeetingPoints(input)
    const peers = readRememberedPeers(input)
    for (const { type, version } of readOutdated(input))
      holds(typeof type === 'string' && Number.isSafeInteger(version), 'a kind has a type and a version')
    const place = decodePlace(input)
    holds(isDeepStrictEqual(decodePlace(encodePlace(place)), place), 'a place is read as it was written')
    const record = decodeIdentityRecord(input)
    if (record !== null) {
      const again = decodeIdentityRecord(encodeIdentityRecord(record))
      holds(isDeepStrictEqual(again, record), 'a record is read as it was written')
    }
    const book = new PeerBook()
    book.restore(peers)
    holds(book.all().length <= peers.length, 'no more peers than were remembered')
    return meeting.peers.length + meeting.bootstrap.length + peers.length > 0
  },
}

/** What the owner's own programs, files and links bring. */
export const LOCAL_TARGETS: readonly Target[] = [invite, control, valueText, config, packing, notes]
