import { toHex } from '../../src/core/bytes.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { isBelow, isMap, readHistory, readIds, type Event, type History } from './history.ts'
import { allow, allTokens, isTimely, published, type Token } from './tokens.ts'

/** What protocol.md says in numbers, written down again: a slip in the limits of the program is to be noticed here. */
const CUT_IDS = 1_024
const REVOCATIONS_OF_ONE = 16

interface Revocation {
  readonly by: Event
  readonly target: string
  /** What stays: the cut and everything before it. */
  readonly kept: ReadonlySet<string>
}

interface Endorsement {
  readonly by: Event
  readonly ids: readonly string[]
}

/** What follows from a set of operations, recomputed from nothing by the definitions of DESIGN §3, §5 and §6. */
export interface Judgement {
  readonly history: History
  /** Operations that no honest node may have admitted, and why. */
  readonly inadmissible: ReadonlyMap<string, string>
  /** Operations without effect. */
  readonly masked: ReadonlySet<string>
  /** Those of them that no effective operation descends from. */
  readonly severed: ReadonlySet<string>
}

/** Judges a set of operations; null where it is not whole. Slow on purpose: nothing is kept up, everything is searched. */
export function judge(operations: readonly Operation[], spaceKey: Uint8Array): Judgement | null {
  const history = readHistory(operations)
  return history === null ? null : new Oracle(history, toHex(spaceKey)).judge()
}

class Oracle {
  readonly #history: History
  readonly #spaceKey: string
  readonly #tokens: ReturnType<typeof allTokens>
  readonly #revocations: readonly Revocation[]
  readonly #endorsements: readonly Endorsement[]

  constructor(history: History, spaceKey: string) {
    this.#history = history
    this.#spaceKey = spaceKey
    this.#tokens = allTokens(history, spaceKey)
    const events = [...history.values()]
    this.#revocations = events.flatMap((event) => this.#revocationsOf(event))
    this.#endorsements = events.flatMap((event) => this.#endorsementsOf(event))
  }

