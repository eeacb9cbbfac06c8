import { toHex } from '../../src/core/bytes.ts'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { isBelow, isMap, type Event, type RawChange } from './history.ts'
import { foldNaively, type NaiveNode } from './naive-text.ts'
import type { Judgement } from './oracle.ts'

interface Write {
  readonly event: Event
  readonly index: number
  readonly value: string
}

type Edit =
  | { readonly kind: 'set'; readonly cell: string; readonly value: unknown }
  | { readonly kind: 'remove'; readonly cell: string; readonly elements: readonly string[] }
  | { readonly kind: 'add'; readonly cell: string; readonly by: number }
  | { readonly kind: 'clear'; readonly cell: string }

/** Everything that effective operations did to one cell, in no particular order. */
interface CellHistory {
  readonly writes: Write[]
  /** Elements that removals name, as `id/index`. */
  readonly removed: Set<string>
  readonly increments: { readonly event: Event; readonly by: number }[]
  /** The operations that clear it. */
  readonly clearings: Event[]
}

/** What shows, by `path|type|field`, as canonical bytes in hexadecimal: every effective write and removal, folded anew. */
export function naiveState({
  history,
  masked,
}: Pick<Judgement, 'history' | 'masked'>): ReadonlyMap<string, string> {
  const cells = new Map<string, CellHistory>()
  for (const event of history.values()) {
    if (masked.has(event.id)) continue
    for (const [index, change] of event.changes.entries())
      for (const edit of editsOf(change, event, index)) note(edit, event, index, cells)
  }
  const state = new Map<string, string>()
  for (const [cell, done] of cells) {
    const shown = shownBy(cell.split('|')[1] as string, done)
    if (shown !== null) state.set(cell, shown)
  }
  for (const [path, nodes] of textsOf([...history.values()])) {
    const { text, exists } = foldNaively(nodes).show(
      (node) => !masked.has((nodes[node] as TextNode).event.id),
    )
    if (exists) state.set(`${path}|text|`, toHex(encodeCanonical(text)))
  }
  return state
}

type TextNode = NaiveNode & { readonly event: Event }

/**
 * The changes of each text by its path, masked ones too, parents first; each follows all of its past, and its operation's earlier ones.
 * What follows an operation that may have changed the text and whose body is not here cannot be placed.
 */
function textsOf(events: readonly Event[]): ReadonlyMap<string, readonly TextNode[]> {
  const texts = new Map<string, TextNode[]>()
  const absent = events.filter(({ isBodyAbsent }) => isBodyAbsent)
  for (const event of events) {
    const unknown = absent.filter(({ id }) => event.past.has(id)).map(({ header }) => header.path)
    for (const change of event.changes) {
      const action = readTextAction(change, event)
      if (change === null || action === null) continue
      if ((texts.get(change[2]) ?? []).filter((node) => node.event === event).length >= 16) continue
      if (unknown.some((path) => isBelow(change[2], path))) continue
      const nodes = texts.get(change[2]) ?? []
      texts.set(change[2], nodes)
      const parents = [...nodes.keys()].filter((node) => {
        const before = (nodes[node] as TextNode).event
        return before === event || event.past.has(before.id)
      })
      nodes.push({ id: Buffer.from(event.id, 'hex'), parents, action, event })
    }
  }
  return texts
}

function readTextAction(change: RawChange, event: Event): NaiveNode['action'] | null {
  if (change === null || !event.header.command.startsWith('/op/')) return null
  const [type, version, path, payload] = change
  if (type !== 'text' || version !== 1 || !isBelow(path, event.header.path) || !isMap(payload)) return null
  const [key, ...others] = Object.keys(payload)
  if (others.length > 0) return null
  if (key === 'delete') return payload['delete'] === true ? { kind: 'delete' } : null
  const edits = payload['edits']
  if (key !== 'edits' || !Array.isArray(edits) || edits.length === 0 || edits.length > 4096) return null
  for (const edit of edits as unknown[]) {
    if (!Array.isArray(edit) || edit.length !== 3) return null
    const [position, deleted, inserted] = edit as unknown[]
    const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0
    if (!isCount(position) || !isCount(deleted) || typeof inserted !== 'string') return null
    if (deleted === 0 && inserted === '' && edits.length > 1) return null
  }
  return { kind: 'edit', edits: edits as [number, number, string][] }
}

function note(edit: Edit, event: Event, index: number, cells: Map<string, CellHistory>): void {
  const cell = cells.get(edit.cell) ?? { writes: [], removed: new Set(), increments: [], clearings: [] }
  cells.set(edit.cell, cell)
  if (edit.kind === 'set') cell.writes.push({ event, index, value: toHex(encodeCanonical(edit.value)) })
  else if (edit.kind === 'remove') for (const element of edit.elements) cell.removed.add(element)
  else if (edit.kind === 'add') cell.increments.push({ event, by: edit.by })
  else cell.clearings.push(event)
}

/** What the fold of a type shows, by the letter of docs/protocol.md §3; null for nothing. */
function shownBy(type: string, { writes, removed, increments, clearings }: CellHistory): string | null {
  const isKept = ({ event, index }: Write) => !removed.has(`${event.id}/${index}`)
  if (type === 'counter') {
    const counted = increments.filter(({ event }) => !clearings.some(({ past }) => past.has(event.id)))
    const sum = counted.reduce((tally, { by }) => tally + BigInt(by), 0n)
    const isLong = sum > 9007199254740991n || sum < -9007199254740991n
    return counted.length === 0 ? null : toHex(encodeCanonical(isLong ? `${sum}` : Number(sum)))
  }
  if (type === 'set') return writes.some(isKept) ? toHex(encodeCanonical(true)) : null
  if (type === 'claim') {
    const open = writes.filter(isKept)
    return (
      open.find((write) => open.every((other) => other === write || isLater(other, write)))?.value ?? null
    )
  }
  const last = writes.find((write) => writes.every((other) => other === write || isLater(write, other)))
  return last !== undefined && isKept(last) ? last.value : null
}

