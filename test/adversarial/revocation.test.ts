import { describe, expect, test } from 'vitest'
import { evaluateBody } from '../../src/core/changes/evaluate.ts'
import type { Entry } from '../../src/core/graph.ts'
import { encodeChange } from '../../src/core/changes/change.ts'
import { putDelegations } from '../../src/core/changes/control.ts'
import { editMap } from '../../src/core/types/map/change.ts'
import { deleteRegister, setRegister } from '../../src/core/types/register/change.ts'
import { rotateTo } from '../../src/core/changes/rotate.ts'
import { endorseOperations, revokeDelegation } from '../../src/core/changes/verdict.ts'
import { CUT_IDS_MAX, ENDORSED_OPERATIONS_MAX, TOKENS_PER_OPERATION_MAX } from '../../src/core/limits.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import type { Outcome } from '../../src/node/replica/admission-step.ts'
import { createRealmHome, HOLDERS, publication, TOKENS } from '../effect/realm.ts'
import { forge, GENESIS_MS, genesis, type Home, ownerToken, verifier } from '../cast.ts'

const PEER = 'a peer'
const [, aliceToBob, aliceToCarol, bobToDave, , bobToMallory, daveToMallory] = TOKENS as [
  (typeof TOKENS)[0],
  (typeof TOKENS)[0],
  (typeof TOKENS)[0],
  (typeof TOKENS)[0],
  (typeof TOKENS)[0],
  (typeof TOKENS)[0],
  (typeof TOKENS)[0],
]

type HolderName = keyof typeof HOLDERS

interface Act {
  readonly by: HolderName
  readonly prev?: Operation
  readonly deps?: readonly Operation[]
  readonly timeMs?: number
}

function act({ by, prev, deps, timeMs }: Act, command: string, path: string, body: readonly Uint8Array[]) {
  const { author, chain } = HOLDERS[by]
  return forge({
    author,
    prev: prev ?? null,
    deps: deps ?? (prev === undefined ? [publication] : []),
    body,
    header: {
      command,
      path,
      caps: chain.map(({ digest }) => digest),
      ...(timeMs === undefined ? {} : { time: timeMs }),
    },
  })
}

const write = (who: Act, path: string, value: unknown = 1) =>
  act(who, '/op/write', path, [setRegister(path, value)])

const revoke = (who: Act, target: { readonly digest: Uint8Array }, cut: readonly Operation[]) =>
  act(who, '/cap/revoke', '', [revokeDelegation({ target: target.digest, cut: cut.map(({ id }) => id) })])

const endorse = (who: Act, operations: readonly Operation[]) =>
  act(who, '/cap/endorse', '', [endorseOperations(operations.map(({ id }) => id))])

const codeOf = (outcome: Outcome | undefined): string =>
  outcome === undefined || !('fault' in outcome) ? (outcome?.kind ?? 'nothing') : outcome.fault.code

async function verdictsOn(home: Home, operations: readonly Operation[]): Promise<readonly string[]> {
  return (await home.hosted.replica.receive(operations, PEER)).map(codeOf)
}

/** `effective`, `masked` or `severed`, for each. */
function effectsOf({ hosted: { store } }: Home, operations: readonly Operation[]): readonly string[] {
  return operations.map(({ id }) => {
    const entry = store.find(id)
    if (entry === undefined) return 'not here'
    const mask = store.mask(entry.ordinal)
    return mask === undefined ? 'effective' : mask.isSevered ? 'severed' : 'masked'
  })
}

