import { describe, expect, test } from 'vitest'
import { CONSEQUENCES } from '../../src/core/admission/codes.ts'
import { checkIdentity } from '../../src/core/admission/decide.ts'
import { toHex, utf8 } from '../../src/core/bytes.ts'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { encodeChange } from '../../src/core/changes/change.ts'
import { putDelegations } from '../../src/core/changes/control.ts'
import { deleteRegister, setRegister } from '../../src/core/types/register/change.ts'
import { FUTURE_TOLERANCE_MS } from '../../src/core/limits.ts'
import { encodeHeader, type Header } from '../../src/core/operation/header.ts'
import {
  assembleOperation,
  decodeOperation,
  encodeOperation,
  type Operation,
} from '../../src/core/operation/operation.ts'
import { pathPolicy } from '../../src/core/ucan/policy.ts'
import type { Outcome } from '../../src/node/replica/admission-step.ts'
import {
  alice,
  beginning,
  bob,
  bobToken,
  carol,
  createEmptyHome,
  createHome,
  delegate,
  forge,
  type ForgeRequest,
  genesis,
  GENESIS_MS,
  grants,
  type Home,
  mallory,
  malloryToken,
  NOW_MS,
  ownerToken,
  signerNamed,
  spaceId,
  spaceKey,
  stranger,
} from '../cast.ts'

const PEER = 'mallory’s peer'

const honest1 = forge({ author: bob, body: [setRegister('docs/a', 'from bob')] })
const honest2 = forge({ author: carol, deps: [honest1], body: [setRegister('docs/b', 'from carol')] })
const honest3 = forge({
  author: bob,
  prev: honest1,
  deps: [honest2],
  body: [setRegister('docs/c', 'bob again')],
})

/** What a replica shows to the outside, in one comparable value. */
function snapshot({ hosted }: Home) {
  return {
    count: hosted.store.count(),
    clockRoot: toHex(hosted.replica.clockRoot()),
    stateRoot: toHex(hosted.replica.stateRoot()),
    frontier: hosted.store
      .frontier()
      .map((entry) => toHex(entry.id))
      .toSorted(),
    forks: hosted.store.forks().length,
  }
}

const codeOf = (outcome: Outcome | undefined): string =>
  outcome === undefined ? 'nothing' : 'fault' in outcome ? outcome.fault.code : outcome.kind

/**
 * Sends honest operations with mallory's in the middle of them: hers must come out with `code`, leave no trace in set and state,
 * and do the honest ones no harm.
 */
async function expectStopped(
  bad: Operation | ForgeRequest,
  code: string,
  before: readonly Operation[] = [],
): Promise<Home> {
  const operation = 'id' in bad ? bad : forge(bad)
  const victim = await createHome(before)
  const untouched = await createHome([...before, honest1, honest2, honest3])
  const outcomes = await victim.hosted.replica.receive([honest1, honest2, operation, honest3], PEER)
  expect(outcomes.map(codeOf)).toEqual(['admitted', 'admitted', code, 'admitted'])
  expect(victim.hosted.store.find(operation.id)).toBeUndefined()
  expect(snapshot(victim)).toEqual(snapshot(untouched))
  const consequence = CONSEQUENCES[code as keyof typeof CONSEQUENCES]
  expect(victim.hosted.store.refusalCounts().get(code) ?? 0).toBe(consequence === 'refuse' ? 1 : 0)
  expect(victim.hosted.replica.held.get(operation.id)?.code).toBe(consequence === 'wait' ? code : undefined)
  return victim
}

