import { randomBytes } from 'node:crypto'
import { toHex } from '../../core/bytes.ts'
import { endorseOperations, revokeDelegation } from '../../core/changes/verdict.ts'
import type { Entry } from '../../core/graph.ts'
import { CAPS_MAX, ENDORSED_OPERATIONS_MAX, TOKENS_PER_OPERATION_MAX } from '../../core/limits.ts'
import { createSigner } from '../../core/native-signature.ts'
import { formatDid, parseDid } from '../../core/principal.ts'
import type { Signer } from '../../core/signature.ts'
import { authorizes, verifyChain } from '../../core/ucan/chain.ts'
import type { VerifiedDelegation } from '../../core/ucan/delegation.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import type { HostedSpace } from './hosted-space.ts'
import { formatInvite } from './invite.ts'
import { parseOperationId } from './operation-id.ts'
import {
  asRevocation,
  type CutChoice,
  descendantsOf,
  endedBelow,
  type PlannedRevocation,
  planRevocation,
} from './revocation-plan.ts'
import { type ContainmentReport, type RevocationReport, summarise } from './revocation-report.ts'
import { type Role, type RoleTerms, roleTerms } from './roles.ts'

/** To whom something is granted, and how much. */
export interface GrantOptions {
  /** `did:key` of who gets it. */
  readonly to: string
  readonly role: Role
  /** Limits the role to this path and below. Default: the whole space. */
  readonly path?: string
  /** Milliseconds since 1970. Default: never. */
  readonly expiresMs?: number
  /** How often it may be passed on; 0: not at all. Default: as often as chains allow. */
  readonly depth?: number
  /** The operation's time. Default: now. */
  readonly timeMs?: number
}

/** What an invite gives. */
export interface InviteOptions {
  readonly role: Role
  /** Limits the role to this path and below. Default: the whole space. */
  readonly path?: string
  /** Milliseconds since 1970. Default: never. */
  readonly expiresMs?: number
  /** How often the guest may pass it on; 0: not at all. Default: as often as chains allow. */
  readonly depth?: number
  /** False leaves this node's addresses out: the guest finds peers through the introduction nodes. Default true. */
  readonly addresses?: boolean
}

/** What is to be revoked, and what of the past stays. Without `since` and `purge`, all that has an effect now stays. */
export interface RevokeOptions {
  /** Digest of a delegation, hexadecimal, or the `did:key` of somebody: then all that was delegated to them. */
  readonly target: string
  /** Id of an operation, hexadecimal: it and what descends from it lose their effect, as far as they used the delegation. */
  readonly since?: string
  /** True: everything ever done under the delegation loses its effect. */
  readonly purge?: boolean
  /** True: tells what would happen, and does nothing. */
  readonly dryRun?: boolean
  readonly timeMs?: number
}

/** Whom to contain, and from which operation on. */
export interface ContainOptions {
  /** `did:key`. */
  readonly author: string
  /** Id, hexadecimal, of the first operation that is not to be trusted. */
  readonly since: string
  readonly dryRun?: boolean
  readonly timeMs?: number
}

/** What this needs of the node. */
interface AuthorityOwner {
  readonly author: Signer
  readonly bootstrap: readonly string[]
  readonly addresses: readonly string[]
  now(): number
}

/** Operations that a containment lists one by one; the rest is counted. */
const TAINTED_LISTED_MAX = 1_000

/** Handing out, narrowing and taking back authority, offline: everything is an operation that syncs when it can. */
export class SpaceAuthority {
  readonly #hosted: HostedSpace
  readonly #node: AuthorityOwner

  constructor(hosted: HostedSpace, node: AuthorityOwner) {
    this.#hosted = hosted
    this.#node = node
  }

  /** Gives several people their roles, in as few operations as will do. Returns the tokens' digests, hexadecimal. */
  grantAll(grants: readonly GrantOptions[], timeMs = this.#node.now()): readonly string[] {
    const tokens = grants.map((grant) => {
      const path = grant.path ?? ''
      const terms = this.#terms(grant.role, path)
      const token = this.#issue(orThrow(parseDid(grant.to)), terms, grant.expiresMs, checkDepth(grant.depth))
      this.#chainAbove(token, grant.role, path)
      return token
    })
    for (let i = 0; i < tokens.length; i += TOKENS_PER_OPERATION_MAX) {
      const part = tokens.slice(i, i + TOKENS_PER_OPERATION_MAX)
      this.#hosted.publish(part, { author: this.#node.author, timeMs })
    }
    return tokens.map((token) => toHex(token.digest))
  }

  /** A link with which whoever has it joins under a role; nothing is published. */
  invite(options: InviteOptions): string {
    const secret = new Uint8Array(randomBytes(32))
    const path = options.path ?? ''
    const terms = this.#terms(options.role, path)
    const depth = checkDepth(options.depth)
    // The guest passes it on to its own key first.
    const withGuest = depth === null ? null : depth + 1
    const token = this.#issue(createSigner(secret).publicKey, terms, options.expiresMs, withGuest)
    const above = this.#chainAbove(token, options.role, path)
    return formatInvite({
      spaceId: this.#hosted.id,
      tokens: [...above, token].map(({ bytes }) => bytes),
      secret,
      bootstrap: this.#node.bootstrap,
      peers: options.addresses === false ? [] : this.#node.addresses,
    })
  }

