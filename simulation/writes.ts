import type { VerifiedOperation } from '../src/core/operation/operation.ts'
import type { Signer } from '../src/core/signature.ts'
import { orThrow } from '../src/node/fault-error.ts'
import type { ItemEdit } from '../src/node/space/item-edit.ts'
import { roleTerms } from '../src/node/space/roles.ts'
import type { SimulatedNode } from './node.ts'
import { signerNamed } from './people.ts'
import type { Random } from './random.ts'

const PATHS = [
  'notes',
  'notes/a',
  'notes/a/deep',
  'notes/b',
  'people/ada',
  'people/bo',
  'tasks/1',
  'mallory/x',
]
/** Where agents may write, and readers of a part may read. */
export const AGENTS_PATH = 'notes'
const AGENTS_PATHS = ['notes', 'notes/a', 'notes/a/deep']
const FIELDS = ['name', 'state', 'count']
const LABELS = ['knows', 'blocks']
const TAGS = ['new', 'urgent', 'tag:ä', 'zz']
/** What can be deleted. */
const DELETABLE = ['register', 'map', 'edge', 'set', 'counter', 'claim', 'text'] as const

/** A few edits of few items, so that writers meet. */
function drawEdits(random: Random, paths: readonly string[] = PATHS): readonly ItemEdit[] {
  return Array.from({ length: random.between(1, 3) }, () => drawEdit(random, random.pick(paths)))
}

function drawEdit(random: Random, path: string): ItemEdit {
  const value = random.below(1_000)
  switch (random.below(14)) {
    case 0:
    case 1:
      return { kind: 'delete', path, type: random.pick(DELETABLE) }
    case 2:
      return { kind: 'edit', path, set: { [random.pick(FIELDS)]: value } }
    case 3:
      return { kind: 'edit', path, remove: [random.pick(FIELDS)] }
    case 4:
      return { kind: 'edit', path, set: { name: value }, remove: ['state'] }
    case 5:
      return { kind: 'link', path, label: random.pick(LABELS), to: random.pick(PATHS), value }
    case 6:
      return { kind: 'unlink', path, label: random.pick(LABELS), to: random.pick(PATHS) }
    case 7:
      return { kind: 'append', path, value }
    case 8:
      return { kind: 'tag', path, ...drawTags(random) }
    case 9:
      // Now and then so much that a few of them are beyond what a number can count.
      return { kind: 'count', path, by: random.chance(0.1) ? Number.MAX_SAFE_INTEGER : value - 500 }
    case 10:
      return { kind: 'claim', path, value }
    case 11:
    case 12:
      // Beyond the text's end, where it is shorter, the node declines.
      return { kind: 'text', path, splices: [[random.below(4), random.below(2), `${value}`]] }
    default:
      return { kind: 'put', path, value }
  }
}

function drawTags(random: Random): { readonly add: readonly string[]; readonly remove: readonly string[] } {
  const added = random.pick(TAGS)
  const other = random.pick(TAGS)
  if (random.chance(0.4)) return { add: [], remove: [added] }
  return { add: [added], remove: other === added ? [] : [other] }
}

/** Bytes of a write that fills a frame on its own. */
const LARGE_BYTES = 100_000
/** Agents that write on one node besides its own author. */
export const AGENTS = 2

/** The key of an agent of a node. */
export function agentOf(name: string, place: number): Signer {
  return signerNamed(`${name} agent ${place}`)
}

/**
 * Lets a node write as a user would; mostly on all it has seen, at times on something older, and at times by an agent to whom the node
 * gives a token first. Throws a FaultError where the node declines, which it may: its user hears of it, and nothing was
 * acknowledged. Gives what was acknowledged.
 */
export function writeSomething(node: SimulatedNode, random: Random): readonly VerifiedOperation[] {
  const { hosted } = node
  const count = hosted.store.count()
  const isStale = random.chance(0.08) && count > 4
  const after = isStale ? [hosted.store.at(random.below(count)).id] : undefined
  const edits = random.chance(0.03) ? [drawLargeEdit(random)] : drawEdits(random)
  if (!random.chance(0.3)) return [hosted.write(edits, { author: node.author, timeMs: node.now(), after })]
  const agent = agentOf(node.name, random.below(AGENTS))
  const granted = grantOnce(node, agent)
  const written = hosted.write(drawEdits(random, AGENTS_PATHS), { author: agent, timeMs: node.now(), after })
  return [...granted, written]
}

/** Publishes a token for an agent that has none that holds. */
function grantOnce(node: SimulatedNode, agent: Signer): readonly VerifiedOperation[] {
  const { hosted, author } = node
  const timeMs = node.now()
  const purpose = { invoker: agent.publicKey, command: '/op/write', path: AGENTS_PATH, timeMs, bodySize: 0 }
  if (hosted.tokens.find(purpose).ok) return []
  const openReading = hosted.description()?.openReading ?? true
  const terms = orThrow(roleTerms('writer', AGENTS_PATH, openReading))
  return [hosted.publish([hosted.issue(author, agent.publicKey, terms, null)], { author, timeMs })]
}

function drawLargeEdit(random: Random): ItemEdit {
  return {
    kind: 'put',
    path: random.pick(PATHS),
    value: Buffer.from(random.bytes(LARGE_BYTES / 100))
      .toString('hex')
      .repeat(50),
  }
}