describe('check 2, strict decoding', () => {
  const headerOf = (change: Partial<Header>) => encodeHeader({ ...honest1.header, ...change })
  const assemble = (headerBytes: Uint8Array) => {
    const assembled = assembleOperation(headerBytes, honest1.signature, null)
    return assembled.ok ? 'well-formed' : assembled.fault.code
  }

  test('refuses bytes that are not canonical, and says so', () => {
    const bytes = encodeOperation(honest1)
    expect(decodeOperation(bytes.subarray(0, -1))).toMatchObject({ fault: { code: 'NON_CANONICAL' } })
    expect(decodeOperation(Uint8Array.of(...bytes, 0))).toMatchObject({ fault: { code: 'NON_CANONICAL' } })
    expect(decodeOperation(utf8('not an operation at all'))).toMatchObject({
      fault: { code: 'NON_CANONICAL' },
    })
    // 0x98 0x03: the length of a list of three, in one byte more than it needs.
    expect(decodeOperation(Uint8Array.of(0x98, 0x03, ...bytes.subarray(1)))).toMatchObject({
      fault: { code: 'NON_CANONICAL' },
    })
  })

  test('refuses fields of the wrong type or shape', () => {
    const changes: readonly Partial<Header>[] = [
      { author: honest1.header.author.subarray(1) },
      { seq: -1 },
      { seq: 1 },
      { seq: 0, prev: genesis.id },
      { lamport: 1.5 },
      { time: -1 },
      { time: 2 ** 53 },
      { deps: [grants.id, grants.id] },
      { deps: [new Uint8Array(32).fill(2), new Uint8Array(32).fill(1)] },
      { seq: 1, prev: grants.id, deps: [grants.id] },
      { caps: [ownerToken.digest, ownerToken.digest] },
      { command: 'op/write' },
      { command: '/op/write/' },
      { command: '/Op/write' },
      { command: '' },
      { path: 'a//b' },
      { path: '/a' },
      { path: 'a/' },
      { path: 'a/../b' },
      { path: './a' },
      { path: 'e\u0301' },
      { bodyHash: new Uint8Array(31) },
      { bodySize: -1 },
      { space: null },
    ]
    for (const change of changes) expect([change, assemble(headerOf(change))]).toEqual([change, 'BAD_FIELD'])
  })

  test('refuses another version, before it looks at anything else', () => {
    const fields = [2, 'a field nobody knows yet']
    expect(assemble(encodeCanonical(fields))).toBe('VERSION')
    expect(assemble(encodeCanonical(['1', ...Array.from({ length: 13 }, () => null)]))).toBe('VERSION')
  })

  test('refuses what goes one past a limit, and takes the limit itself', () => {
    const ids = (count: number) => Array.from({ length: count }, (_, i) => new Uint8Array(32).fill(i + 1))
    expect(assemble(headerOf({ deps: ids(64) }))).toBe('well-formed')
    expect(assemble(headerOf({ deps: ids(65) }))).toBe('LIMIT')
    expect(assemble(headerOf({ caps: ids(8) }))).toBe('well-formed')
    expect(assemble(headerOf({ caps: ids(9) }))).toBe('LIMIT')
    expect(assemble(headerOf({ command: `/${'a'.repeat(63)}` }))).toBe('well-formed')
    expect(assemble(headerOf({ command: `/${'a'.repeat(64)}` }))).toBe('LIMIT')
    expect(assemble(headerOf({ path: 'a'.repeat(1024) }))).toBe('well-formed')
    expect(assemble(headerOf({ path: 'a'.repeat(1025) }))).toBe('BAD_FIELD')
    expect(assemble(headerOf({ path: Array.from({ length: 64 }, () => 'a').join('/') }))).toBe('well-formed')
    expect(assemble(headerOf({ path: Array.from({ length: 65 }, () => 'a').join('/') }))).toBe('BAD_FIELD')
    expect(assemble(headerOf({ bodySize: 256 * 1024 }))).toBe('well-formed')
    expect(assemble(headerOf({ bodySize: 256 * 1024 + 1 }))).toBe('LIMIT')
    expect(assemble(new Uint8Array(8 * 1024 + 1))).toBe('LIMIT')
  })

  test('refuses a body the header does not commit to, and takes the right one with the same id after', async () => {
    const { headerBytes, signature } = honest1
    const wrong = assembleOperation(headerBytes, signature, [setRegister('docs/a', 'not what bob wrote')])
    expect(wrong).toMatchObject({ ok: false, fault: { code: 'BAD_FIELD' } })
    const home = await createHome()
    home.hosted.replica.noteRefusal({ code: 'BAD_FIELD', detail: 'wrong body' }, PEER, new Uint8Array([1]))
    expect((await home.hosted.replica.receive([honest1], PEER)).map(codeOf)).toEqual(['admitted'])
  })
})

