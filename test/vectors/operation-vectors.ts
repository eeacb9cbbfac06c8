import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toHex, utf8 } from '../../src/core/bytes.ts'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { createSpaceChange, putDelegations } from '../../src/core/changes/control.ts'
import { makeClaim, releaseClaim } from '../../src/core/types/claim/change.ts'
import { addToCounter, clearCounter } from '../../src/core/types/counter/change.ts'
import { edgeField, removeEdge, setEdge } from '../../src/core/types/edge/change.ts'
import { appendEntry, entryField } from '../../src/core/types/log/change.ts'
import { editMap } from '../../src/core/types/map/change.ts'
import { editSet } from '../../src/core/types/set/change.ts'
import { deleteText, editText } from '../../src/core/types/text/change.ts'
import { TextDocument } from '../../src/core/types/text/document.ts'
import type { TextEdit } from '../../src/core/types/text/edit.ts'
import { deleteRegister, setRegister } from '../../src/core/types/register/change.ts'
import { rotateTo } from '../../src/core/changes/rotate.ts'
import { endorseOperations, revokeDelegation } from '../../src/core/changes/verdict.ts'
import { Clock, clockLeaf, type Head } from '../../src/core/clock.ts'
import { sha256 } from '../../src/core/hash.ts'
import { merkleRoot } from '../../src/core/merkle.ts'
import type { Header } from '../../src/core/operation/header.ts'
import {
  type Body,
  encodeOperation,
  signOperation,
  type VerifiedOperation,
} from '../../src/core/operation/operation.ts'
import { publicKeyOf, sign } from '../../src/core/signature.ts'
import { spaceTopic } from '../../src/core/space-topic.ts'
import { encodeProof } from '../../src/core/state/proof-codec.ts'
import { proveState, type Question, type ShownField } from '../../src/core/state/proof.ts'
import { selectionRoot } from '../../src/core/state/selection-root.ts'
import { StateTree } from '../../src/core/state/state-tree.ts'
import { encodeBatch } from '../../src/core/sync/batch.ts'
import { handshakeBytes, knowledgeOfSpace } from '../../src/core/sync/handshake.ts'
import { receiptBytes } from '../../src/core/sync/receipt.ts'
import { issueDelegation } from '../../src/core/ucan/delegation.ts'

/**
 * The bytes of our own format, computed from seeds: what test/vectors/operation.json holds for ever. `operation.test.ts` compares.
 * Run by hand (`node test/vectors/operation-vectors.ts`) this file writes it anew, which is right only to add vectors.
 */
