import { toHex } from '../src/core/bytes.ts'
import type { Operation } from '../src/core/operation/operation.ts'
import type { Checker } from './checker.ts'
import type { SimulatedNode } from './node.ts'
import { isBelow } from './oracle/history.ts'
import { judge, type Judgement } from './oracle/oracle.ts'
import { naiveState } from './oracle/state.ts'
import { spaceKey } from './people.ts'
import type { Seat } from './seat.ts'
import { AGENTS_PATH } from './writes.ts'

/** More cells than any run makes. */
const CELLS_MAX = 100_000

/** What must hold once everything is mended and honest nodes had time to agree. */
export function checkAtTheEnd(honest: readonly Seat[], checker: Checker): void {
  const nodes = honest.flatMap(({ node }) => node ?? [])
  const isRunning = nodes.length === honest.length
  checker.expect(isRunning, 'every honest node runs again', () => `${nodes.length} of ${honest.length}`)
  const known = new Map<string, Judgement | null>()
  const judgements = nodes.map((node) => judgeNode(node, checker, known))
  checkEqual(nodes, judgements, checker)
  checkAcknowledged(nodes, judgements, checker)
}

/** What must hold of each node at any time: the set, the effective set and the state against the oracle. Of two nodes, in turn. */
export function checkOnTheWay(honest: readonly Seat[], checker: Checker, turn: number): void {
  const known = new Map<string, Judgement | null>()
  for (const place of [turn, turn + 1]) {
    const node = honest[place % honest.length]?.node
    if (node != null) judgeNode(node, checker, known)
  }
}

/** `known`: judgements of the sets met so far, since most nodes have the same one. */
function judgeNode(
  node: SimulatedNode,
  checker: Checker,
  known: Map<string, Judgement | null>,
): Judgement | null {
  const { store } = node.hosted
  const operations = operationsOf(node)
  const key = operations
    .map(({ id, body }) => `${toHex(id)}${body === null ? '' : '+'}`)
    .toSorted()
    .join()
  const judgement = known.get(key) ?? judge(operations, spaceKey.publicKey)
  known.set(key, judgement)
  checker.expect(judgement !== null, 'nothing is admitted before its parents', () => node.name)
  if (judgement === null) return null
  const { inadmissible, masked, severed } = judgement
  checker.expect(inadmissible.size === 0, 'nothing is admitted that the oracle refuses', () => {
    return `${node.name}: ${[...inadmissible].map(([id, code]) => `${id} ${code}`).join(', ')}`
  })
  const wrong = store.entriesFrom(0, store.count()).filter(({ ordinal, id }) => {
    const mask = store.mask(ordinal)
    return (
      (mask !== undefined) !== masked.has(toHex(id)) || (mask?.isSevered ?? false) !== severed.has(toHex(id))
    )
  })
  checker.expect(wrong.length === 0, 'the effective set is what the oracle says', () => {
    return `${node.name}: ${wrong.map(({ id }) => toHex(id)).join(', ')}`
  })
  checkState(node, judgement, checker)
  return judgement
}

function checkState(node: SimulatedNode, judgement: Judgement, checker: Checker): void {
  const expected = naiveState(judgement)
  const shown = new Map(
    node.hosted.store
      .cells({ prefix: '', limit: CELLS_MAX })
      .map(({ key, cell }) => [`${key.path}|${key.type}|${key.field}`, toHex(cell.value)]),
  )
  const differing = [...new Set([...expected.keys(), ...shown.keys()])].filter(
    (cell) => expected.get(cell) !== shown.get(cell),
  )
  checker.expect(differing.length === 0, 'the state is the fold of the effective operations', () => {
    return `${node.name}: ${differing.map((cell) => `${cell} is ${shown.get(cell)}, not ${expected.get(cell)}`).join('; ')}`
  })
}

/** Equal sets, but for what is severed, which nobody asks for (DESIGN §4). */
function checkEqual(
  nodes: readonly SimulatedNode[],
  judgements: readonly (Judgement | null)[],
  checker: Checker,
): void {
  const [first] = nodes
  const expected = keptIds(judgements[0] ?? null)
  for (const [i, node] of nodes.entries()) {
    const kept = keptIds(judgements[i] ?? null)
    checker.expect(kept.symmetricDifference(expected).size === 0, 'healed nodes have equal sets', () => {
      return `${node.name} differs from ${first?.name}: lacks ${[...expected.difference(kept)].join(', ')}; has ${[...kept.difference(expected)].join(', ')}`
    })
    const isEqual = (rootOf: (node: SimulatedNode) => Uint8Array) =>
      first !== undefined && toHex(rootOf(node)) === toHex(rootOf(first))
    const areRootsEqual =
      isEqual(({ hosted }) => hosted.replica.clockRoot()) &&
      (node.isPartial || isEqual(({ hosted }) => hosted.replica.stateRoot()))
    checker.expect(areRootsEqual, 'healed nodes have equal roots', () => `${node.name} and ${first?.name}`)
    const lacked = first === undefined ? [] : lackedBodies(node, first)
    checker.expect(
      lacked.length === 0,
      'healed nodes have the bodies that others have and they may read',
      () => {
        return `${node.name} lacks ${lacked.join(', ')}`
      },
    )
    if (node.isPartial) checkUnread(node, checker)
  }
}

/** No body is at a node that may not read it. */
function checkUnread(node: SimulatedNode, checker: Checker): void {
  const own = toHex(node.author.publicKey)
  for (const { header, body } of operationsOf(node)) {
    const mayBeThere = header.command.startsWith('/cap/') || isBelow(header.path, AGENTS_PATH)
    const isOwn = toHex(header.author) === own
    checker.expect(body === null || mayBeThere || isOwn, 'no body is where it may not be read', () => {
      return `${node.name} has the body of an operation at ${JSON.stringify(header.path)}`
    })
  }
}

/**
 * Ids of the operations whose body one node lacks, may read, and would get from another. A body that its author never gave to
 * anybody is nowhere, and makes no difference between nodes.
 */
export function lackedBodies(node: SimulatedNode, other: SimulatedNode): readonly string[] {
  const path = node.isPartial ? AGENTS_PATH : ''
  const { store } = other.hosted
  return node.hosted.store
    .absentBodies(CELLS_MAX)
    .filter((entry) => isBelow(entry.path, path))
    .filter(({ id }) => {
      const there = store.find(id)
      return there !== undefined && store.operation(there.ordinal).body !== null
    })
    .map(({ id }) => toHex(id))
}

function checkAcknowledged(
  nodes: readonly SimulatedNode[],
  judgements: readonly (Judgement | null)[],
  checker: Checker,
): void {
  for (const [id, author] of checker.acknowledged) {
    for (const [i, node] of nodes.entries()) {
      const isThere = node.hosted.store.find(Buffer.from(id, 'hex')) !== undefined
      const isSevered = judgements.some((judgement) => judgement?.severed.has(id))
      checker.expect(isThere || isSevered, 'every acknowledged write is admitted everywhere', () => {
        return `${id} of ${author} is not at ${nodes[i]?.name}`
      })
    }
  }
}

function keptIds(judgement: Judgement | null): ReadonlySet<string> {
  return new Set([...(judgement?.history.keys() ?? [])].filter((id) => judgement?.severed.has(id) !== true))
}

function operationsOf({ hosted }: SimulatedNode): readonly Operation[] {
  const { store } = hosted
  return store.entriesFrom(0, store.count()).map(({ ordinal }) => hosted.operation(ordinal))
}