describe('check 3, identity', () => {
  test('refuses an operation of another space', async () => {
    await expectStopped({ author: bob, header: { space: new Uint8Array(32).fill(7) } }, 'WRONG_SPACE')
  })

  test('refuses the genesis of another space', async () => {
    const other = forge({
      author: mallory,
      deps: [],
      header: { space: null, caps: [], command: '/cap/grant', path: '' },
    })
    await expectStopped(other, 'WRONG_SPACE')
  })

  test('refuses bytes that were announced under another id', () => {
    expect(checkIdentity(honest1, spaceId, honest2.id)).toMatchObject({ fault: { code: 'BAD_ID' } })
    expect(checkIdentity(honest1, spaceId, honest1.id).ok).toBe(true)
  })

  test('knows a duplicate, and does not count it as refused', async () => {
    const home = await createHome([honest1])
    const before = snapshot(home)
    expect((await home.hosted.replica.receive([honest1, honest1], PEER)).map(codeOf)).toEqual([
      'duplicate',
      'duplicate',
    ])
    expect(snapshot(home)).toEqual(before)
    expect(home.hosted.store.refusalCounts().size).toBe(0)
  })

  test('admits an operation that comes twice in one batch once', async () => {
    const home = await createHome()
    expect((await home.hosted.replica.receive([honest1, honest1], PEER)).map(codeOf)).toEqual([
      'admitted',
      'duplicate',
    ])
    expect(home.hosted.store.count()).toBe(3)
  })

  test('takes another valid signature over the same content for the same operation', async () => {
    const home = await createHome([honest1])
    const again = { ...honest1, signature: new Uint8Array(64) }
    expect((await home.hosted.replica.receive([again], PEER)).map(codeOf)).toEqual(['duplicate'])
  })
})

describe('checks 4 and 5, key and signature', () => {
  test('refuses a weak author key, under which anybody can sign', async () => {
    const weakKeys = ['00', '01', 'ec'].map((first) => {
      const key = new Uint8Array(32).fill(first === 'ec' ? 0xff : 0)
      key[0] = Number.parseInt(first, 16)
      if (first === 'ec') key[31] = 0x7f
      return key
    })
    for (const author of weakKeys) await expectStopped({ author: bob, header: { author } }, 'WEAK_KEY')
  })

  test('refuses a forged signature', async () => {
    await expectStopped({ author: bob, signature: mallory.sign(honest1.id) }, 'BAD_SIGNATURE')
    await expectStopped({ author: bob, signature: new Uint8Array(64) }, 'BAD_SIGNATURE')
  })

  test('refuses a signature over the bare id, without the tag that says what was signed', async () => {
    const plain = forge({ author: bob, body: [setRegister('x', 1)] })
    await expectStopped({ ...plain, signature: bob.sign(plain.id) }, 'BAD_SIGNATURE')
  })

  test('refuses an honest author’s signature under another operation', async () => {
    await expectStopped(
      { author: bob, body: [setRegister('x', 1)], signature: honest1.signature },
      'BAD_SIGNATURE',
    )
  })

  test('is not made deaf to an honest operation whose id came with a garbage signature first', async () => {
    const home = await createHome()
    const garbage = { ...honest1, signature: new Uint8Array(64).fill(9) }
    expect((await home.hosted.replica.receive([garbage], PEER)).map(codeOf)).toEqual(['BAD_SIGNATURE'])
    expect(home.hosted.replica.isRefused(honest1.id)).toBe(false)
    expect((await home.hosted.replica.receive([garbage, honest1, garbage], PEER)).map(codeOf)).toEqual([
      'BAD_SIGNATURE',
      'admitted',
      'BAD_SIGNATURE',
    ])
  })

  test('holds no child of a garbage copy for invalid', async () => {
    const home = await createHome()
    await home.hosted.replica.receive([{ ...honest1, signature: new Uint8Array(64) }], PEER)
    expect((await home.hosted.replica.receive([honest2], PEER)).map(codeOf)).toEqual(['MISSING_PARENT'])
    expect((await home.hosted.replica.receive([honest1], PEER)).map(codeOf)).toEqual(['admitted'])
    expect(home.hosted.store.find(honest2.id)).toBeDefined()
  })
})

