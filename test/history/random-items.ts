import fc from 'fast-check'
import { toHex, utf8 } from '../../src/core/bytes.ts'
import type { ElementRef } from '../../src/core/changes/change.ts'
import { revokeDelegation } from '../../src/core/changes/verdict.ts'
import { sha256 } from '../../src/core/hash.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { deleteBlob, setBlob } from '../../src/core/types/blob/change.ts'
import type { CellType } from '../../src/core/types/cell.ts'
import { makeClaim, releaseClaim } from '../../src/core/types/claim/change.ts'
import { addToCounter, clearCounter } from '../../src/core/types/counter/change.ts'
import { edgeField, removeEdge, setEdge } from '../../src/core/types/edge/change.ts'
import { appendEntry, entryField } from '../../src/core/types/log/change.ts'
import { editMap } from '../../src/core/types/map/change.ts'
import { deleteRegister, setRegister } from '../../src/core/types/register/change.ts'
import { editSet } from '../../src/core/types/set/change.ts'
import type { VerifiedDelegation } from '../../src/core/ucan/delegation.ts'
import { forge, GENESIS_MS } from '../cast.ts'
import { HOLDERS, publication, realm, TOKENS } from '../effect/realm.ts'

/** One edit as the oracle sees it: what was meant, beside the change that says it. */
export interface Meant {
  readonly index: number
  readonly path: string
  readonly type: CellType
  readonly field: string
  readonly kind: 'set' | 'remove' | 'add' | 'clear'
  readonly value?: unknown
  readonly by?: number
  readonly observed?: readonly ElementRef[]
}

/** An operation with what it means and everything before it, found the slow way. */
export interface Deed {
  readonly id: string
  readonly operation: Operation
  readonly edits: readonly Meant[]
  /** Hexadecimal ids of all ancestors. */
  readonly past: ReadonlySet<string>
}

/** Numbers from which one operation is made. */
export interface Step {
  readonly holder: number
  /** How far back in its own log the author goes on from; more than 0 may fork. */
  readonly back: number
  readonly deps: readonly number[]
  readonly timeStep: number
  /** Every so often a revocation rather than edits. */
  readonly revokes: boolean
  readonly pick: number
  readonly edits: readonly {
    readonly type: number
    readonly path: number
    readonly field: number
    readonly removes: number
    readonly value: number
  }[]
}

export const PATHS = ['mallory/a', 'mallory/b'] as const
const TYPES = ['register', 'map', 'edge', 'set', 'counter', 'blob', 'claim', 'log'] as const
const { bob, carol, dave, daveByCarol, mallory, malloryByDave } = HOLDERS
/** Alice, who owns the space, never forks and is never revoked here: she is who settles. */
const HOLDER_LIST = [bob, carol, dave, daveByCarol, mallory, malloryByDave]

