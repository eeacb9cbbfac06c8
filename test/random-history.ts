import fc from 'fast-check'
import { equalBytes, toHex } from '../src/core/bytes.ts'
import type { ElementRef } from '../src/core/changes/change.ts'
import { editMap } from '../src/core/types/map/change.ts'
import { sha256 } from '../src/core/hash.ts'
import { deleteBlob, setBlob } from '../src/core/types/blob/change.ts'
import { makeClaim, releaseClaim } from '../src/core/types/claim/change.ts'
import { addToCounter, clearCounter } from '../src/core/types/counter/change.ts'
import { removeEdge, setEdge } from '../src/core/types/edge/change.ts'
import { appendEntry } from '../src/core/types/log/change.ts'
import { deleteRegister, setRegister } from '../src/core/types/register/change.ts'
import { editSet } from '../src/core/types/set/change.ts'
import { deleteText, editText } from '../src/core/types/text/change.ts'
import type { TextEdit } from '../src/core/types/text/edit.ts'
import type { Operation } from '../src/core/operation/operation.ts'
import type { Signer } from '../src/core/signature.ts'
import { foldNaively, type NaiveNode } from '../simulation/oracle/naive-text.ts'
import { beginning, bob, carol, dave, forge, GENESIS_MS, genesis, mallory } from './cast.ts'

/** One edit as the oracle sees it: what was meant, beside the change that says it. */
export type MeantEdit = {
  readonly path: string
  readonly type: 'register' | 'map' | 'edge' | 'log' | 'set' | 'counter' | 'text' | 'blob' | 'claim'
  /** Of an entry of a log: empty, since its place follows from its operation. */
  readonly field: string
} & (
  | { readonly kind: 'set'; readonly value: unknown }
  | { readonly kind: 'remove'; readonly observed: readonly ElementRef[] }
  | { readonly kind: 'add'; readonly by: number }
  /** Of a counter or a text. */
  | { readonly kind: 'clear' }
  /** Of a text; void where it does not fit. */
  | { readonly kind: 'edit'; readonly edits: readonly TextEdit[] }
)

/** An operation of a random history, with what it means and everything before it, found the slow way. */
export interface Event {
  readonly operation: Operation
  /** A list for each change of the body; null where the change must be void. */
  readonly edits: readonly (readonly MeantEdit[] | null)[]
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
/** Few, so that many meet in one text. */
const TEXT_PATHS = ['mallory', 'mallory/a/b']
const SHAPES = 32
/** Shapes of edits that type into a text, and after them the one that deletes it. */
const TEXT_SHAPES = { min: 18, max: 25 }

/** Plans of up to `most` operations; about one in six tries to fork. */
export function plans(most: number): fc.Arbitrary<readonly Plan[]> {
  return plansOf(fc.array(editsOfShape(fc.nat(SHAPES - 1)), { maxLength: 4 }), { maxLength: most })
}

/** Plans of operations that all type into texts, or delete them. */
export function typingPlans(most: number): fc.Arbitrary<readonly Plan[]> {
  const edits = fc.array(editsOfShape(fc.integer(TEXT_SHAPES)), { minLength: 1, maxLength: 3 })
  return plansOf(edits, { minLength: 4, maxLength: most })
}

function editsOfShape(shape: fc.Arbitrary<number>): fc.Arbitrary<Plan['edits'][number]> {
  return fc.record({ path: fc.nat(9), shape, target: fc.nat(50) })
}

function plansOf(
  edits: fc.Arbitrary<Plan['edits']>,
  lengths: fc.ArrayConstraints,
): fc.Arbitrary<readonly Plan[]> {
  const plan = fc.record({
    author: fc.nat(AUTHORS.length - 1),
    back: fc.oneof(
      { weight: 5, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }) },
    ),
    deps: fc.array(fc.nat(12), { maxLength: 4 }),
    timeStep: fc.nat(2),
    edits,
  })
  return fc.array(plan, lengths)
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
  const made: Made[] = []
  for (const edit of plan.edits) made.push(makeEdit(edit, events, past, made))
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

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