describe('checks 6 and 7, the parents', () => {
  test('holds an operation whose parent has not arrived', async () => {
    const unseen = forge({ author: bob, prev: honest3, body: [setRegister('unseen', 1)] })
    await expectStopped({ author: carol, prev: honest2, deps: [unseen] }, 'MISSING_PARENT')
  })

  test('holds an operation of an epoch whose checkpoint is not known', async () => {
    await expectStopped({ author: mallory, header: { epoch: 1 } }, 'MISSING_CHECKPOINT')
  })

  test('holds a control operation that came without its body', async () => {
    const token = delegate(bob, carol)
    await expectStopped(
      {
        author: bob,
        body: [putDelegations([token.bytes])],
        header: { command: '/cap/grant' },
        isBodyAbsent: true,
      },
      'MISSING_BODY',
    )
  })

  test('admits a control operation when it comes again with its body', async () => {
    const whole = forge({
      author: bob,
      body: [putDelegations([delegate(bob, stranger).bytes])],
      header: { command: '/cap/grant' },
    })
    const home = await createHome()
    expect((await home.hosted.replica.receive([{ ...whole, body: null }], PEER)).map(codeOf)).toEqual([
      'MISSING_BODY',
    ])
    expect((await home.hosted.replica.receive([whole], PEER)).map(codeOf)).toEqual(['admitted'])
    expect(home.hosted.replica.held.size).toBe(0)
  })

  test('admits an ordinary operation without its body, and takes the body later', async () => {
    const home = await createHome()
    const whole = await createHome([honest1])
    expect((await home.hosted.replica.receive([{ ...honest1, body: null }], PEER)).map(codeOf)).toEqual([
      'admitted',
    ])
    expect(home.hosted.store.absentBodyCount()).toBe(1)
    expect(snapshot(home).clockRoot).toBe(snapshot(whole).clockRoot)
    expect(snapshot(home).stateRoot).not.toBe(snapshot(whole).stateRoot)
    expect((await home.hosted.replica.receive([honest1], PEER)).map(codeOf)).toEqual(['duplicate'])
    expect(home.hosted.store.absentBodyCount()).toBe(0)
    expect(snapshot(home)).toEqual(snapshot(whole))
  })

  test('refuses the children of what is refused, whether they come after it, before it, or long after', async () => {
    const bad = forge({ author: mallory, header: { lamport: 99 } })
    const child = forge({ author: mallory, prev: bad })
    const grandchild = forge({ author: mallory, prev: child })
    const inOrder = await createHome()
    expect((await inOrder.hosted.replica.receive([bad, child, grandchild], PEER)).map(codeOf)).toEqual([
      'LAMPORT',
      'INVALID_ANCESTOR',
      'INVALID_ANCESTOR',
    ])
    const childrenFirst = await createHome()
    expect((await childrenFirst.hosted.replica.receive([grandchild, child], PEER)).map(codeOf)).toEqual([
      'MISSING_PARENT',
      'MISSING_PARENT',
    ])
    expect((await childrenFirst.hosted.replica.receive([bad], PEER)).map(codeOf)).toEqual(['LAMPORT'])
    expect(childrenFirst.hosted.replica.held.size).toBe(0)
    expect(childrenFirst.hosted.store.refusalCounts()).toEqual(
      new Map([
        ['LAMPORT', 1],
        ['INVALID_ANCESTOR', 2],
      ]),
    )
    expect(
      (
        await childrenFirst.hosted.replica.receive(
          [forge({ author: bob, deps: [grants, grandchild], header: { lamport: 101 } })],
          PEER,
        )
      ).map(codeOf),
    ).toEqual(['INVALID_ANCESTOR'])
  })
})

