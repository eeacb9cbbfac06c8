import fc from 'fast-check'
import { equalBytes, toHex } from '../src/core/bytes.ts'
import type { ElementRef } from '../src/core/changes/change.ts'
import { editMap } from '../src/core/types/map/change.ts'
import { deleteRegister, setRegister } from '../src/core/types/register/change.ts'
import type { Operation } from '../src/core/operation/operation.ts'
import type { Signer } from '../src/core/signature.ts'
import { beginning, bob, carol, dave, forge, GENESIS_MS, genesis, mallory } from './cast.ts'

/** One edit as the oracle sees it: what was meant, beside the change that says it. */
export type MeantEdit = {
  readonly path: string
  readonly type: 'register' | 'map'
  readonly field: string
} & (
  | { readonly kind: 'set'; readonly value: number }
  | { readonly kind: 'remove'; readonly observed: readonly ElementRef[] }
)

/** An operation of a random history, with what it means and everything before it, found the slow way. */
export interface Event {
  readonly operation: Operation
  /** One for each change of the body; null where the change must be void. */
  readonly edits: readonly (MeantEdit | null)[]
  /** Hexadecimal ids of all ancestors. */
  readonly past: ReadonlySet<string>
}

/** Numbers from which one operation is made; any numbers make a valid one. */
export interface Plan {
  readonly author: number
  /** 0: goes on with a head of its own; otherwise it may fork, from so many operations back. */
  readonly back: number
  readonly deps: readonly number[]
  readonly timeStep: number
  readonly edits: readonly { readonly path: number; readonly shape: number; readonly target: number }[]
}

const AUTHORS: readonly Signer[] = [bob, carol, mallory, dave]
const PATHS = ['mallory', 'mallory/a', 'mallory/a/b', 'mallory/ab', 'mallory/ä']

/** Plans of up to `most` operations; about one in six tries to fork. */
export function plans(most: number): fc.Arbitrary<readonly Plan[]> {
  const edit = fc.record({ path: fc.nat(9), shape: fc.nat(9), target: fc.nat(50) })
  const plan = fc.record({
    author: fc.nat(AUTHORS.length - 1),
    back: fc.oneof(
      { weight: 5, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }) },
    ),
    deps: fc.array(fc.nat(12), { maxLength: 4 }),
    timeStep: fc.nat(2),
    edits: fc.array(edit, { maxLength: 3 }),
  })
  return fc.array(plan, { maxLength: most })
}

/** Makes the operations of the plans, each valid: an author never builds on two of its own branches. Parents come first. */
export function makeHistory(plans: readonly Plan[]): readonly Event[] {
  const events: Event[] = beginning.map((operation) => ({ operation, edits: [], past: new Set<string>() }))
  events[1] = { ...(events[1] as Event), past: new Set([toHex(genesis.id)]) }
  for (const plan of plans) {
    const made = makeEvent(plan, events)
    // Equal plans can make equal operations, which are one operation.
    if (!events.some(({ operation }) => equalBytes(operation.id, made.operation.id))) events.push(made)
  }
  return events.slice(beginning.length)
}

function makeEvent(plan: Plan, events: readonly Event[]): Event {
  const author = AUTHORS[plan.author] as Signer
  const own = events.filter(({ operation }) => operation.header.author === author.publicKey)
  const prev = own.at(-1 - Math.min(plan.back, own.length)) ?? null
  const isAllowed = (event: Event) =>
    own.every((one) => !isAtOrBefore(one, event) || (prev !== null && isAtOrBefore(one, prev)))
  const picked = new Set(plan.deps.map((back) => events[Math.max(0, events.length - 1 - back)] as Event))
  const deps = [...picked].filter((event) => event !== prev && isAllowed(event))
  const grant = events[1] as Event
  const parents = prev === null && deps.length === 0 ? [grant] : prev === null ? deps : [prev, ...deps]
  const knowsGrant = parents.some((parent) => isAtOrBefore(grant, parent))
  const all = knowsGrant ? parents : [...parents, grant]
  const past = new Set(all.flatMap((parent) => [toHex(parent.operation.id), ...parent.past]))
  const made = plan.edits.map((edit) => makeEdit(edit, events, past))
  const time = Math.max(GENESIS_MS, ...all.map((parent) => parent.operation.header.time)) + plan.timeStep
  const operation = forge({
    author,
    prev: prev === null ? null : prev.operation,
    deps: all.filter((parent) => parent !== prev).map((parent) => parent.operation),
    body: made.map(({ bytes }) => bytes),
    header: { time, path: 'mallory' },
  })
  return { operation, edits: made.map(({ meant }) => meant), past }
}