interface Made {
  readonly bytes: Uint8Array
  readonly meant: readonly MeantEdit[] | null
}

function makeEdit(
  { path: pick, shape, target }: Plan['edits'][number],
  events: readonly Event[],
  past: ReadonlySet<string>,
  earlier: readonly Made[],
): Made {
  const path = PATHS[pick % PATHS.length] as string
  if (shape >= TEXT_SHAPES.min && shape <= TEXT_SHAPES.max)
    return makeTextEdit(
      { path: TEXT_PATHS[pick % TEXT_PATHS.length] as string, shape, target },
      events,
      past,
      earlier,
    )
  const field = shape % 2 === 0 ? 'x' : 'y'
  const made = (bytes: Uint8Array, edit: DistributiveOmit<MeantEdit, 'path'>): Made => ({
    bytes,
    meant: [{ path, ...edit }],
  })
  switch (shape) {
    case 0:
    case 1:
    case 2:
      return made(setRegister(path, target), { type: 'register', field: '', kind: 'set', value: target })
    case 3:
    case 4:
      return made(editMap(path, { set: { [field]: target } }), {
        type: 'map',
        field,
        kind: 'set',
        value: target,
      })
    case 5:
    case 6: {
      const end = { label: field, to: PATHS[target % PATHS.length] as string }
      const edge = { type: 'edge', field: `${end.label}/${end.to}`, kind: 'set', value: target } as const
      return made(setEdge(path, end, target), edge)
    }
    case 7:
      return made(appendEntry(path, target), { type: 'log', field: '', kind: 'set', value: target })
    case 8:
    case 9: {
      const members = target % 3 === 0 ? ['x', 'y'] : [field]
      const meant = members.map(
        (member) => ({ path, type: 'set', field: member, kind: 'set', value: true }) as const,
      )
      return { bytes: editSet(path, { add: members }), meant }
    }
    case 10:
    case 11:
    case 12: {
      // Tallies go beyond what a number counts, and come back.
      const by = target % 5 === 0 ? (target - 25) * 2 ** 48 : target - 25
      return made(addToCounter(path, by), { type: 'counter', field: '', kind: 'add', by })
    }
    case 13:
      return made(clearCounter(path), { type: 'counter', field: '', kind: 'clear' })
    case 14:
    case 15:
      return made(makeClaim(path, target), { type: 'claim', field: '', kind: 'set', value: target })
    case 16: {
      const reference = { hash: sha256(Uint8Array.of(target)), size: target }
      return made(setBlob(path, reference), { type: 'blob', field: '', kind: 'set', value: reference })
    }
    case 17:
      return { bytes: setRegister('elsewhere', target), meant: null }
    default:
      return makeRemoval({ path, shape, target }, events, past)
  }
}

/** Types and deletes where there is something, counted the slow way; now and then beyond the end, the empty edit, or all of it. */
function makeTextEdit(
  { path, shape, target }: { readonly path: string; readonly shape: number; readonly target: number },
  events: readonly Event[],
  past: ReadonlySet<string>,
  earlier: readonly Made[],
): Made {
  const text = { path, type: 'text', field: '' } as const
  if (shape === TEXT_SHAPES.max) return { bytes: deleteText(path), meant: [{ ...text, kind: 'clear' }] }
  const before = events.filter(({ operation }) => past.has(toHex(operation.id)))
  const own = { operation: { id: new Uint8Array(32) }, edits: earlier.map(({ meant }) => meant), past }
  const { length } = foldNaively(textNodes([...before, own], path)).order
  const edits = target % 25 === 24 ? ([[0, 0, '']] as const) : typeAnywhere(shape, target, length)
  return { bytes: editText(path, edits), meant: [{ ...text, kind: 'edit', edits }] }
}