export function computeOperationVectors() {
  const seeds = {
    space: new Uint8Array(32).fill(1),
    alice: new Uint8Array(32).fill(2),
    bob: new Uint8Array(32).fill(3),
  }
  const signerOf = (seed: Uint8Array) => ({
    publicKey: publicKeyOf(seed),
    sign: (message: Uint8Array) => sign(message, seed),
  })
  const [space, alice, bob] = [signerOf(seeds.space), signerOf(seeds.alice), signerOf(seeds.bob)]
  const token = issueDelegation({
    signer: space,
    audience: alice.publicKey,
    subject: space.publicKey,
    command: '/',
    policy: [],
    nonce: utf8('twelve bytes'),
    expiresSeconds: null,
  })
  if (!token.ok) throw new Error(token.fault.detail)
  const make = (signer: typeof alice, body: Body, header: Partial<Header>): VerifiedOperation =>
    signOperation(
      {
        space: null,
        author: signer.publicKey,
        seq: 0,
        prev: null,
        deps: [],
        lamport: 1,
        time: 1_700_000_000_000,
        epoch: 0,
        caps: [],
        command: '/op/write',
        path: '',
        ...header,
      },
      body,
      signer.sign,
    )
  const genesis = make(
    space,
    [
      createSpaceChange({ name: 'Lübeck', profile: 'federated', openReading: true }),
      putDelegations([token.value.bytes]),
    ],
    { command: '/cap/grant' },
  )
  const caps = [token.value.digest]
  const first = make(alice, [setRegister('notes/ä', { text: 'hello', at: 1.5 })], {
    space: genesis.id,
    deps: [genesis.id],
    lamport: 2,
    caps,
    path: 'notes',
  })
  const write = make(
    alice,
    [
      editMap('people/ada', { set: { name: 'Ada', born: 1815 } }),
      deleteRegister('notes/ä', [{ id: first.id, index: 0 }]),
    ],
    {
      space: genesis.id,
      seq: 1,
      prev: first.id,
      deps: [genesis.id, sha256(utf8('another'))].toSorted(Buffer.compare),
      lamport: 3,
      time: 1_700_000_000_001,
      caps,
    },
  )
  const control = make(alice, [putDelegations([token.value.bytes])], {
    space: genesis.id,
    seq: 2,
    prev: write.id,
    lamport: 4,
    caps,
    command: '/cap/grant',
  })
  const empty = make(bob, [], { space: genesis.id, deps: [first.id], lamport: 3, caps })
  const manyDeps = make(bob, [], {
    space: genesis.id,
    seq: 1,
    prev: empty.id,
    lamport: 5,
    caps,
    deps: Array.from({ length: 64 }, (_, i) => sha256(Uint8Array.of(i))).toSorted(Buffer.compare),
  })
  const most = Number.MAX_SAFE_INTEGER
  const largest = make(bob, [], {
    space: genesis.id,
    seq: most,
    prev: manyDeps.id,
    lamport: most,
    time: most,
    epoch: most,
    caps,
  })
  const revocation = make(
    alice,
    [revokeDelegation({ target: sha256(utf8('a token')), cut: [write.id, first.id] })],
    {
      space: genesis.id,
      seq: 3,
      prev: control.id,
      lamport: 5,
      caps,
      command: '/cap/revoke',
    },
  )
  const endorsement = make(alice, [endorseOperations([write.id, first.id])], {
    space: genesis.id,
    seq: 4,
    prev: revocation.id,
    lamport: 6,
    caps,
    command: '/cap/endorse',
  })
  const rotation = make(alice, [putDelegations([token.value.bytes]), rotateTo(bob.publicKey)], {
    space: genesis.id,
    seq: 5,
    prev: endorsement.id,
    lamport: 7,
    caps,
    command: '/cap/grant',
  })
  const ofFirst = [{ id: first.id, index: 0 }]
  const texts = make(
    alice,
    [
      editText('notes/plan', [[0, 0, 'abc']]),
      editText('notes/plan', [
        [1, 1, 'Z😀'],
        [5, 0, '\n'],
      ]),
      editText('notes/empty', [[0, 0, '']]),
      deleteText('notes/old'),
    ],
    { space: genesis.id, seq: 3, prev: control.id, lamport: 5, caps, path: 'notes' },
  )
  const items = make(
    alice,
    [
      setEdge('people/ada', { label: 'knows', to: 'people/grace' }, { since: 1833 }),
      removeEdge('people/ada', { label: 'knows', to: 'people/bob' }, ofFirst),
      appendEntry('journal', 'it rains'),
      editSet('tasks/7', { add: ['urgent', 'ä'], remove: { new: ofFirst } }),
      addToCounter('votes', -3),
      clearCounter('votes'),
      makeClaim('releases/v1.0.0', null),
      releaseClaim('releases/v1.0.0', ofFirst),
    ],
    { space: genesis.id, seq: 6, prev: rotation.id, lamport: 8, caps },
  )
  const operations = {
    genesis,
    first,
    write,
    control,
    empty,
    manyDeps,
    largest,
    revocation,
    endorsement,
    rotation,
    items,
    texts,
  }

  const heads: readonly Head[] = [
    { seq: 1, id: write.id },
    { seq: 2 ** 32, id: genesis.id },
  ]
  const clock = new Clock()
  const clockRoots: Record<string, string> = { empty: toHex(clock.digest().hash) }
  clock.set(space.publicKey, [{ seq: 0, id: genesis.id }])
  clockRoots['one author'] = toHex(clock.digest().hash)
  clock.set(alice.publicKey, heads)
  clockRoots['two authors, one forked'] = toHex(clock.digest().hash)

  const state = new StateTree()
  const stateRoots: Record<string, string> = { empty: toHex(state.root()) }
  state.set({ path: '', type: 'register', field: '' }, encodeCanonical(null))
  stateRoots['a register at the root'] = toHex(state.root())
  state.set({ path: 'people/ada', type: 'map', field: 'name' }, encodeCanonical('Ada'))
  state.set({ path: 'people/ada', type: 'map', field: 'born' }, encodeCanonical(1815))
  state.set({ path: 'people/ada', type: 'register', field: '' }, encodeCanonical([1, 2]))
  stateRoots['two types at one path'] = toHex(state.root())

  const entry = entryField({ time: 1_700_000_000_000, lamport: 8, id: sha256(utf8('entry')), index: 2 })
  const types = new StateTree()
  types.set(
    { path: 'a', type: 'edge', field: edgeField({ label: 'knows', to: 'b/c' }) },
    encodeCanonical(null),
  )
  types.set({ path: 'a', type: 'log', field: entry }, encodeCanonical('it rains'))
  types.set({ path: 'a', type: 'set', field: 'urgent' }, encodeCanonical(true))
  types.set({ path: 'a', type: 'counter', field: '' }, encodeCanonical('9007199254740992'))
  types.set({ path: 'a', type: 'claim', field: '' }, encodeCanonical(null))
  stateRoots['an edge, an entry, a member, a tally and a claim'] = toHex(types.root())

  const proofOf = (question: Question) => {
    const fields: readonly ShownField[] = [
      ['born', encodeCanonical(1815)],
      ['name', encodeCanonical('Ada')],
    ]
    const proof = encodeProof(
      proveState(state, question, (_type, field) =>
        fields.filter(([name]) => field === undefined || name === field),
      ),
    )
    if (!proof.ok) throw new Error(proof.fault.detail)
    return toHex(proof.value)
  }
  const ada = { path: 'people/ada', type: 'map' }
  const stateProofs = {
    item: proofOf(ada),
    field: proofOf({ ...ada, field: 'name' }),
    'no field': proofOf({ ...ada, field: 'died' }),
    'no item': proofOf({ ...ada, type: 'set' }),
    nothing: proofOf({ path: 'people/bob', type: null }),
    subtree: proofOf({ path: 'people', subtree: true }),
  }

  const binding = {
    spaceId: genesis.id,
    signerPeer: utf8('signer'),
    otherPeer: utf8('other'),
    signerNonce: new Uint8Array(32).fill(4),
    otherNonce: new Uint8Array(32).fill(5),
  }
  return {
    seeds: Object.fromEntries(Object.entries(seeds).map(([name, seed]) => [name, toHex(seed)])),
    token: toHex(token.value.bytes),
    operations: Object.fromEntries(
      Object.entries(operations).map(([name, operation]) => [name, describe(operation)]),
    ),
    bodyRoots: Array.from({ length: 10 }, (_, count) =>
      toHex(merkleRoot(Array.from({ length: count }, (_, i) => utf8(`leaf ${i}`)))),
    ),
    clockLeaves: { 'one head': toHex(clockLeaf(heads.slice(0, 1))), 'two heads': toHex(clockLeaf(heads)) },
    clockRoots,
    entryField: entry,
    texts: computeTextVectors(),
    stateRoots,
    stateProofs,
    spaceTopic: toHex(spaceTopic(genesis.id)),
    batch: toHex(encodeBatch([genesis, first, write, control, { ...empty, body: null }])),
    handshake: toHex(handshakeBytes(binding)),
    knowledge: toHex(knowledgeOfSpace(binding)),
    receipt: toHex(receiptBytes(genesis.id, new Uint8Array(32).fill(6), 1_700_000_000_000)),
    selectionRoots: {
      none: toHex(selectionRoot([], (path) => state.rootAt(path))),
      everything: toHex(selectionRoot([''], (path) => state.rootAt(path))),
      'one that is there and one that is not': toHex(
        selectionRoot(['animals', 'people'], (path) => state.rootAt(path)),
      ),
    },
  }
}

