import { toHex } from '../../src/core/bytes.ts'
import { decodeCanonical } from '../../src/core/canonical-cbor.ts'
import type { Operation } from '../../src/core/operation/operation.ts'

/**
 * DESIGN §5 and §6 by the letter and as stupidly as can be: everything from the set of operations, in texts, with nothing
 * remembered. The oracle for src/core/effect and src/node/replica/effects.ts.
 */
export interface NaiveEffect {
  /** Ids of the operations with an effect. */
  readonly effective: ReadonlySet<string>
  /** Ids of those without, of which no operation with an effect descends. */
  readonly severed: ReadonlySet<string>
}

interface Node {
  readonly id: string
  readonly command: string
  readonly caps: readonly string[]
  readonly past: ReadonlySet<string>
  readonly revocations: readonly { readonly target: string; readonly cut: readonly string[] }[]
  readonly endorsed: readonly string[]
}

/** `operations`: all admitted ones. `authorizes`: whether a chain, by digests, allows what an operation does. */
export function naiveEffect(
  operations: readonly Operation[],
  authorizes: (caps: readonly string[], operation: Operation) => boolean,
): NaiveEffect {
  const byId = new Map(operations.map((operation) => [toHex(operation.id), operation]))
  const nodes = new Map<string, Node>()
  for (const operation of operations) nodes.set(toHex(operation.id), read(operation, pastOf(operation, byId)))

  // What masks has a shorter chain than what it masks, so asking that first makes this end.
  const masksOf = (node: Node): boolean =>
    [...nodes.values()].some(
      (other) => other.revocations.some((r) => masks(other, r, node)) && isEffectiveVerdict(other),
    )
  const isEffectiveVerdict = (node: Node): boolean => !masksOf(node)
  const masks = (by: Node, { target, cut }: Node['revocations'][number], node: Node): boolean => {
    if (by.caps.length >= node.caps.length) return false
    if (by.caps.some((digest, i) => node.caps[i] !== digest)) return false
    if (!node.caps.slice(by.caps.length).includes(target)) return false
    return !cut.some((id) => id === node.id || nodes.get(id)?.past.has(node.id))
  }
  const isEndorsed = (node: Node): boolean =>
    node.command.startsWith('/op/') &&
    [...nodes.values()].some(
      (other) =>
        other.endorsed.includes(node.id) &&
        other.caps.length <= node.caps.length &&
        authorizes(other.caps, byId.get(node.id) as Operation) &&
        isEffectiveVerdict(other),
    )

  const all = [...nodes.values()]
  const effective = new Set(all.filter((node) => !masksOf(node) || isEndorsed(node)).map(({ id }) => id))
  const severed = all.filter(
    ({ id }) => !effective.has(id) && !all.some((other) => effective.has(other.id) && other.past.has(id)),
  )
  return { effective, severed: new Set(severed.map(({ id }) => id)) }
}

/** Check 11 by the letter: whether a revocation in the operation's own past, judged by that past alone, closes its chain. */
export function isClosedInPast(operation: Operation, known: readonly Operation[]): boolean {
  const byId = new Map(known.map((one) => [toHex(one.id), one]))
  const past = pastOf(operation, byId)
  const before = known.filter(({ id }) => past.has(toHex(id)))
  const { effective } = naiveEffect([...before, operation], () => false)
  return !effective.has(toHex(operation.id))
}

function read({ id, header, body }: Operation, past: ReadonlySet<string>): Node {
  const revocations: { target: string; cut: readonly string[] }[] = []
  const endorsed: string[] = []
  for (const bytes of body ?? []) {
    const decoded = decodeCanonical(bytes)
    if (!decoded.ok) continue
    const [type, , , payload] = decoded.value as [string, number, string, Record<string, unknown>]
    if (header.command === '/cap/revoke' && type === 'cap.revoke') {
      const cut = (payload['cut'] as Uint8Array[]).map(toHex)
      if (cut.every((one) => past.has(one)))
        revocations.push({ target: toHex(payload['target'] as Uint8Array), cut })
    }
    if (header.command === '/cap/endorse' && type === 'cap.endorse') {
      const named = (payload['operations'] as Uint8Array[]).map(toHex)
      if (named.every((one) => past.has(one))) endorsed.push(...named)
    }
  }
  return { id: toHex(id), command: header.command, caps: header.caps.map(toHex), past, revocations, endorsed }
}

function pastOf({ header }: Operation, byId: ReadonlyMap<string, Operation>): ReadonlySet<string> {
  const past = new Set<string>()
  const open = [...header.deps.map(toHex), ...(header.prev === null ? [] : [toHex(header.prev)])]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (past.has(id)) continue
    past.add(id)
    const parent = byId.get(id)?.header
    if (parent === undefined) continue
    open.push(...parent.deps.map(toHex), ...(parent.prev === null ? [] : [toHex(parent.prev)]))
  }
  return past
}