describe('check 8, the header against its parents', () => {
  const first = forge({ author: mallory })

  test('refuses a seq that skips or repeats', async () => {
    await expectStopped({ author: mallory, prev: first, header: { seq: 2 } }, 'SEQ', [first])
    await expectStopped(
      { author: mallory, prev: forge({ author: mallory, prev: first }), header: { seq: 1 } },
      'SEQ',
      [first, forge({ author: mallory, prev: first })],
    )
  })

  test('refuses to go on with the log of another author', async () => {
    await expectStopped({ author: mallory, prev: honest1 }, 'PREV_AUTHOR')
  })

  test('refuses a lamport that jumps, and one that lags', async () => {
    await expectStopped({ author: mallory, header: { lamport: 4 } }, 'LAMPORT')
    await expectStopped({ author: mallory, header: { lamport: 2 } }, 'LAMPORT')
    await expectStopped({ author: mallory, header: { lamport: Number.MAX_SAFE_INTEGER } }, 'LAMPORT')
    await expectStopped({ author: mallory, deps: [honest1, grants], header: { lamport: 3 } }, 'LAMPORT')
  })

  test('refuses a time before that of any parent, by one millisecond', async () => {
    await expectStopped({ author: mallory, header: { time: GENESIS_MS - 1 } }, 'TIME_REGRESSION')
    const later = forge({ author: carol, header: { time: GENESIS_MS + 5 } })
    await expectStopped(
      { author: mallory, deps: [grants, later], header: { time: GENESIS_MS + 4 } },
      'TIME_REGRESSION',
      [later],
    )
  })

  test('judges the past before it asks what time it is', async () => {
    await expectStopped({ author: mallory, header: { lamport: 9, time: NOW_MS * 2 } }, 'LAMPORT')
  })
})

describe('check 9, an author that builds on both of its own branches', () => {
  const root = forge({ author: mallory, body: [setRegister('mallory/x', 0)] })
  const left = forge({ author: mallory, prev: root, body: [setRegister('mallory/x', 1)] })
  const right = forge({ author: mallory, prev: root, body: [setRegister('mallory/x', 2)] })

  test('keeps both branches of a fork, and the proof of it', async () => {
    const home = await createHome([root, left, right])
    const [proof] = home.hosted.store.forks()
    const ids = [toHex(left.id), toHex(right.id)].toSorted()
    expect(proof?.ids.map(toHex)).toEqual(ids)
    expect(home.hosted.store.heads(mallory.publicKey)).toHaveLength(2)
  })

  test('refuses a direct merge of the two branches', async () => {
    await expectStopped({ author: mallory, prev: left, deps: [right] }, 'SELF_FORK', [root, left, right])
  })

  test('refuses a merge through another author who saw both', async () => {
    const seen = forge({ author: carol, deps: [left, right, grants] })
    await expectStopped({ author: mallory, prev: left, deps: [seen] }, 'SELF_FORK', [root, left, right, seen])
  })

  test('refuses a second beginning on top of the first', async () => {
    await expectStopped({ author: mallory, deps: [left] }, 'SELF_FORK', [root, left])
  })

  test('refuses to go back and build on what others made of the later operation', async () => {
    const seen = forge({ author: carol, deps: [left] })
    await expectStopped({ author: mallory, prev: root, deps: [seen] }, 'SELF_FORK', [root, left, seen])
  })

  test('lets each branch go on by itself, and others build on both', async () => {
    const onLeft = forge({ author: mallory, prev: left, deps: [honest1] })
    const onRight = forge({ author: mallory, prev: right, deps: [honest1] })
    const merge = forge({ author: bob, prev: honest1, deps: [onLeft, onRight] })
    const home = await createHome([root, left, right, honest1, onLeft, onRight, merge])
    expect(home.hosted.store.frontier().map((entry) => toHex(entry.id))).toEqual([toHex(merge.id)])
  })
})

