import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { equalBytes } from '../../src/core/bytes.ts'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { formatDid } from '../../src/core/principal.ts'
import { CELL_TYPES } from '../../src/core/types/cell.ts'
import { parseByteRange } from '../../src/http/byte-range.ts'
import { parseListenAddress } from '../../src/http/listen-address.ts'
import { readPlace, writePlace } from '../../src/http/page-token.ts'
import { formatResourceUri, parseResourceUri } from '../../src/mcp/resource-uri.ts'
import { formatPlace, parsePlace } from '../../src/mcp/tools/list.ts'
import { decodeAgentRecords, encodeAgentRecords } from '../../src/node/agents/agent-record.ts'
import { agentKeyOf } from '../../src/node/agents/agent-token.ts'
import { FaultError } from '../../src/node/fault-error.ts'
import { parseRemoteUrl } from '../../src/node/remotes/remote-url.ts'
import { ROLES } from '../../src/node/space/roles.ts'
import { readPeerCursor, readPeerMessage } from '../../src/peer/message.ts'
import { bytesOf, count, digest, path, SIGNERS, value } from '../grammar.ts'
import { holds, type Target } from '../target.ts'

const text = (input: Uint8Array): string => Buffer.from(input).toString('utf8')
const bytes = (of: string): Uint8Array => Buffer.from(of)

/** What the work gives, or null where it refuses; anything else it throws is a finding. */
function acceptedOr<T>(work: () => T): T | null {
  try {
    return work()
  } catch (error) {
    if (error instanceof FaultError) return null
    throw error
  }
}

const agentRecord = fc.record({
  name: fc.string(),
  publicKey: bytesOf(32),
  isOperator: fc.boolean(),
  createdMs: count,
  expiresMs: fc.option(count),
  revokedMs: fc.option(count),
  grants: fc.array(
    fc.record({
      spaceId: digest.map((id) => Buffer.from(id).toString('hex')),
      role: fc.constantFrom(...ROLES),
      path,
      delegation: bytesOf(8),
    }),
    { maxLength: 2 },
  ),
})

/** A note of this node: what is damaged opens no door. */
const agentRecords: Target = {
  name: 'agent-records',
  form: 'cbor',
  inputBytesMax: 16 * 1024,
  valid: fc.oneof(
    fc.array(agentRecord, { maxLength: 3 }).map(encodeAgentRecords),
    value.map(encodeCanonical),
  ),
  run(input) {
    const records = decodeAgentRecords(input)
    if (records === null) return false
    holds(equalBytes(encodeAgentRecords(records), input), 'the agents are read as they were written')
    for (const { expiresMs, revokedMs } of records)
      holds(
        [expiresMs, revokedMs].every((time) => !Number.isNaN(time)),
        'a time is one that comes',
      )
    return true
  },
}

const PEER_KEY = new Uint8Array(32)

/** The Authorization header, from anybody. */
const agentToken: Target = {
  name: 'agent-token',
  form: 'text',
  inputBytesMax: 1024,
  words: ['hanse_agent_', '=', '-', '_', '\n', 'é'],
  valid: bytesOf(32).map((secret) => bytes(`hanse_agent_${Buffer.from(secret).toString('base64url')}`)),
  run(input) {
    const token = text(input)
    const key = agentKeyOf(token, PEER_KEY)
    if (!key.ok) return false
    const secret = Buffer.from(token.slice('hanse_agent_'.length), 'base64url')
    holds(`hanse_agent_${secret.toString('base64url')}` === token, 'a secret has one token')
    return true
  },
}

/** Of remotes, and of nodes that register, which are strangers. */
const remoteUrl: Target = {
  name: 'remote-url',
  form: 'text',
  inputBytesMax: 2048,
  words: [
    'http://',
    'https://',
    'file://',
    'file:///',
    'javascript:',
    '/p2p/',
    '/ip4/',
    '%2F',
    '%00',
    '@',
    '#',
    '[::1]',
    '/memory/',
    '/p2p-circuit',
  ],
  valid: fc.oneof(
    fc.webUrl({ withFragments: true, withQueryParameters: true }).map(bytes),
    path.map((at) => bytes(`file:///${at.split('/').map(encodeURIComponent).join('/')}`)),
    fc.constantFrom(
      ...['', '/ip4/192.0.2.7/tcp/4001/p2p/', '/dns4/example.org/tcp/443/wss/p2p/'].map((before) =>
        bytes(`${before}12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo`),
      ),
    ),
  ),
  run(input) {
    const parsed = parseRemoteUrl(text(input))
    if (!parsed.ok) return false
    const address = parsed.value
    if (address.form === 'http') {
      const { protocol, username, password, hash, href } = address.url
      holds(/^https?:$/.test(protocol), 'nothing else is asked')
      holds(username + password + hash === '', 'an address that is shown has no password')
      const again = parseRemoteUrl(href)
      holds(
        again.ok && again.value.form === 'http' && again.value.url.href === href,
        'it is read as it was written',
      )
    } else if (address.form === 'file')
      holds(address.folder.startsWith('/') && !address.folder.includes('\0'), 'a folder is absolute')
    return true
  },
}