export function steps(most: number): fc.Arbitrary<readonly Step[]> {
  const edit = fc.record({
    type: fc.nat(TYPES.length - 1),
    path: fc.nat(PATHS.length - 1),
    field: fc.nat(1),
    removes: fc.nat(3),
    value: fc.nat(99),
  })
  const step = fc.record({
    holder: fc.nat(HOLDER_LIST.length - 1),
    back: fc.oneof(
      { weight: 6, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) },
    ),
    deps: fc.array(fc.nat(8), { maxLength: 3 }),
    timeStep: fc.nat(2),
    revokes: fc.oneof(
      { weight: 7, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
    pick: fc.nat(100),
    edits: fc.array(edit, { minLength: 1, maxLength: 4 }),
  })
  return fc.array(step, { minLength: 1, maxLength: most, size: 'max' })
}

/** Makes an operation for each step; some are not to be admitted, as mallory's are not. Equal ones come once. */
export function makeDeeds(planned: readonly Step[]): readonly Deed[] {
  const deeds: Deed[] = []
  for (const step of planned) {
    const deed = makeDeed(step, deeds)
    if (!deeds.some(({ id }) => id === deed.id)) deeds.push(deed)
  }
  return deeds
}

function makeDeed(step: Step, deeds: readonly Deed[]): Deed {
  const { author, chain } = HOLDER_LIST[step.holder] as (typeof HOLDER_LIST)[number]
  const own = deeds.filter(({ operation }) => toHex(operation.header.author) === toHex(author.publicKey))
  const prev = own.at(-1 - Math.min(step.back, Math.max(0, own.length - 1)))?.operation ?? null
  const deps = new Map(
    step.deps
      .flatMap((back) => deeds.at(-1 - back)?.operation ?? [])
      .filter((operation) => operation !== prev)
      .map((operation) => [toHex(operation.id), operation]),
  )
  if (prev === null && deps.size === 0) deps.set('', publication)
  const parents = prev === null ? [...deps.values()] : [prev, ...deps.values()]
  const past = new Set(
    parents.flatMap(({ id }) => {
      const known = deeds.find((deed) => deed.id === toHex(id))
      return [toHex(id), ...(known?.past ?? realm.map((one) => toHex(one.id)))]
    }),
  )
  const time = Math.max(
    GENESIS_MS + step.timeStep,
    ...parents.map(({ header }) => header.time + step.timeStep),
  )
  const header = { caps: chain.map(({ digest }) => digest), time }
  const common = { author, prev, deps: [...deps.values()] }
  if (step.revokes) {
    const given = TOKENS.filter(({ issuer }) => toHex(issuer) === toHex(author.publicKey))
    const some = given.length > 0 && step.pick % 5 > 0 ? given : TOKENS
    const target = (some[step.pick % some.length] as VerifiedDelegation).digest
    const known = deeds.filter(({ id }) => past.has(id))
    const kept = known.at(-1 - (step.pick % Math.max(1, known.length)))
    const cut = kept === undefined || step.pick % 3 === 0 ? [] : [kept.operation.id]
    const operation = forge({
      ...common,
      body: [revokeDelegation({ target, cut })],
      header: { ...header, command: '/cap/revoke', path: '' },
    })
    return { id: toHex(operation.id), operation, edits: [], past }
  }
  const drafts = step.edits.map((edit, index) => draft(edit, index, deeds, past))
  const operation = forge({
    ...common,
    body: drafts.map(({ bytes }) => bytes),
    header: { ...header, path: 'mallory' },
  })
  const { id } = operation
  const edits = drafts.map(({ meant }) =>
    meant.type === 'log'
      ? { ...meant, field: entryField({ id, index: meant.index, time, lamport: operation.header.lamport }) }
      : meant,
  )
  return { id: toHex(id), operation, edits, past }
}

function draft(
  { type: typeAt, path: pathAt, field: fieldAt, removes, value }: Step['edits'][number],
  index: number,
  deeds: readonly Deed[],
  past: ReadonlySet<string>,
): { readonly bytes: Uint8Array; readonly meant: Meant } {
  const type = TYPES[typeAt] as (typeof TYPES)[number]
  const path = PATHS[pathAt] as string
  const end = { label: 'knows', to: fieldAt === 0 ? 'people/x' : 'people/y' }
  const name = fieldAt === 0 ? 'x' : 'y'
  const field = type === 'map' || type === 'set' ? name : type === 'edge' ? edgeField(end) : ''
  const where = { index, path, type, field }
  if (type === 'log') return { bytes: appendEntry(path, value), meant: { ...where, kind: 'set', value } }
  if (type === 'counter') {
    return removes === 0
      ? { bytes: clearCounter(path), meant: { ...where, kind: 'clear' } }
      : { bytes: addToCounter(path, value - 50), meant: { ...where, kind: 'add', by: value - 50 } }
  }
  if (removes > 0) {
    switch (type) {
      case 'register':
        return { bytes: setRegister(path, value), meant: { ...where, kind: 'set', value } }
      case 'map':
        return { bytes: editMap(path, { set: { [field]: value } }), meant: { ...where, kind: 'set', value } }
      case 'edge':
        return { bytes: setEdge(path, end, value), meant: { ...where, kind: 'set', value } }
      case 'set':
        return { bytes: editSet(path, { add: [field] }), meant: { ...where, kind: 'set', value: true } }
      case 'claim':
        return { bytes: makeClaim(path, value), meant: { ...where, kind: 'set', value } }
      case 'blob': {
        const reference = { hash: sha256(utf8(String(value))), size: value }
        return { bytes: setBlob(path, reference), meant: { ...where, kind: 'set', value: reference } }
      }
    }
  }
  // What an honest author removes is there: all that was written of late and that it has seen; now and then only some of it.
  const seen = deeds
    .filter(({ id }) => past.has(id))
    .flatMap((deed) => deed.edits.map((edit) => ({ deed, edit })))
    .filter(
      ({ edit }) => edit.kind === 'set' && edit.path === path && edit.type === type && edit.field === field,
    )
    .map(({ deed, edit }) => ({ id: deed.operation.id, index: edit.index }))
  const observed = value % 5 === 0 ? seen.slice(0, 1) : seen.slice(-3)
  const meant: Meant = { ...where, kind: 'remove', observed }
  switch (type) {
    case 'register':
      return { bytes: deleteRegister(path, observed), meant }
    case 'map':
      return { bytes: editMap(path, { remove: { [field]: observed } }), meant }
    case 'edge':
      return { bytes: removeEdge(path, end, observed), meant }
    case 'set':
      return { bytes: editSet(path, { remove: { [field]: observed } }), meant }
    case 'claim':
      return { bytes: releaseClaim(path, observed), meant }
    case 'blob':
      return { bytes: deleteBlob(path, observed), meant }
  }
}