describe('check 10, authority', () => {
  const digests = (...tokens: readonly { readonly digest: Uint8Array }[]) =>
    tokens.map(({ digest }) => digest)
  const grant = (
    tokens: readonly { readonly bytes: Uint8Array }[],
    prev: Operation = grants,
    deps: readonly Operation[] = [],
  ) =>
    forge({
      author: alice,
      prev,
      deps,
      body: [putDelegations(tokens.map(({ bytes }) => bytes))],
      header: { command: '/cap/grant' },
    })

  test('refuses who names no capability and is not the space key', async () => {
    await expectStopped({ author: stranger, header: { caps: [] } }, 'CAP_MISSING')
  })

  test('refuses a capability that nobody has published', async () => {
    await expectStopped(
      { author: stranger, header: { caps: digests(ownerToken, delegate(alice, stranger)) } },
      'CAP_MISSING',
    )
  })

  test('refuses a capability that is published, but not in the operation’s own past', async () => {
    const token = delegate(alice, stranger)
    const published = grant([token])
    const caps = digests(ownerToken, token)
    await expectStopped({ author: stranger, deps: [grants], header: { caps } }, 'CAP_MISSING', [published])
    const home = await createHome([published])
    const knowing = forge({ author: stranger, deps: [published], header: { caps } })
    expect((await home.hosted.replica.receive([knowing], PEER)).map(codeOf)).toEqual(['admitted'])
  })

  test('refuses the capability of another', async () => {
    await expectStopped({ author: stranger, header: { caps: digests(ownerToken, bobToken) } }, 'CAP_CHAIN')
  })

  test('refuses a chain with a gap', async () => {
    await expectStopped({ author: bob, header: { caps: digests(bobToken) } }, 'CAP_CHAIN')
  })

  test('refuses a command that the capability does not cover, by segment', async () => {
    const narrow = delegate(alice, stranger, { command: '/op/write' })
    const published = grant([narrow])
    const caps = digests(ownerToken, narrow)
    for (const command of ['/op', '/op/writer', '/op/read', '/decide/claim']) {
      await expectStopped({ author: stranger, deps: [published], header: { caps, command } }, 'CAP_COMMAND', [
        published,
      ])
    }
  })

  test('refuses a path outside the policy, also one that only begins with the same letters', async () => {
    for (const path of ['', 'docs', 'mallory2', 'mallory2/x', 'malloryx', 'docs/mallory']) {
      await expectStopped({ author: mallory, header: { path } }, 'CAP_POLICY')
    }
    const home = await createHome()
    const within = forge({ author: mallory, header: { path: 'mallory/x' } })
    expect((await home.hosted.replica.receive([within], PEER)).map(codeOf)).toEqual(['admitted'])
  })

  test('refuses a token that grants more than its proof', async () => {
    const wider = delegate(mallory, stranger, { policy: pathPolicy('docs') })
    const published = forge({
      author: mallory,
      body: [putDelegations([wider.bytes])],
      header: { command: '/cap/grant', path: '' },
    })
    const caps = digests(ownerToken, malloryToken, wider)
    await expectStopped(
      { author: stranger, deps: [published], header: { caps, path: 'docs' } },
      'CAP_POLICY',
      [published],
    )
  })

  test('refuses what is outside the life of the capability, to the millisecond, by the time the author signed', async () => {
    const seconds = GENESIS_MS / 1000
    const token = delegate(alice, stranger, { notBeforeSeconds: seconds + 10, expiresSeconds: seconds + 20 })
    const published = grant([token])
    const caps = digests(ownerToken, token)
    const at = (time: number): ForgeRequest => ({
      author: stranger,
      deps: [published],
      header: { caps, time },
    })
    await expectStopped(at(GENESIS_MS + 9_999), 'CAP_TIME', [published])
    await expectStopped(at(GENESIS_MS + 20_001), 'CAP_TIME', [published])
    for (const time of [GENESIS_MS + 10_000, GENESIS_MS + 20_000]) {
      const home = await createHome([published])
      expect((await home.hosted.replica.receive([forge(at(time))], PEER)).map(codeOf)).toEqual(['admitted'])
    }
  })

  test('finds a token of bad form or signature, or of another space, missing: its publication was void', async () => {
    const good = delegate(alice, stranger)
    const torn = good.bytes.slice(0, -1)
    const forged = new Uint8Array(good.bytes)
    forged[10] = (forged[10] as number) ^ 1
    const foreign = delegate(alice, stranger, { subject: mallory.publicKey })
    const powerline = delegate(alice, stranger, { subject: null })
    for (const bytes of [torn, forged, foreign.bytes, powerline.bytes]) {
      const published = grant([{ bytes }, delegate(alice, stranger, { nonce: 'good, in bad company' })])
      const home = await createHome([published])
      const [evaluated] = home.hosted.replica.evaluate(home.hosted.store.at(2), published)
      expect(evaluated).toMatchObject({ ok: false, fault: { code: 'CHANGE_INVALID' } })
      expect([...home.hosted.store.tokens()]).toHaveLength(5)
      await expectStopped(
        { author: stranger, deps: [published], header: { caps: digests(ownerToken, good) } },
        'CAP_MISSING',
        [published],
      )
    }
  })

  test('lets a guest in whose first operation carries its own chain', async () => {
    const guestKey = signerNamed('throw-away')
    const invite = delegate(alice, guestKey)
    const own = delegate(guestKey, stranger)
    const first = forge({
      author: stranger,
      body: [putDelegations([invite.bytes, own.bytes])],
      header: { command: '/cap/grant', caps: digests(ownerToken, invite, own) },
    })
    const write = forge({
      author: stranger,
      prev: first,
      body: [setRegister('hello', 1)],
      header: { caps: digests(ownerToken, invite, own) },
    })
    const home = await createHome()
    expect((await home.hosted.replica.receive([first, write], PEER)).map(codeOf)).toEqual([
      'admitted',
      'admitted',
    ])
  })

  test('refuses the capability of another to who used its own before', async () => {
    const own = forge({ author: bob })
    const another = delegate(alice, carol)
    const published = grant([another])
    const next = { author: bob, prev: own, deps: [published], header: { caps: digests(ownerToken, another) } }
    await expectStopped(next, 'CAP_CHAIN', [own, published])
  })

  test('refuses to a guest, once it is in, the chain that its first operation was let in by', async () => {
    const carried = delegate(alice, bob, { nonce: 'another of the same' })
    const first = forge({
      author: stranger,
      body: [putDelegations([carried.bytes])],
      header: { command: '/cap/grant', caps: digests(ownerToken, bobToken) },
    })
    const home = await createHome()
    expect((await home.hosted.replica.receive([first], PEER)).map(codeOf)).toEqual(['admitted'])
    const write = { author: stranger, prev: first, header: { caps: digests(ownerToken, bobToken) } }
    await expectStopped(write, 'CAP_CHAIN', [first])
  })

  test('lets nobody carry tokens under another command, or beside other changes of weight', async () => {
    const own = delegate(alice, stranger)
    const caps = digests(ownerToken, own)
    const carrying = [putDelegations([own.bytes])]
    await expectStopped({ author: stranger, body: carrying, header: { caps } }, 'CAP_MISSING')
    await expectStopped(
      {
        author: mallory,
        body: [...carrying, setRegister('docs/x', 1)],
        header: { command: '/cap/grant', path: '' },
      },
      'CAP_COMMAND',
    )
  })
})