describe('check 11', () => {
  test('refuses what was written after having seen that its chain is closed', async () => {
    const closing = revoke({ by: 'bob' }, bobToMallory, [])
    const home = await createRealmHome([closing])
    const blatant = write({ by: 'mallory', deps: [closing] }, 'mallory/a')
    const child = write({ by: 'mallory', prev: blatant }, 'mallory/b')
    expect(await verdictsOn(home, [blatant, child])).toEqual(['CAP_REVOKED', 'INVALID_ANCESTOR'])
    // By another chain, which is open, she may go on.
    expect(await verdictsOn(home, [write({ by: 'malloryByDave', deps: [closing] }, 'x')])).toEqual([
      'admitted',
    ])
  })

  test('judges by the past of the operation alone, whatever else is known', async () => {
    const closing = revoke({ by: 'bob' }, bobToMallory, [])
    const voiding = revoke({ by: 'alice', prev: publication, deps: [closing] }, aliceToBob, [publication])
    const home = await createRealmHome([closing, voiding])
    expect(effectsOf(home, [closing])).toEqual(['masked'])
    const sawOne = write({ by: 'mallory', deps: [closing] }, 'mallory/a')
    const sawBoth = write({ by: 'malloryByDaveByCarol', deps: [voiding] }, 'mallory/b')
    const late = write({ by: 'mallory', deps: [voiding] }, 'mallory/c')
    // What saw only the first is refused for ever, also where the second is known; bob's whole branch is closed by the second.
    expect(await verdictsOn(home, [sawOne, sawBoth, late])).toEqual([
      'CAP_REVOKED',
      'admitted',
      'CAP_REVOKED',
    ])
  })
})

