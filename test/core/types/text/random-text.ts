import fc from 'fast-check'
import { sha256 } from '../../../../src/core/hash.ts'
import { utf8 } from '../../../../src/core/bytes.ts'
import type { TextAction, TextEdit } from '../../../../src/core/types/text/edit.ts'
import { TextDocument } from '../../../../src/core/types/text/document.ts'
import type { TextDelta } from '../../../../src/core/types/text/delta.ts'
import type { NaiveNode } from '../../../../simulation/oracle/naive-text.ts'

/** What one random node is made from; positions are taken modulo what its past has. */
export interface Step {
  readonly salt: number
  readonly parents: readonly number[]
  /** Follows everything that nobody has followed yet. */
  readonly followsAll: boolean
  readonly kind: 'edits' | 'delete' | 'beyond' | 'empty'
  readonly edits: readonly (readonly [position: number, deleted: number, inserted: string])[]
}

const characters = fc.constantFrom('a', 'b', 'c', ' ', 'ä', '語', '😀', '\n')

/** Histories with branches from anywhere (a forked author is no more than that), merges, void edits and deletions of the text. */
export function steps(most: number): fc.Arbitrary<readonly Step[]> {
  return fc.array(
    fc.record({
      salt: fc.nat(1_000_000),
      parents: fc.array(fc.nat(), { maxLength: 3 }),
      followsAll: fc.boolean(),
      kind: fc.oneof(
        { weight: 14, arbitrary: fc.constant('edits' as const) },
        { weight: 1, arbitrary: fc.constantFrom('delete' as const, 'beyond' as const, 'empty' as const) },
      ),
      edits: fc.array(
        fc.tuple(
          fc.nat(),
          fc.oneof(fc.constant(0), fc.nat(4)),
          fc.string({ unit: characters, maxLength: 4 }),
        ),
        { minLength: 1, maxLength: 4 },
      ),
    }),
    { minLength: 1, maxLength: most },
  )
}

/** The nodes of a random history. Positions are bent to fit with the help of the walker, whose verdict the tests check. */
export function nodesOf(history: readonly Step[]): readonly NaiveNode[] {
  const document = createDocument()
  const nodes: NaiveNode[] = []
  history.forEach((step, index) => {
    const chosen = step.parents.map((pick) => pick % Math.max(index, 1)).filter((parent) => parent < index)
    const parents = step.followsAll ? [...document.heads] : [...new Set(chosen)].sort((a, b) => a - b)
    const past = createDocument()
    const members = membersOf(nodes, parents)
    const numbers = new Map<number, number>()
    for (const member of members)
      numbers.set(member, add(past, { ...renumber(nodes[member] as NaiveNode, numbers), isMasked: false }))
    const node = {
      id: sha256(utf8(`${step.salt}/${index}`)),
      parents,
      action: actionOf(step, past.characters),
    }
    nodes.push(node)
    add(document, { ...node, isMasked: false })
  })
  return nodes
}

/** The ids of the operations that documents of a test were given, by the number they have there. */
const ids: Uint8Array[] = []

export function createDocument(): TextDocument {
  return new TextDocument((operation) => ids[operation] as Uint8Array)
}

/** Adds a node to a document under a new number. */
export function add(document: TextDocument, node: NaiveNode & { readonly isMasked: boolean }): number {
  const { id, parents, action, isMasked } = node
  return document.add({ operation: ids.push(id) - 1, parents, action, isMasked })
}

/** A node with its parents' numbers in another document. */
export function renumber(node: NaiveNode, numbers: ReadonlyMap<number, number>): NaiveNode {
  return { ...node, parents: node.parents.map((parent) => numbers.get(parent) as number) }
}

/** Indexes of nodes in a random order in which parents come first. */
export function shuffle(nodes: readonly NaiveNode[], keys: readonly number[]): number[] {
  const order: number[] = []
  const isPlaced = new Set<number>()
  while (order.length < nodes.length) {
    const ready = nodes
      .map((_, index) => index)
      .filter(
        (index) => !isPlaced.has(index) && nodes[index]?.parents.every((parent) => isPlaced.has(parent)),
      )
    const next = ready[(keys[order.length % keys.length] ?? 0) % ready.length] as number
    isPlaced.add(next)
    order.push(next)
  }
  return order
}

/** What an editor does with a delta. */
export function applyDelta(text: string, delta: TextDelta): string {
  const old = Array.from(text)
  const made: string[] = []
  for (const part of delta) {
    if ('retain' in part) made.push(...old.splice(0, part.retain))
    else if ('insert' in part) made.push(part.insert)
    else if (old.splice(0, part.delete).length !== part.delete) throw new Error('deletes beyond the text')
  }
  return [...made, ...old].join('')
}

function membersOf(nodes: readonly NaiveNode[], parents: readonly number[]): number[] {
  const members = new Set(parents)
  for (let index = nodes.length - 1; index >= 0; index--)
    if (members.has(index)) for (const parent of nodes[index]?.parents ?? []) members.add(parent)
  return [...members].sort((a, b) => a - b)
}

function actionOf({ kind, edits }: Step, characters: number): TextAction {
  if (kind === 'delete') return { kind }
  if (kind === 'empty') return { kind: 'edit', edits: [[characters, 0, '']] }
  let length = characters
  const fitting: TextEdit[] = []
  for (const [pick, doomed, inserted] of edits) {
    const position = pick % (length + 1)
    const deleted = Math.min(doomed, length - position)
    if (deleted === 0 && inserted === '') continue
    fitting.push([position, deleted, inserted])
    length += Array.from(inserted).length
  }
  if (kind === 'beyond') fitting.push([length, 1, 'x'])
  return { kind: 'edit', edits: fitting.length > 0 ? fitting : [[0, 0, '']] }
}