function isAtOrBefore(earlier: Event, later: Event): boolean {
  return earlier === later || later.past.has(toHex(earlier.operation.id))
}

function makeEdit(
  { path: pick, shape, target }: Plan['edits'][number],
  events: readonly Event[],
  past: ReadonlySet<string>,
): { readonly bytes: Uint8Array; readonly meant: MeantEdit | null } {
  const path = PATHS[pick % PATHS.length] as string
  if (shape === 9) return { bytes: setRegister('elsewhere', target), meant: null }
  if (shape < 3)
    return {
      bytes: setRegister(path, target),
      meant: { path, type: 'register', field: '', kind: 'set', value: target },
    }
  const field = shape % 2 === 0 ? 'x' : 'y'
  if (shape < 6) {
    return {
      bytes: editMap(path, { set: { [field]: target } }),
      meant: { path, type: 'map', field, kind: 'set', value: target },
    }
  }
  // Mostly a removal of a write that is there to remove; else of anything, also of what the author cannot know.
  const writes = events.flatMap((event) =>
    event.edits.flatMap((edit, index) =>
      edit?.kind === 'set' && past.has(toHex(event.operation.id)) ? [{ event, edit, index }] : [],
    ),
  )
  const write =
    shape < 9 && target % 4 !== 0 ? writes.at(-1 - (target % Math.max(1, writes.length))) : undefined
  const seen = write?.event ?? events.at(-1 - (target % events.length))
  if (seen === undefined) throw new Error('a history begins with the beginning')
  const observed = [{ id: seen.operation.id, index: write?.index ?? target % 2 }]
  const cell =
    write?.edit ??
    ({ path, type: shape === 6 ? 'register' : 'map', field: shape === 6 ? '' : field } as const)
  const meant = { path: cell.path, type: cell.type, field: cell.field, kind: 'remove', observed } as const
  const bytes =
    cell.type === 'register'
      ? deleteRegister(cell.path, observed)
      : editMap(cell.path, { remove: { [cell.field]: observed } })
  return { bytes, meant: past.has(toHex(seen.operation.id)) ? meant : null }
}

/** A shuffle of the events that keeps parents before children, chosen by the numbers given. */
export function topologicalOrder(events: readonly Event[], choices: readonly number[]): readonly Event[] {
  const ids = new Set(events.map(({ operation }) => toHex(operation.id)))
  const done = new Set<string>()
  const open = [...events]
  const ordered: Event[] = []
  for (let step = 0; open.length > 0; step++) {
    const ready = open.filter(({ past }) => [...past].every((id) => !ids.has(id) || done.has(id)))
    const next = ready[(choices[step % Math.max(1, choices.length)] ?? 0) % ready.length] as Event
    open.splice(open.indexOf(next), 1)
    done.add(toHex(next.operation.id))
    ordered.push(next)
  }
  return ordered
}

/** The events of a subset that is closed under "before": each of `tips` and all of its ancestors. */
export function closure(events: readonly Event[], tips: readonly number[]): readonly Event[] {
  const wanted = new Set<string>()
  for (const tip of tips) {
    const event = events[tip % Math.max(1, events.length)]
    if (event === undefined) continue
    wanted.add(toHex(event.operation.id))
    for (const id of event.past) wanted.add(id)
  }
  return events.filter(({ operation }) => wanted.has(toHex(operation.id)))
}