  /** Ends delegations. Throws `NOT_ABOVE` where this node is above none of them. */
  revoke(options: RevokeOptions): RevocationReport {
    if (options.since !== undefined && options.purge === true) {
      throw new FaultError({ code: 'BAD_CUT', detail: 'give --since or --purge, not both' })
    }
    const choice: CutChoice =
      options.purge === true
        ? { kind: 'nothing' }
        : options.since === undefined
          ? { kind: 'now' }
          : { kind: 'before', operation: this.#operation(options.since) }
    return this.#revoke(this.#targets(options.target), choice, options)
  }

  /** Revokes all that an author holds, from an operation on, and lists what others built on it. */
  contain(options: ContainOptions): ContainmentReport {
    const operation = this.#operation(options.since)
    const author = orThrow(parseDid(options.author))
    const { store } = this.#hosted
    const report = this.#revoke(this.#targets(options.author), { kind: 'before', operation }, options)
    const others = [...descendantsOf(store, operation)]
      .sort((a, b) => a - b)
      .map((ordinal) => store.at(ordinal))
      .filter(
        (entry) => toHex(entry.author) !== toHex(author) && !report.revocations.includes(toHex(entry.id)),
      )
    const tainted = others.slice(0, TAINTED_LISTED_MAX).map((entry) => ({
      id: toHex(entry.id),
      author: formatDid(entry.author),
      path: entry.path,
      time: entry.time,
    }))
    return { ...report, tainted, taintedCount: others.length }
  }

  /** Gives masked operations their effect back. One endorsement for each chain of this node that is needed. */
  endorse(ids: readonly string[], timeMs = this.#node.now()): readonly string[] {
    const byChain = new Map<string, { chain: readonly VerifiedDelegation[]; entries: Entry[] }>()
    for (const id of ids) {
      const entry = this.#operation(id)
      const chain = this.#chainToEndorse(entry, timeMs)
      const key = chain.map(({ digest }) => toHex(digest)).join()
      const known = byChain.get(key)
      if (known === undefined) byChain.set(key, { chain, entries: [entry] })
      else known.entries.push(entry)
    }
    const made: string[] = []
    for (const { chain, entries } of byChain.values()) {
      for (let i = 0; i < entries.length; i += ENDORSED_OPERATIONS_MAX) {
        const part = entries.slice(i, i + ENDORSED_OPERATIONS_MAX)
        const body = [endorseOperations(part.map((entry) => entry.id))]
        const options = { author: this.#node.author, timeMs }
        made.push(toHex(this.#hosted.judge('/cap/endorse', body, part, chain, options).id))
      }
    }
    return made
  }

  #revoke(
    targets: readonly VerifiedDelegation[],
    choice: CutChoice,
    { dryRun, timeMs }: Pick<RevokeOptions, 'dryRun' | 'timeMs'>,
  ): RevocationReport {
    const { store, tokens, replica } = this.#hosted
    const revoker = this.#node.author.publicKey
    const nowMs = this.#node.now()
    const plan = orThrow(planRevocation({ store, tokens, revoker, targets, choice, nowMs }))
    const supposed = plan.revocations.map((planned) => asRevocation(planned, store, revoker))
    const changed = replica.preview(supposed)
    const published = [...store.tokens()].map(({ delegation }) => delegation)
    const below = endedBelow(published, tokens, (caps) => replica.closedBy(caps), supposed).map((token) => ({
      token: toHex(token.digest),
      audience: formatDid(token.audience),
    }))
    const isMasked = ({ ordinal }: Entry) => store.mask(ordinal) !== undefined
    // Asked before anything is done: afterwards the two would have changed places.
    const masked = summarise(changed.filter((entry) => !isMasked(entry)))
    const revived = summarise(changed.filter(isMasked))
    const revocations = dryRun === true ? [] : this.#perform(plan.revocations, timeMs ?? nowMs)
    const ended = new Set(plan.revocations.map(({ target }) => toHex(target.digest)))
    const outOfReach = plan.outOfReach.map(({ digest }) => toHex(digest))
    const openInvites = this.#openInvites(plan.revocations)
    return { tokens: [...ended], outOfReach, endedBelow: below, revocations, openInvites, masked, revived }
  }

  #openInvites(revoked: readonly PlannedRevocation[]): readonly string[] {
    const { store, tokens, replica } = this.#hosted
    const ended = new Set(revoked.map(({ target }) => toHex(target.digest)))
    const invites = new Set<string>()
    for (const { target } of revoked) {
      if (
        store.heads(target.issuer).length > 0 ||
        toHex(target.issuer) === toHex(this.#node.author.publicKey)
      )
        continue
      for (const chain of tokens.chains(target.issuer)) {
        const last = toHex((chain.at(-1) as VerifiedDelegation).digest)
        if (!ended.has(last) && replica.closedBy(chain.map(({ digest }) => digest)) === null)
          invites.add(last)
      }
    }
    return [...invites]
  }

  #perform(planned: readonly PlannedRevocation[], timeMs: number): readonly string[] {
    return planned.map(({ chain, target, cut }) => {
      const body = [revokeDelegation({ target: target.digest, cut: cut.map(({ id }) => id) })]
      const options = { author: this.#node.author, timeMs }
      return toHex(this.#hosted.judge('/cap/revoke', body, cut, chain, options).id)
    })
  }

  #targets(target: string): readonly VerifiedDelegation[] {
    const published = [...this.#hosted.store.tokens()].map(({ delegation }) => delegation)
    if (!target.startsWith('did:')) {
      const found = published.filter(({ digest }) => toHex(digest).startsWith(target.toLowerCase()))
      if (found.length === 1) return found
      const detail =
        found.length === 0
          ? `no delegation here has the digest ${target}: see "hanse delegations"`
          : `${found.length} delegations begin with ${target}: give more digits`
      throw new FaultError({ code: found.length === 0 ? 'NOT_FOUND' : 'AMBIGUOUS', detail })
    }
    const audience = toHex(orThrow(parseDid(target)))
    const found = published.filter((token) => toHex(token.audience) === audience)
    if (found.length > 0) return found
    throw new FaultError({
      code: 'NOT_FOUND',
      detail: `nothing was delegated to ${target} here: see "hanse delegations"`,
    })
  }

  /** The shortest chain of this node that allows what the operation does and is no longer than the operation's own. */
  #chainToEndorse(entry: Entry, timeMs: number): readonly VerifiedDelegation[] {
    const { store, tokens } = this.#hosted
    if (!entry.command.startsWith('/op/')) {
      throw new FaultError({
        code: 'NOT_ENDORSABLE',
        detail: `${toHex(entry.id)} is ${entry.command}: grants and revocations are not endorsed but made again`,
      })
    }
    const { bodySize } = this.#hosted.operation(entry.ordinal).header
    const { command, path, time } = entry
    const purpose = {
      invoker: this.#node.author.publicKey,
      command,
      path,
      timeMs,
      bodySize,
      anyCommand: true,
    }
    const whole = tokens.find(purpose)
    if (whole.ok && whole.value.length === 0) return []
    for (const { chain, fault } of tokens.tries(purpose)) {
      const isHighEnough = chain.length <= store.at(entry.ordinal).caps.length
      if (fault === null && isHighEnough && authorizes(chain, { command, path, time, bodySize })) return chain
    }
    throw new FaultError({
      code: 'NOT_ABOVE',
      detail: `this node may not endorse ${toHex(entry.id)}: it takes a right to ${command} at ${JSON.stringify(path)} from no lower than its author's`,
    })
  }

  #operation(id: string): Entry {
    const entry = this.#hosted.store.find(parseOperationId(id))
    if (entry !== undefined) return entry
    throw new FaultError({ code: 'NOT_FOUND', detail: `operation ${id} has not arrived here: sync first` })
  }

  #terms(role: Role, path: string): RoleTerms {
    return orThrow(roleTerms(role, path, this.#hosted.description()?.openReading ?? true))
  }

  #issue(
    audience: Uint8Array,
    terms: RoleTerms,
    expiresMs: number | undefined,
    depth: number | null,
  ): VerifiedDelegation {
    const expiresSeconds = expiresMs === undefined ? null : Math.floor(expiresMs / 1000)
    return this.#hosted.issue(this.#node.author, audience, terms, expiresSeconds, depth)
  }

  /** The chain by which this node's author has what the token gives on. Nobody gives more: the token would only look as if. */
  #chainAbove(token: VerifiedDelegation, role: Role, path: string): readonly VerifiedDelegation[] {
    const { tokens, spaceKey } = this.#hosted
    const asked = { command: token.command, path, timeMs: this.#node.now(), bodySize: 0 }
    const own = { ...asked, invoker: this.#node.author.publicKey }
    const direct = tokens.find(own)
    if (!direct.ok) {
      const where = path === '' ? '' : ` at ${JSON.stringify(path)}`
      const detail = `this node cannot give the role ${role}${where}, because it has not got that itself: ask an admin of the space`
      throw new FaultError({ code: direct.fault.code, detail })
    }
    if (direct.value.length === 0) return []
    let closest = ''
    for (const { chain, fault } of tokens.tries(own)) {
      if (fault !== null) continue
      const passedOn = { ...asked, tokens: [...chain, token], subject: spaceKey, invoker: token.audience }
      const checked = verifyChain({ ...passedOn, checkCommandAndPolicy: false })
      if (checked.ok) return chain
      closest = checked.fault.detail
    }
    throw new FaultError({
      code: 'CAP_CHAIN',
      detail: `this node cannot pass the role ${role} on: ${closest}`,
    })
  }
}

function checkDepth(depth: number | undefined): number | null {
  if (depth === undefined) return null
  if (Number.isSafeInteger(depth) && depth >= 0 && depth < CAPS_MAX) return depth
  throw new FaultError({
    code: 'BAD_DEPTH',
    detail: `a delegation is passed on 0 to ${CAPS_MAX - 1} times, found ${depth}`,
  })
}