/** Nodes of one text, parents first, and what is visible: all of them have their effect, but those that are masked. */
function computeTextVectors() {
  const [low, high] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
  const base = { id: new Uint8Array(32).fill(9), parents: [], edits: [[0, 0, 'abc']] as TextEdit[] }
  const node = (id: Uint8Array, parents: readonly number[], ...edits: TextEdit[]) => ({ id, parents, edits })
  const cases = {
    'alice first': [base, node(low, [0], [1, 0, 'xy']), node(high, [0], [1, 1, 'Z'])],
    'bob first': [base, node(high, [0], [1, 0, 'xy']), node(low, [0], [1, 1, 'Z'])],
    'typed backwards at once': [
      base,
      node(low, [0], [1, 0, '3']),
      node(high, [0], [1, 0, 'z']),
      node(new Uint8Array(32).fill(3), [1], [1, 0, '2']),
      node(new Uint8Array(32).fill(4), [2], [1, 0, 'y']),
    ],
    'right origins further right first': [
      base,
      node(low, [], [0, 0, 'X']),
      node(high, [0], [3, 0, 'D']),
      node(new Uint8Array(32).fill(3), [0], [3, 0, 'E']),
      node(new Uint8Array(32).fill(4), [2], [3, 0, 'd']),
      node(new Uint8Array(32).fill(5), [1, 3], [4, 0, 'F']),
    ],
    'void beyond its document': [
      base,
      node(low, [0], [0, 0, 'x'], [5, 0, 'y']),
      node(high, [1], [3, 0, '!']),
    ],
    'emptied and typed into at once': [base, node(low, [0], [0, 3, '']), node(high, [0], [2, 0, '😀'])],
  }
  return Object.fromEntries(
    Object.entries(cases).map(([name, nodes]) => {
      const document = new TextDocument((index) => (nodes[index] as typeof base).id)
      nodes.forEach(({ parents, edits }, operation) => {
        document.add({ operation, parents, action: { kind: 'edit', edits }, isMasked: false })
      })
      const listed = nodes.map(({ id, parents, edits }) => ({ id: toHex(id), parents, edits }))
      const visible = document.toString()
      document.setMasked(0, true)
      return [name, { nodes: listed, visible, withoutTheFirst: document.toString() }]
    }),
  )
}

function describe(operation: VerifiedOperation) {
  return {
    header: toHex(operation.headerBytes),
    id: toHex(operation.id),
    signature: toHex(operation.signature),
    envelope: toHex(encodeOperation(operation)),
  }
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(
    join(import.meta.dirname, 'operation.json'),
    `${JSON.stringify(computeOperationVectors(), null, 2)}\n`,
  )
}