function isLater({ event: a, index: i }: Write, { event: b, index: j }: Write): boolean {
  if (a.header.time !== b.header.time) return a.header.time > b.header.time
  if (a.header.lamport !== b.header.lamport) return a.header.lamport > b.header.lamport
  return a.id === b.id ? i > j : a.id > b.id
}

/** What one change does; nothing where it is void. */
function editsOf(change: RawChange, event: Event, index: number): readonly Edit[] {
  if (change === null || !event.header.command.startsWith('/op/')) return []
  const [type, version, path, payload] = change
  if (version !== 1 || !isBelow(path, event.header.path) || !isMap(payload)) return []
  const edits = readEdits(type, path, payload, event, index)
  const isKnown = (element: string) => event.past.has(element.slice(0, 64))
  return edits.every((edit) => edit.kind !== 'remove' || edit.elements.every(isKnown)) ? edits : []
}

function readEdits(
  type: string,
  path: string,
  payload: Readonly<Record<string, unknown>>,
  event: Event,
  index: number,
): readonly Edit[] {
  switch (type) {
    case 'register':
      return valueEdits(`${path}|register|`, 'set', 'delete', payload)
    case 'claim':
      return valueEdits(`${path}|claim|`, 'claim', 'release', payload)
    case 'blob':
      return valueEdits(`${path}|blob|`, 'set', 'delete', payload)
    case 'map':
      return mapEdits(path, payload)
    case 'set':
      return setEdits(path, payload)
    case 'edge': {
      const { label, to, ...rest } = payload
      const isEnd = (end: unknown): end is string => typeof end === 'string' && end !== ''
      if (!isEnd(label) || !isEnd(to) || label.includes('/')) return []
      return valueEdits(`${path}|edge|${label}/${to}`, 'set', 'remove', rest)
    }
    case 'log': {
      if (Object.keys(payload).join() !== 'append') return []
      const hex = (number: number, width: number) => number.toString(16).padStart(width, '0')
      const { time, lamport } = event.header
      const place = `${hex(time, 14)}${hex(lamport, 14)}${event.id}${hex(index, 4)}`
      return [{ kind: 'set', cell: `${path}|log|${place}`, value: payload['append'] }]
    }
    case 'counter': {
      const cell = `${path}|counter|`
      const [key, ...others] = Object.keys(payload)
      const content = payload[key ?? '']
      if (others.length > 0) return []
      if (key === 'add' && Number.isSafeInteger(content)) return [{ kind: 'add', cell, by: Number(content) }]
      return key === 'clear' && content === true ? [{ kind: 'clear', cell }] : []
    }
    default:
      return []
  }
}

/** A change that either writes one value or removes elements. */
function valueEdits(
  cell: string,
  write: string,
  remove: string,
  payload: Readonly<Record<string, unknown>>,
): readonly Edit[] {
  const [key, ...others] = Object.keys(payload)
  if (others.length > 0) return []
  if (key === write) return [{ kind: 'set', cell, value: payload[write] }]
  const elements = key === remove ? readElements(payload[remove]) : null
  return elements === null ? [] : [{ kind: 'remove', cell, elements }]
}

function setEdits(path: string, payload: Readonly<Record<string, unknown>>): readonly Edit[] {
  const edits: Edit[] = []
  for (const [action, members] of Object.entries(payload)) {
    if (action === 'add' && Array.isArray(members) && members.length > 0) {
      for (const member of members as string[])
        edits.push({ kind: 'set', cell: `${path}|set|${member}`, value: true })
    } else if (action === 'remove' && isMap(members) && Object.keys(members).length > 0) {
      for (const [member, refs] of Object.entries(members)) {
        const elements = readElements(refs)
        if (elements === null) return []
        edits.push({ kind: 'remove', cell: `${path}|set|${member}`, elements })
      }
    } else return []
  }
  return eachOnce(edits)
}

function mapEdits(path: string, payload: Readonly<Record<string, unknown>>): readonly Edit[] {
  const edits: Edit[] = []
  for (const [action, fields] of Object.entries(payload)) {
    if (!isMap(fields) || Object.keys(fields).length === 0) return []
    for (const [field, value] of Object.entries(fields)) {
      const cell = `${path}|map|${field}`
      const elements = action === 'remove' ? readElements(value) : null
      if (action === 'set') edits.push({ kind: 'set', cell, value })
      else if (elements !== null) edits.push({ kind: 'remove', cell, elements })
      else return []
    }
  }
  return eachOnce(edits)
}

/** A change that says two things about one cell is void. */
function eachOnce(edits: readonly Edit[]): readonly Edit[] {
  return new Set(edits.map(({ cell }) => cell)).size === edits.length ? edits : []
}

/** Elements as `id/index`. */
function readElements(value: unknown): readonly string[] | null {
  if (!Array.isArray(value)) return null
  const elements = (value as unknown[]).map((element) => {
    const [id, index] = Array.isArray(element) ? (element as unknown[]) : []
    return id instanceof Uint8Array && typeof index === 'number' ? `${toHex(id)}/${index}` : null
  })
  return elements.every((element) => element !== null) ? elements : null
}
