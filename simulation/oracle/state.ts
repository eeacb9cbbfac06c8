import { toHex } from '../../src/core/bytes.ts'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { isBelow, isMap, type Event, type RawChange } from './history.ts'
import type { Judgement } from './oracle.ts'

interface Write {
  readonly cell: string
  readonly time: number
  readonly lamport: number
  readonly id: string
  readonly index: number
  readonly value: string
}

type Edit =
  | { readonly kind: 'set'; readonly cell: string; readonly value: unknown }
  | { readonly kind: 'remove'; readonly cell: string; readonly elements: readonly string[] }

/** What shows, by `path|type|field`, as canonical bytes in hexadecimal: every effective write and removal, folded anew. */
export function naiveState({ history, masked }: Judgement): ReadonlyMap<string, string> {
  const writes: Write[] = []
  const removed = new Set<string>()
  for (const event of history.values()) {
    if (masked.has(event.id)) continue
    const { time, lamport } = event.header
    for (const [index, change] of event.changes.entries()) {
      for (const edit of editsOf(change, event)) {
        if (edit.kind === 'remove')
          for (const element of edit.elements) removed.add(`${edit.cell} ${element}`)
        else {
          const value = toHex(encodeCanonical(edit.value))
          writes.push({ cell: edit.cell, time, lamport, id: event.id, index, value })
        }
      }
    }
  }
  const state = new Map<string, string>()
  for (const write of writes) {
    const isLast = writes.every(
      (other) => other.cell !== write.cell || other === write || isLater(write, other),
    )
    if (isLast && !removed.has(`${write.cell} ${write.id}/${write.index}`)) state.set(write.cell, write.value)
  }
  return state
}

function isLater(a: Write, b: Write): boolean {
  if (a.time !== b.time) return a.time > b.time
  if (a.lamport !== b.lamport) return a.lamport > b.lamport
  return a.id === b.id ? a.index > b.index : a.id > b.id
}

/** What one change does; nothing where it is void. */
function editsOf(change: RawChange, event: Event): readonly Edit[] {
  if (change === null || !event.header.command.startsWith('/op/')) return []
  const [type, version, path, payload] = change
  if (version !== 1 || !isBelow(path, event.header.path) || !isMap(payload)) return []
  const edits =
    type === 'register' ? registerEdits(path, payload) : type === 'map' ? mapEdits(path, payload) : []
  const isKnown = (element: string) => event.past.has(element.slice(0, 64))
  return edits.every((edit) => edit.kind === 'set' || edit.elements.every(isKnown)) ? edits : []
}

function registerEdits(path: string, payload: Readonly<Record<string, unknown>>): readonly Edit[] {
  const cell = `${path}|register|`
  const [key, ...others] = Object.keys(payload)
  if (others.length > 0) return []
  if (key === 'set') return [{ kind: 'set', cell, value: payload['set'] }]
  const elements = key === 'delete' ? readElements(payload['delete']) : null
  return elements === null ? [] : [{ kind: 'remove', cell, elements }]
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
  const cells = edits.map(({ cell }) => cell)
  return new Set(cells).size === cells.length ? edits : []
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