/** Edits of a text that has `length` characters. */
function typeAnywhere(shape: number, target: number, characters: number): readonly TextEdit[] {
  const edits: TextEdit[] = []
  let length = characters
  for (let i = 0; i <= shape % 3; i++) {
    const beyond = target % 16 === 15 ? 1 : 0
    const position = (target * (i + 1) * 7) % (length + 1)
    const inserted = ['a', 'bc', '', '😀ä語'][(target + i) % 4] as string
    const deleted = Math.min(((target + i) % 3) + (inserted === '' ? 1 : 0), length - position) + beyond
    if (deleted > 0 || inserted !== '') edits.push([position, deleted, inserted])
    length += Array.from(inserted).length
  }
  return edits.length > 0 ? edits : [[length, 0, 'd']]
}

/**
 * The changes of the text at a path, as nodes for the stupid fold: an operation's first one follows all of them in its past, a later one
 * the one before. The events come parents first.
 */
export function textNodes(
  events: readonly (Omit<Event, 'operation'> & { readonly operation: Pick<Operation, 'id'> })[],
  path: string,
): readonly NaiveNode[] {
  const nodes: NaiveNode[] = []
  for (const { operation, edits, past } of events) {
    let parents = [...nodes.keys()].filter((node) => past.has(toHex((nodes[node] as NaiveNode).id)))
    for (const edit of edits.flatMap((some) => some ?? [])) {
      if (edit.type !== 'text' || edit.path !== path) continue
      const action =
        edit.kind === 'edit' ? ({ kind: 'edit', edits: edit.edits } as const) : ({ kind: 'delete' } as const)
      parents = [nodes.push({ id: operation.id, parents, action }) - 1]
    }
  }
  return nodes
}

/** Mostly removes a write that is there to remove; else names anything, also what the author cannot know. */
function makeRemoval(
  { path, shape, target }: { readonly path: string; readonly shape: number; readonly target: number },
  events: readonly Event[],
  past: ReadonlySet<string>,
): Made {
  const writes = events.flatMap((event) =>
    past.has(toHex(event.operation.id))
      ? event.edits.flatMap((edits, index) =>
          (edits ?? []).flatMap((edit) =>
            edit.kind === 'set' && edit.type !== 'log' ? [{ event, edit, index }] : [],
          ),
        )
      : [],
  )
  const write = target % 8 === 0 ? undefined : writes.at(-1 - (target % Math.max(1, writes.length)))
  const seen = write?.event ?? events.at(-1 - (target % events.length))
  if (seen === undefined) throw new Error('a history begins with the beginning')
  const cells = [
    { path, type: 'register', field: '' },
    { path, type: 'map', field: 'x' },
    { path, type: 'set', field: 'y' },
    { path, type: 'claim', field: '' },
  ] as const
  const cell = write?.edit ?? (cells[target % cells.length] as (typeof cells)[number])
  // Of all writes of that cell which the author has seen, or of one.
  const all = writes.filter(
    ({ edit }) => edit.path === cell.path && edit.type === cell.type && edit.field === cell.field,
  )
  const observed =
    write !== undefined && shape % 2 === 0
      ? all.map(({ event, index }) => ({ id: event.operation.id, index }))
      : [{ id: seen.operation.id, index: write?.index ?? target % 2 }]
  const meant = { path: cell.path, type: cell.type, field: cell.field, kind: 'remove', observed } as const
  const isKnown = past.has(toHex(seen.operation.id))
  return { bytes: removalOf(meant), meant: isKnown ? [meant] : null }
}

function removalOf({ path, type, field, observed }: Extract<MeantEdit, { kind: 'remove' }>): Uint8Array {
  switch (type) {
    case 'register':
      return deleteRegister(path, observed)
    case 'map':
      return editMap(path, { remove: { [field]: observed } })
    case 'set':
      return editSet(path, { remove: { [field]: observed } })
    case 'edge': {
      const [label, ...to] = field.split('/')
      return removeEdge(path, { label: label as string, to: to.join('/') }, observed)
    }
    case 'claim':
      return releaseClaim(path, observed)
    case 'blob':
      return deleteBlob(path, observed)
    case 'log':
    case 'counter':
    case 'text':
      throw new Error(`nothing of a ${type} is named`)
  }
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