describe('a revocation', () => {
  test('reaches what was written without having heard of it, backdated or not', async () => {
    const kept = write({ by: 'mallory' }, 'mallory/a', 'kept')
    const closing = revoke({ by: 'bob', deps: [kept] }, bobToMallory, [kept])
    const unheard = write({ by: 'mallory', prev: kept }, 'mallory/a', 'unheard')
    const backdated = write({ by: 'mallory', deps: [publication], timeMs: GENESIS_MS }, 'mallory/b', 'old')
    const home = await createRealmHome([kept, closing, unheard, backdated])
    expect(effectsOf(home, [kept, unheard, backdated])).toEqual(['effective', 'severed', 'severed'])
    expect(home.hosted.store.cells({ prefix: '', limit: 9 }).map(({ cell }) => cell.id)).toEqual([kept.id])
  })

  test('reaches neither equals, nor what is above, nor what goes another way', async () => {
    const byCarol = write({ by: 'daveByCarol' }, 'x')
    const byBob = write({ by: 'dave' }, 'y')
    const byAlice = write({ by: 'alice', prev: publication }, 'z')
    const cases = [
      revoke({ by: 'carol', deps: [byBob] }, aliceToBob, []),
      revoke({ by: 'bob', deps: [byBob] }, aliceToCarol, []),
      revoke({ by: 'mallory', deps: [byBob] }, bobToDave, []),
      revoke({ by: 'dave', prev: byBob }, bobToDave, []),
      revoke({ by: 'malloryByDave', deps: [byBob], timeMs: GENESIS_MS + 1 }, ownerToken, []),
      revoke({ by: 'bob', deps: [byAlice] }, ownerToken, []),
    ]
    const home = await createRealmHome([byCarol, byBob, byAlice, ...cases])
    expect(effectsOf(home, [byCarol, byBob, byAlice])).toEqual(['effective', 'effective', 'effective'])
    expect(effectsOf(home, cases).every((effect) => effect === 'effective')).toBe(true)
  })

  test('by a revoked admin has no effect, however it is dated, and what it hit comes back', async () => {
    const daves = write({ by: 'dave' }, 'x')
    const grudge = revoke({ by: 'bob', deps: [daves] }, bobToDave, [])
    const home = await createRealmHome([daves, grudge])
    expect(effectsOf(home, [daves, grudge])).toEqual(['masked', 'effective'])
    const justice = revoke({ by: 'alice', prev: publication, deps: [daves] }, aliceToBob, [daves])
    expect(await verdictsOn(home, [justice])).toEqual(['admitted'])
    expect(effectsOf(home, [daves, grudge])).toEqual(['effective', 'severed'])
    expect(home.hosted.store.cell({ path: 'x', type: 'register', field: '' })?.removed).toBe(false)
  })

  test('whose cut names what it has not seen is void', async () => {
    const unseen = write({ by: 'mallory' }, 'mallory/a')
    const empty = revoke({ by: 'bob' }, bobToMallory, [unseen])
    const home = await createRealmHome([unseen, empty])
    expect(effectsOf(home, [unseen, empty])).toEqual(['effective', 'effective'])
    const entry = home.hosted.store.find(empty.id)
    if (entry === undefined) throw new Error('not admitted')
    expect(home.hosted.replica.evaluate(entry, empty).map(({ ok }) => ok)).toEqual([false])
  })

  test('and another intersect: only what both cuts keep stays', async () => {
    const one = write({ by: 'mallory' }, 'mallory/1')
    const two = write({ by: 'mallory', prev: one }, 'mallory/2')
    const three = write({ by: 'mallory', prev: two }, 'mallory/3')
    const byBob = revoke({ by: 'bob', deps: [three] }, bobToMallory, [two])
    const byAlice = revoke({ by: 'alice', prev: publication, deps: [three] }, bobToMallory, [one])
    for (const order of [
      [byBob, byAlice],
      [byAlice, byBob],
    ]) {
      const home = await createRealmHome([one, two, three, ...order])
      expect(effectsOf(home, [one, two, three])).toEqual(['effective', 'masked', 'masked'])
    }
  })

  test('and another intersect still once a third has lost its effect', async () => {
    const written = write({ by: 'dave' }, 'x')
    const keeping = revoke({ by: 'bob', deps: [written] }, bobToDave, [written])
    const ending = revoke({ by: 'bob', prev: keeping }, bobToDave, [])
    const third = revoke({ by: 'bob', prev: ending }, bobToDave, [])
    const home = await createRealmHome([written, keeping, ending, third])
    const above = revoke({ by: 'alice', prev: publication, deps: [third] }, aliceToBob, [ending])
    expect(await verdictsOn(home, [above])).toEqual(['admitted'])
    expect(effectsOf(home, [keeping, ending, third, written])).toEqual([
      'effective',
      'effective',
      'masked',
      'masked',
    ])
  })

  test('in an operation with another command, or with a form of its own, is void', async () => {
    const target = bobToMallory.digest
    const sound = revokeDelegation({ target, cut: [] })
    const id = genesis.id
    const bodies: readonly (readonly [string, readonly Uint8Array[]])[] = [
      ['/cap/grant', [sound]],
      ['/cap/endorse', [sound]],
      ['/op/write', [sound]],
      ['/cap/revoke', [putDelegations([bobToMallory.bytes])]],
      ['/cap/revoke', [setRegister('x', 1)]],
      ['/cap/revoke', [endorseOperations([genesis.id])]],
      ...[
        { target },
        { target, cut: [], more: 1 },
        { target: target.slice(1), cut: [] },
        { target, cut: [id, id] },
        { target, cut: [id.slice(1)] },
        { target, cut: id },
        { target, cut: Array.from({ length: CUT_IDS_MAX + 1 }, (_, i) => numbered(i)) },
      ].map((payload) => {
        const change = encodeChange({ type: 'cap.revoke', version: 1, path: '', payload })
        return ['/cap/revoke', [change]] as const
      }),
      ...[
        { operations: [] },
        { operations: [id, id] },
        { operations: Array.from({ length: ENDORSED_OPERATIONS_MAX + 1 }, (_, i) => numbered(i)) },
      ].map((payload) => {
        const change = encodeChange({ type: 'cap.endorse', version: 1, path: '', payload })
        return ['/cap/endorse', [change]] as const
      }),
    ]
    for (const [command, body] of bodies) {
      const operation = act({ by: 'alice', prev: publication }, command, '', body)
      const home = await createRealmHome([write({ by: 'mallory' }, 'mallory/a'), operation])
      const entry = home.hosted.store.find(operation.id)
      if (entry === undefined) throw new Error(`${command} is not admitted`)
      const evaluation = home.hosted.replica.evaluate(entry, operation)
      expect(evaluation.map((change) => (change.ok ? change.value.kind : change.fault.code))).toEqual([
        'CHANGE_INVALID',
      ])
      expect([...home.hosted.store.masked()]).toEqual([])
    }
  })

  test('waits for its body before its children are judged', async () => {
    const closing = revoke({ by: 'bob' }, bobToMallory, [])
    const home = await createRealmHome()
    expect(await verdictsOn(home, [{ ...closing, body: null }])).toEqual(['MISSING_BODY'])
    const blatant = write({ by: 'mallory', deps: [closing] }, 'mallory/a')
    expect(await verdictsOn(home, [blatant])).toEqual(['MISSING_PARENT'])
    expect(await verdictsOn(home, [closing])).toEqual(['admitted'])
    expect(effectsOf(home, [blatant])).toEqual(['not here'])
  })
})

