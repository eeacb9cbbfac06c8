import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { encodeMessage, type WireMessage } from '../../protocols/sync/message-codec.ts'
import { decodeCanonical } from '../../src/core/canonical-cbor.ts'
import * as domainTags from '../../src/core/domain-tags.ts'
import { computeOperationVectors } from '../vectors/operation-vectors.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/protocol.md'), 'utf8')
const vectors = computeOperationVectors()

/** The bytes of an annotated block: what stands before two spaces and words on each line. */
const blocks = [...page.matchAll(/```hex\n([^`]+)```/g)].map(([, block]) =>
  (block as string)
    .split('\n')
    .map((line) => /^[0-9a-f ]*/.exec(line.trim().split(/ {3,}/)[0] as string)?.[0].replaceAll(' ', ''))
    .join(''),
)

const id = new Uint8Array(32)
const standing = { clockRoot: id, stateRoot: id, authors: 0, operations: 0, absentBodies: 0 }
const messages: readonly WireMessage[] = [
  { kind: 'hello', topic: id, nonce: id, knowledge: id },
  { kind: 'proof', proof: { tokens: [], signature: new Uint8Array(64) } },
  { kind: 'bye', code: 'RATE' },
  { kind: 'compare', round: 0, standing, admitted: 0, answers: false },
  { kind: 'nodes', differing: new Uint8Array(), listing: new Uint8Array() },
  { kind: 'entries', entries: [], bodies: [], last: true },
  { kind: 'want', heads: new Uint8Array() },
  { kind: 'probe', probe: 0, ids: [] },
  { kind: 'probed', probe: 0, known: 0 },
  { kind: 'offer', operations: 0 },
  { kind: 'operations', operations: [], faults: [] },
  { kind: 'ack' },
  { kind: 'eose', operations: 0 },
  { kind: 'receipt', receipt: { clockRoot: id, timeMs: 0, signature: new Uint8Array(64) } },
  { kind: 'leaves', leaves: new Uint8Array(4) },
  { kind: 'spell' },
]

describe('docs/protocol.md', () => {
  it('shows the bytes of the vectors', () => {
    expect(blocks).toEqual([vectors.operations['first']?.envelope, vectors.handshake, vectors.receipt])
    const digests = [vectors.operations['first']?.id, vectors.knowledge, vectors.clockRoots['empty']]
    const roots = [vectors.stateRoots['empty'], vectors.selectionRoots.none]
    for (const digest of [...digests, ...roots]) expect(page).toContain(`\`${digest}\``)
  })

  it('lists every domain tag with its length, and no other', () => {
    const listed = [...page.matchAll(/^\| `(hanse\/[a-z/]+\/1)` `0x00` \| (\d+) \|/gm)].map(
      ([, tag, length]) => [`${tag}\0`, Number(length)] as const,
    )
    const tags = Object.values(domainTags).map((tag) => [Buffer.from(tag).toString(), tag.length] as const)
    expect(new Map(listed)).toEqual(new Map(tags))
  })

  it('lists every sync message under its tag', () => {
    const listed = [...page.matchAll(/^\| (\d+) \| ([a-z]+) \| [^|]* \| (?:handshake|any time|§4)/gm)].map(
      ([, tag, kind]) => [Number(tag), kind],
    )
    const sent = messages.map((message) => {
      const decoded = decodeCanonical(encodeMessage(message))
      const [tag] = decoded.ok ? (decoded.value as unknown[]) : []
      return [tag, message.kind]
    })
    expect(listed).toEqual(sent)
  })

  it('has every section that the code cites', () => {
    const cited = ['src', 'protocols', 'bootstrap'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts') && !file.includes('node_modules'))
        .flatMap((file) => [
          ...readFileSync(join(root, folder, file), 'utf8').matchAll(/protocol\.md (§[\d.]*\d)/g),
        ]),
    )
    expect(cited.length).toBeGreaterThan(8)
    for (const [, section] of cited) expect(page).toContain(`# ${section} `)
  })
})