const head = fc.record({ seq: count, id: digest.map((id) => Buffer.from(id).toString('hex')) })
const cursor = fc.dictionary(
  fc.constantFrom(...SIGNERS.map(({ publicKey }) => formatDid(publicKey))),
  fc.oneof(head, fc.array(head, { minLength: 2, maxLength: 3 })),
)

/** What peers over transports other than libp2p send: JSON that somebody else has parsed. */
const peerMessage: Target = {
  name: 'peer-message',
  form: 'text',
  inputBytesMax: 64 * 1024,
  words: [
    '"type":',
    '"changes"',
    '"eose"',
    '"cursor":{',
    '"schemaVersion":1',
    '"__proto__":',
    '[[[[',
    '{"a":',
    '1e999',
    '-0',
  ],
  valid: fc
    .oneof(
      fc.record({
        type: fc.constant('changes'),
        schemaVersion: fc.constantFrom(1, 2),
        changes: fc.array(fc.string(), { maxLength: 3 }),
      }),
      fc.record({ type: fc.constant('eose'), schemaVersion: fc.constant(1), cursor }),
      cursor,
      fc.jsonValue({ maxDepth: 3 }),
    )
    .map((json) => bytes(JSON.stringify(json))),
  run(input) {
    let json: unknown
    try {
      json = JSON.parse(text(input)) as unknown
    } catch {
      return false
    }
    const message = readPeerMessage(json)
    if (message.ok) {
      const again = readPeerMessage(JSON.parse(JSON.stringify(message.value)))
      holds(again.ok && isDeepStrictEqual(again.value, message.value), 'a message is read as it was sent')
    } else holds(message.fault.detail.length < 1024, 'a fault is no longer than a line')
    const read = readPeerCursor(json)
    holds(read.ok || read.fault.detail.length < 1024, 'a fault is no longer than a line')
    return message.ok || read.ok
  },
}

const itemPlace = fc.record({
  path,
  type: fc.constantFrom(...CELL_TYPES),
  field: fc.string({ maxLength: 4 }),
})

/** Places in listings, addresses and headers, as clients of HTTP and MCP send them. */
const asked: Target = {
  name: 'places-and-headers',
  form: 'text',
  inputBytesMax: 2048,
  words: [
    'hanse://',
    '?type=',
    '%2F',
    '%zz',
    'bytes=',
    '-',
    ',',
    '[',
    ']',
    '[]',
    ':',
    '65536',
    'WyJh',
    '__proto__',
  ],
  valid: fc.oneof(
    itemPlace.map((place) => bytes(writePlace(place))),
    itemPlace.map((place) => bytes(formatPlace(place))),
    itemPlace.map(({ path: at, type }) =>
      bytes(formatResourceUri({ space: 'ab'.repeat(32), path: at, type })),
    ),
    fc.tuple(fc.nat(200), fc.nat(200)).map(([start, end]) => bytes(`bytes=${start}-${end}`)),
    fc.constantFrom('127.0.0.1:7420', '[::1]:0', 'localhost:80').map(bytes),
  ),
  run(input) {
    const given = text(input)
    const place = acceptedOr(() => readPlace(given))
    if (place !== null)
      holds(isDeepStrictEqual(readPlace(writePlace(place)), place), 'a place is read as it was written')
    const page = acceptedOr(() => parsePlace(given))
    if (page !== null) holds(formatPlace(page).trim() === given.trim(), 'a page is read as it was written')
    const uri = parseResourceUri(given)
    if (uri.ok) {
      const again = parseResourceUri(formatResourceUri({ ...uri.value, space: 'ab'.repeat(32) }))
      holds(again.ok && again.value.path === uri.value.path, 'a resource is read as it was written')
    }
    const size = 100
    const range = parseByteRange(given, size)
    if (range !== null && range !== 'unsatisfiable')
      holds(range.start >= 0 && range.start < range.end && range.end <= size, 'a range is within the content')
    const listen = parseListenAddress(given)
    holds(!listen.ok || (listen.value.port >= 0 && listen.value.port <= 65_535), 'a port is one')
    return place !== null || page !== null || uri.ok || range !== null || listen.ok
  },
}

/** What comes in by HTTP, MCP, remotes, and peers of other transports. */
export const DOOR_TARGETS: readonly Target[] = [agentRecords, agentToken, remoteUrl, peerMessage, asked]