describe('a planned rotation', () => {
  const next = HOLDERS.carol.author.publicKey
  const kindsOf = async (command: string, body: readonly Uint8Array[]) => {
    const operation = act({ by: 'bob' }, command, '', body)
    const home = await createRealmHome([operation])
    const entry = home.hosted.store.find(operation.id)
    if (entry === undefined) return home.hosted.store.refusal(operation.id)?.code
    const evaluation = home.hosted.replica.evaluate(entry, operation)
    return evaluation.map((change) => (change.ok ? change.value.kind : change.fault.code))
  }

  test('names the next key, and needs no more than a chain, alone or beside delegations', async () => {
    expect(await kindsOf('/cap/grant', [rotateTo(next)])).toEqual(['rotation'])
    const body = [putDelegations([bobToMallory.bytes]), rotateTo(next)]
    expect(await kindsOf('/cap/grant', body)).toEqual(['delegations', 'rotation'])
    // A writer at one path may say it too; beside a change of another type it would need the right to grant.
    const byDave = act({ by: 'mallory' }, '/cap/grant', '', [rotateTo(next)])
    expect(await verdictsOn(await createRealmHome(), [byDave])).toEqual(['admitted'])
    const more = encodeChange({ type: 'cap.more', version: 1, path: '', payload: {} })
    const beside = act({ by: 'mallory' }, '/cap/grant', '', [rotateTo(next), more])
    expect(await verdictsOn(await createRealmHome(), [beside])).toEqual(['CAP_COMMAND'])
  })

  test('in an operation with another command, or with a form of its own, is void', async () => {
    for (const command of ['/cap/revoke', '/cap/endorse'])
      expect(await kindsOf(command, [rotateTo(next)])).toEqual(['CHANGE_INVALID'])
    expect(await kindsOf('/op/write', [rotateTo(next)])).toEqual(['CHANGE_INVALID'])
    const weak = new Uint8Array(32)
    for (const payload of [
      {},
      { next, more: 1 },
      { next: 'a key' },
      { next: next.slice(1) },
      { next: weak },
      { next: HOLDERS.bob.author.publicKey },
    ]) {
      const change = encodeChange({ type: 'cap.rotate', version: 1, path: '', payload })
      expect(await kindsOf('/cap/grant', [change])).toEqual(['CHANGE_INVALID'])
    }
  })
})

describe('delegations', () => {
  test('beyond what one operation may publish are void, before their signatures are looked at', async () => {
    const forged = bobToMallory.bytes.slice()
    forged[10] = (forged[10] as number) ^ 1
    const many = Array.from({ length: TOKENS_PER_OPERATION_MAX }, () => bobToMallory.bytes)
    const body = [
      putDelegations(many.slice(1)),
      putDelegations(many.slice(0, 2)),
      putDelegations(many.slice(0, 1)),
    ]
    const operation = act({ by: 'alice', prev: publication }, '/cap/grant', '', [
      ...body,
      putDelegations([forged]),
    ])
    const home = await createRealmHome([operation])
    let checked = 0
    const count = (...of: Parameters<typeof verifier.verifySync>) => {
      checked++
      return verifier.verifySync(...of)
    }
    const { store } = home.hosted
    const parents = [store.find(publication.id) as Entry]
    const evaluation = evaluateBody(operation, parents, store, count)
    expect(evaluation.map(({ ok }) => ok)).toEqual([true, false, true, false])
    expect(checked).toBe(TOKENS_PER_OPERATION_MAX)
  })
})