describe('check 12, the author’s clock', () => {
  test('holds what is more than a minute ahead, and admits what is exactly a minute ahead', async () => {
    await expectStopped({ author: mallory, header: { time: NOW_MS + FUTURE_TOLERANCE_MS + 1 } }, 'FUTURE')
    const home = await createHome()
    const edge = forge({ author: mallory, header: { time: NOW_MS + FUTURE_TOLERANCE_MS } })
    expect((await home.hosted.replica.receive([edge], PEER)).map(codeOf)).toEqual(['admitted'])
  })

  test('admits it, and what waited for it, when this node’s clock allows', async () => {
    const ahead = forge({
      author: bob,
      header: { time: NOW_MS + FUTURE_TOLERANCE_MS + 500 },
      body: [setRegister('x', 1)],
    })
    const child = forge({ author: carol, deps: [ahead], body: [setRegister('x', 2)] })
    const home = await createHome()
    expect((await home.hosted.replica.receive([child, ahead], PEER)).map(codeOf)).toEqual([
      'MISSING_PARENT',
      'FUTURE',
    ])
    home.nowMs += 499
    home.hosted.replica.promoteDue()
    expect(home.hosted.store.count()).toBe(2)
    home.nowMs += 1
    home.hosted.replica.promoteDue()
    expect(home.hosted.store.count()).toBe(4)
    expect(home.hosted.replica.held.size).toBe(0)
  })

  test('never lets a far-future clock jam a value', async () => {
    const home = await createHome()
    await home.hosted.replica.receive(
      [forge({ author: bob, header: { time: Number.MAX_SAFE_INTEGER }, body: [setRegister('x', 'jammed')] })],
      PEER,
    )
    const value = forge({ author: carol, body: [setRegister('x', 'free')] })
    expect((await home.hosted.replica.receive([value], PEER)).map(codeOf)).toEqual(['admitted'])
  })

  test('never holds an operation of our own', async () => {
    const home = await createHome()
    const own = forge({ author: bob, header: { time: NOW_MS + FUTURE_TOLERANCE_MS + 1 } })
    expect(codeOf(home.hosted.replica.admitOwn(own as never))).toBe('FUTURE')
    expect(home.hosted.replica.held.size).toBe(0)
  })
})