  judge(): Judgement {
    const inadmissible = new Map<string, string>()
    const masked = new Set<string>()
    for (const event of this.#history.values()) {
      const fault = this.#faultOf(event)
      if (fault !== null) inadmissible.set(event.id, fault)
      if (!this.#isEffective(event)) masked.add(event.id)
    }
    const kept = new Set<string>()
    for (const event of this.#history.values()) {
      if (masked.has(event.id)) continue
      kept.add(event.id)
      for (const id of event.past) kept.add(id)
    }
    const severed = new Set([...masked].filter((id) => !kept.has(id)))
    return { history: this.#history, inadmissible, masked, severed }
  }

  /** Checks 8 to 11; null where they hold. */
  #faultOf(event: Event): string | null {
    const { header, prev, parents, past, author } = event
    const all = parents.map((id) => this.#event(id))
    const before = prev === null ? null : this.#event(prev)
    if (before !== null && before.author !== author) return 'PREV_AUTHOR'
    if (header.seq !== (before === null ? 0 : before.header.seq + 1)) return 'SEQ'
    if (header.lamport !== 1 + Math.max(0, ...all.map((parent) => parent.header.lamport))) return 'LAMPORT'
    if (all.some((parent) => parent.header.time > header.time)) return 'TIME_REGRESSION'
    const own = [...past].filter((id) => this.#event(id).author === author)
    if (own.some((id) => id !== prev && before?.past.has(id) !== true)) return 'SELF_FORK'
    // One chain: as many own operations as the place in the log says.
    if (own.length !== header.seq) return 'SELF_FORK'
    return this.#capabilityFault(event)
  }

  #capabilityFault(event: Event): string | null {
    const { header, caps, author, past } = event
    if (caps.length === 0) return author === this.#spaceKey ? null : 'CAP_MISSING'
    const carried = event.changes.flatMap((change) => published(change, event, this.#spaceKey))
    const tokens: Token[] = []
    for (const digest of caps) {
      const known = this.#tokens.get(digest)
      const isThere = known?.publishers.some((id) => past.has(id) || id === event.id) === true
      if (known === undefined || !isThere) return 'CAP_MISSING'
      tokens.push(known.token)
    }
    const needsChainOnly = isChainOnly(event)
    const last = tokens.at(-1)?.audience
    const mayEndElsewhere = header.command === '/cap/grant' && needsChainOnly
    const isAtCarried = mayEndElsewhere && carried.some((token) => token.audience === last)
    if (last !== author && !isAtCarried) return 'CAP_CHAIN'
    const principals = [this.#spaceKey, ...tokens.map((token) => token.audience)]
    if (tokens.some((token, i) => token.issuer !== principals[i])) return 'CAP_CHAIN'
    if (new Set(principals).size !== principals.length) return 'CAP_CHAIN'
    if (tokens.some((token) => token.subject !== this.#spaceKey)) return 'CAP_SUBJECT'
    const { command, path, time, bodySize } = header
    const wanted = { command, path, timeMs: time, bodySize }
    const isAllowed = needsChainOnly
      ? tokens.every((token) => isTimely(token, wanted))
      : allow(tokens, wanted)
    if (!isAllowed) return 'CAP_COMMAND, CAP_POLICY or CAP_TIME'
    const isClosed = this.#revocations.some(
      (revocation) =>
        past.has(revocation.by.id) && reaches(revocation, event) && this.#standsIn(revocation, past),
    )
    return isClosed ? 'CAP_REVOKED' : null
  }

  /** Whether a revocation is effective as far as one past tells. */
  #standsIn(revocation: Revocation, past: ReadonlySet<string>): boolean {
    return !this.#revocations.some(
      (higher) =>
        past.has(higher.by.id) &&
        reaches(higher, revocation.by) &&
        !higher.kept.has(revocation.by.id) &&
        this.#standsIn(higher, past),
    )
  }

  #isEffective(event: Event): boolean {
    if (!this.#isRevoked(event)) return true
    if (!event.header.command.startsWith('/op/')) return false
    return this.#endorsements.some(
      ({ by, ids }) => ids.includes(event.id) && !this.#isRevoked(by) && this.#mayRevive(by, event),
    )
  }

  #isRevoked(event: Event): boolean {
    return this.#revocations.some(
      (revocation) =>
        reaches(revocation, event) && !revocation.kept.has(event.id) && !this.#isRevoked(revocation.by),
    )
  }

  #mayRevive(endorser: Event, { caps, header }: Event): boolean {
    if (caps.length < endorser.caps.length) return false
    const tokens = endorser.caps.map((digest) => this.#tokens.get(digest)?.token)
    const { command, path, time, bodySize } = header
    return (
      tokens.every((token) => token !== undefined) && allow(tokens, { command, path, timeMs: time, bodySize })
    )
  }

  #revocationsOf(event: Event): readonly Revocation[] {
    const wellFormed = payloads(event, 'cap.revoke', '/cap/revoke').flatMap((payload) => {
      const { target, cut } = payload
      const ids = readIds(cut)
      if (Object.keys(payload).length !== 2 || !(target instanceof Uint8Array) || target.length !== 32)
        return []
      return ids === null || ids.length > CUT_IDS ? [] : [{ target, ids }]
    })
    return wellFormed.slice(0, REVOCATIONS_OF_ONE).flatMap(({ target, ids }) => {
      if (ids.some((id) => !event.past.has(id))) return []
      const kept = new Set(ids.flatMap((id) => [id, ...this.#event(id).past]))
      return [{ by: event, target: toHex(target), kept }]
    })
  }

  #endorsementsOf(event: Event): readonly Endorsement[] {
    return payloads(event, 'cap.endorse', '/cap/endorse').flatMap((payload) => {
      const ids = readIds(payload['operations'])
      const isValid = ids !== null && ids.length > 0 && ids.every((id) => event.past.has(id))
      return isValid && Object.keys(payload).length === 1 ? [{ by: event, ids }] : []
    })
  }

  #event(id: string): Event {
    return this.#history.get(id) as Event
  }
}

/** Who is higher up ends what goes on from its own chain over the target. */
function reaches({ by, target }: Revocation, { caps }: Event): boolean {
  const isPrefix = by.caps.length < caps.length && by.caps.every((digest, i) => digest === caps[i])
  return isPrefix && caps.slice(by.caps.length).includes(target)
}

/** Payloads of one kind of control change, where they are in an operation that may have them. */
function payloads(
  { header, changes }: Event,
  kind: string,
  command: string,
): readonly Readonly<Record<string, unknown>>[] {
  if (header.command !== command) return []
  return changes.flatMap((change) => {
    if (change === null) return []
    const [type, version, path, payload] = change
    return type === kind && version === 1 && isBelow(path, header.path) && isMap(payload) ? [payload] : []
  })
}

/** True for an operation whose changes are bounded by its own chain: it needs no command and no policy. */
function isChainOnly({ header, changes }: Event): boolean {
  const kinds: Readonly<Record<string, string>> = {
    '/cap/grant': 'cap.put',
    '/cap/revoke': 'cap.revoke',
    '/cap/endorse': 'cap.endorse',
  }
  const kind = kinds[header.command]
  return kind !== undefined && changes.every((change) => change?.[0] === kind && change[1] === 1)
}