describe('an endorsement', () => {
  const written = write({ by: 'malloryByDave' }, 'x')
  const purge = revoke({ by: 'alice', prev: publication, deps: [written] }, bobToDave, [])

  test('gives the effect back where its own chain authorises what was done', async () => {
    const saving = endorse({ by: 'carol', deps: [purge] }, [written])
    const home = await createRealmHome([written, purge])
    expect(effectsOf(home, [written])).toEqual(['masked'])
    expect(await verdictsOn(home, [saving])).toEqual(['admitted'])
    expect(effectsOf(home, [written])).toEqual(['effective'])
    // And takes it away again where the endorser turns out to have had no right.
    const taking = revoke({ by: 'alice', prev: purge, deps: [saving] }, aliceToCarol, [])
    expect(await verdictsOn(home, [taking])).toEqual(['admitted'])
    expect(effectsOf(home, [written])).toEqual(['masked'])
  })

  test('does nothing from further down, for another path, or for grants and revocations', async () => {
    const byDave = write({ by: 'dave' }, 'y')
    const all = revoke({ by: 'alice', prev: purge, deps: [byDave] }, bobToDave, [])
    const control = revoke({ by: 'dave', prev: byDave }, daveToMallory, [])
    const tooLow = endorse({ by: 'malloryByDaveByCarol', prev: written, deps: [all] }, [byDave])
    const wrongPath = endorse({ by: 'mallory', prev: tooLow }, [byDave])
    const ofControl = endorse({ by: 'carol', deps: [all, control] }, [control])
    const home = await createRealmHome([written, byDave, control, purge, all, tooLow, wrongPath, ofControl])
    expect(effectsOf(home, [tooLow, wrongPath, ofControl])).toEqual(['effective', 'effective', 'effective'])
    expect(effectsOf(home, [byDave, control])).toEqual(['masked', 'masked'])
  })
})

test('taking two things back at once reaches what an endorsement kept, also where another names that endorsement', async () => {
  const written = write({ by: 'mallory' }, 'mallory/a')
  const purge = revoke({ by: 'alice', prev: publication, deps: [written] }, bobToMallory, [])
  const saving = endorse({ by: 'carol', deps: [purge] }, [written])
  const decoy = endorse({ by: 'dave', deps: [saving] }, [saving])
  const both = act({ by: 'alice', prev: purge, deps: [decoy] }, '/cap/revoke', '', [
    revokeDelegation({ target: aliceToCarol.digest, cut: [] }),
    revokeDelegation({ target: bobToDave.digest, cut: [] }),
  ])
  const all = [written, purge, saving, decoy, both]
  const home = await createRealmHome(all.slice(0, -1))
  expect(effectsOf(home, [written, saving])).toEqual(['effective', 'effective'])
  expect(await verdictsOn(home, [both])).toEqual(['admitted'])
  expect(effectsOf(home, all)).toEqual(['masked', 'effective', 'masked', 'masked', 'effective'])
})

describe('elements under a fork', () => {
  test('have names of their own, so that taking one away leaves the other', async () => {
    const left = act({ by: 'mallory' }, '/op/write', 'mallory', [
      editMap('mallory/m', { set: { k: 'left' } }),
      setRegister('mallory/r', 'left'),
    ])
    const right = act({ by: 'mallory' }, '/op/write', 'mallory', [
      editMap('mallory/m', { set: { k: 'right' } }),
      setRegister('mallory/r', 'right'),
    ])
    for (const [shown, other] of [
      [left, right],
      [right, left],
    ] as const) {
      const removal = act({ by: 'bob', deps: [left, right] }, '/op/write', 'mallory', [
        editMap('mallory/m', { remove: { k: [{ id: other.id, index: 0 }] } }),
        deleteRegister('mallory/r', [{ id: other.id, index: 1 }]),
      ])
      const home = await createRealmHome([left, right, removal])
      const { store } = home.hosted
      for (const key of [
        { path: 'mallory/m', type: 'map', field: 'k' },
        { path: 'mallory/r', type: 'register', field: '' },
      ] as const) {
        const cell = store.cell(key)
        if (cell === undefined) throw new Error('no cell')
        const isShown = Buffer.compare(cell.id, shown.id) === 0
        expect(cell.removed).toBe(!isShown)
      }
    }
  })
})

/** Ids in ascending order. */
function numbered(n: number): Uint8Array {
  const id = new Uint8Array(32)
  new DataView(id.buffer).setUint32(0, n)
  return id
}