describe('check 14, changes', () => {
  const valid = setRegister('mallory/fine', 1)
  const void_ = (change: Uint8Array, header: Partial<Header> = {}) => ({ change, header })
  const cases: readonly (readonly [string, ReturnType<typeof void_>])[] = [
    ['is no canonical DAG-CBOR', void_(Uint8Array.of(0x18, 0x01))],
    ['is no change', void_(encodeCanonical({ type: 'register' }))],
    ['is outside the operation’s path', void_(setRegister('docs/x', 1))],
    ['is at a path that only begins like the operation’s', void_(setRegister('mallory2', 1))],
    [
      'is at a path that is none',
      void_(encodeChange({ type: 'register', version: 1, path: 'mallory//x', payload: { set: 1 } })),
    ],
    [
      'has a payload its type does not know',
      void_(encodeChange({ type: 'register', version: 1, path: 'mallory', payload: { put: 1 } })),
    ],
    [
      'sets and deletes at once',
      void_(encodeChange({ type: 'register', version: 1, path: 'mallory', payload: { set: 1, delete: [] } })),
    ],
    [
      'sets and removes one field',
      void_(
        encodeChange({
          type: 'map',
          version: 1,
          path: 'mallory',
          payload: { set: { a: 1 }, remove: { a: [] } },
        }),
      ),
    ],
    [
      'publishes a token in a write',
      void_(encodeChange({ type: 'cap.put', version: 1, path: 'mallory', payload: { tokens: [] } })),
    ],
    [
      'names an element that is not in its past',
      void_(deleteRegister('mallory/x', [{ id: honest1.id, index: 0 }])),
    ],
    [
      'names an element nobody knows',
      void_(deleteRegister('mallory/x', [{ id: new Uint8Array(32), index: 0 }])),
    ],
    [
      'has version 0',
      void_(encodeChange({ type: 'register', version: 0, path: 'mallory', payload: { set: 1 } })),
    ],
  ]

  for (const [what, { change }] of cases) {
    test(`voids a change that ${what}, and nothing else of the same body`, async () => {
      const operation = forge({ author: mallory, body: [change, valid] })
      const home = await createHome([honest1, operation])
      const entry = home.hosted.store.at(3)
      const evaluation = home.hosted.replica.evaluate(entry, operation)
      expect(evaluation.map((one) => (one.ok ? 'valid' : one.fault.code))).toEqual([
        'CHANGE_INVALID',
        'valid',
      ])
      expect(home.hosted.store.cells({ prefix: '', limit: 10 }).map(({ key }) => key.path)).toEqual([
        'docs/a',
        'mallory/fine',
      ])
    })
  }

  test('keeps and forwards what a newer schema wrote, without effect here', async () => {
    const newer = encodeChange({ type: 'register', version: 2, path: 'mallory/x', payload: 'whatever' })
    const unknown = encodeChange({ type: 'hologram', version: 1, path: 'mallory/x', payload: {} })
    const operation = forge({ author: mallory, body: [newer, unknown] })
    const home = await createHome([operation])
    const evaluation = home.hosted.replica.evaluate(home.hosted.store.at(2), operation)
    expect(evaluation.map((one) => (one.ok ? one.value.kind : 'void'))).toEqual(['outdated', 'outdated'])
    expect(home.hosted.store.operation(2).body).toEqual([newer, unknown])
  })
})

describe('the beginning', () => {
  test('arrives in any order', async () => {
    const home = createEmptyHome()
    const outcomes = await home.hosted.replica.receive([honest1, ...beginning.toReversed()], PEER)
    expect(outcomes.map(codeOf)).toEqual(['admitted', 'admitted', 'admitted'])
    expect(home.hosted.store.count()).toBe(3)
  })

  test('lets the space key act without tokens, and nobody in its name', async () => {
    const home = await createHome()
    const bySpace = forge({ author: spaceKey, prev: genesis, deps: [grants], body: [setRegister('law', 1)] })
    expect((await home.hosted.replica.receive([bySpace], PEER)).map(codeOf)).toEqual(['admitted'])
    const inItsName = forge({ author: spaceKey, prev: genesis, signature: mallory.sign(new Uint8Array(32)) })
    expect((await home.hosted.replica.receive([inItsName], PEER)).map(codeOf)).toEqual(['BAD_SIGNATURE'])
  })
})
