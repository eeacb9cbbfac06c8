import { equalBytes, toHex } from '../../core/bytes.ts'
import { AGENT_GRANTS_MAX, AGENT_NAME_CHARACTERS_MAX, AGENTS_MAX } from '../../core/limits.ts'
import { isAtOrBelow, parsePath } from '../../core/path.ts'
import { formatDid } from '../../core/principal.ts'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import { decodeDelegation, type VerifiedDelegation, verifyDelegation } from '../../core/ucan/delegation.ts'
import { createSigner, type SignatureVerifier } from '../../core/native-signature.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import type { NodeIdentity } from '../identity.ts'
import { type Role, roleTerms } from '../space/roles.ts'
import type { Space } from '../space/space.ts'
import { type AgentGrant, type AgentRecord, decodeAgentRecords, encodeAgentRecords } from './agent-record.ts'
import { agentKeyOf, createAgentToken } from './agent-token.ts'
import { Caller, type CallerOwner } from './caller.ts'

/** What an agent gets in one space. */
export interface AgentReach {
  readonly space: Space
  readonly role: Role
  /** At and below this path. Default: the whole space. */
  readonly path?: string
}

/** Options of a new agent. */
export interface AddAgentOptions {
  readonly name: string
  readonly reach: readonly AgentReach[]
  /** Milliseconds since 1970. Default: never. */
  readonly expiresMs?: number
  /** True: may also run the node. Default false. */
  readonly isOperator?: boolean
}

/** An agent as it is shown. */
export interface AgentStatus {
  readonly name: string
  /** `did:key` that its operations are signed by. */
  readonly did: string
  readonly operator: boolean
  /** `active`, or why its token is not taken. */
  readonly state: 'active' | 'expired' | 'revoked'
  /** Milliseconds since 1970. */
  readonly createdMs: number
  /** Milliseconds since 1970; null: never. */
  readonly expiresMs: number | null
  /** Milliseconds since 1970; null where it is not revoked. */
  readonly revokedMs: number | null
  readonly grants: readonly AgentGrantStatus[]
}

/** What an agent was given in one space. */
export interface AgentGrantStatus {
  readonly space: string
  readonly role: Role
  readonly path: string
  /** Digest of the delegation, hexadecimal. */
  readonly token: string
}

/** What became of a revoked agent in its spaces. */
export interface AgentRevocation {
  readonly agent: AgentStatus
  /** Ids of the revocations published, hexadecimal. */
  readonly revocations: readonly string[]
  /** Spaces in which the revocation could not be published, and why: there the delegation ends by its time alone. */
  readonly faults: readonly { readonly space: string; readonly fault: Fault }[]
}

/** What the agents need of the node. */
export interface AgentOwner extends CallerOwner {
  readonly identity: NodeIdentity
  readonly verifier: SignatureVerifier
  log(message: string): void
}

/** Where the records are kept, and the key by which tokens are bound to this node. */
interface AgentStorage {
  readonly seeds: { readonly peer: Uint8Array }
  putNote(key: string, value: Uint8Array): void
  note(key: string): Uint8Array | undefined
}

const NOTE = '/hanse/agents'
const NAME = /^[a-z0-9][a-z0-9._-]*$/
/** Longest time of a timer, in ms: what goes on for 24 days opens its stream again once. */
const TIMER_MS_MAX = 2 ** 31 - 1
/** Callers remembered by token, so that the key is not derived for every request. */
const CALLERS_REMEMBERED = 256

/**
 * The agents that use this node: each has a key of its own, made from a token that only the agent has, and delegations from the node's
 * author to that key. Invariants:
 * 1. nothing kept here makes it possible to write as an agent: the token is shown once;
 * 2. an agent's reach is what its delegations say, and what remains of them after revocations, expiry and the loss of the node's own
 *    rights: it is asked of the space for every request, never remembered here;
 * 3. every operation of an agent is signed by the agent's key and so names it, on every node, for good;
 * 4. the log of an agent's key is guarded like the node's own: it is not gone on with after an older state was restored.
 */
export class AgentBook {
  readonly #storage: AgentStorage
  readonly #owner: AgentOwner
  readonly #peerKey: Uint8Array
  #records: readonly AgentRecord[] = []
  /** By name of the key, hexadecimal: aborted when the agent is not taken any more. */
  readonly #ends = new Map<string, AbortController>()
  readonly #callers = new Map<string, { readonly caller: Caller; readonly record: AgentRecord }>()

  constructor(storage: AgentStorage, owner: AgentOwner) {
    this.#storage = storage
    this.#owner = owner
    this.#peerKey = createSigner(storage.seeds.peer).publicKey
    const noted = storage.note(NOTE)
    const records = noted === undefined ? [] : decodeAgentRecords(noted)
    if (records === null)
      owner.log('the record of agents is damaged: no agent token is taken until agents are added anew')
    this.#records = records ?? []
    for (const { publicKey } of this.#records) owner.identity.addAgent(publicKey)
  }

  /** Makes a space know what agents were given in it; for each space that is opened. */
  opened(space: Space): void {
    for (const { grants, revokedMs } of this.#records) {
      if (revokedMs === null)
        for (const grant of grants) if (grant.spaceId === space.id) this.#teach(space, grant)
    }
  }

  /** Every agent, in the order in which they were added. */
  list(): readonly AgentStatus[] {
    return this.#records.map((record) => this.#describe(record))
  }

  /** Throws `NO_AGENT`. */
  get(name: string): AgentStatus {
    return this.#describe(this.#find(name))
  }

  /** The name of the agent with that key; undefined where none has it. */
  nameOf(did: string): string | undefined {
    return this.#records.find(({ publicKey }) => formatDid(publicKey) === did)?.name
  }

  /**
   * Adds an agent and returns its token, which is nowhere else: whoever has it is the agent. Its delegations to write are published.
   * Throws `BAD_NAME`, `TAKEN`, `LIMIT`, `BAD_PATH`, or why this node cannot give that right.
   */
  add({ name, reach, expiresMs, isOperator = false }: AddAgentOptions): {
    readonly agent: AgentStatus
    readonly token: string
  } {
    checkName(name)
    if (this.#records.some((record) => record.name === name && record.revokedMs === null))
      throw new FaultError({
        code: 'TAKEN',
        detail: `there is an agent ${name} already: revoke it first, or choose another name`,
      })
    if (this.#records.length >= AGENTS_MAX)
      throw new FaultError({ code: 'LIMIT', detail: `a node has at most ${AGENTS_MAX} agents` })
    const nowMs = this.#owner.now()
    if (expiresMs !== undefined && expiresMs <= nowMs)
      throw new FaultError({
        code: 'BAD_DURATION',
        detail: 'the agent would be expired at once: give a time to come',
      })
    const token = createAgentToken()
    const { publicKey } = orThrow(agentKeyOf(token, this.#peerKey))
    const record: AgentRecord = {
      name,
      publicKey,
      isOperator,
      createdMs: nowMs,
      expiresMs: expiresMs ?? null,
      revokedMs: null,
      grants: [],
    }
    // A name that was revoked is free again; the old record stays under the name it had, marked by its key.
    return { agent: this.#describe(this.#give(record, reach)), token }
  }

  /** Gives an agent more. Throws `NO_AGENT`, `LIMIT`, or why this node cannot give that right. */
  allow(name: string, reach: readonly AgentReach[]): AgentStatus {
    const record = this.#find(name)
    if (record.revokedMs !== null)
      throw new FaultError({ code: 'CAP_REVOKED', detail: `the agent ${name} is revoked: add it anew` })
    return this.#describe(this.#give(record, reach))
  }

  /**
   * Takes everything from an agent: its token is not taken any more from now on, and what was published of its delegations is revoked
   * in every space. `purge`: what it has written loses its effect too. Throws `NO_AGENT`.
   */
  revoke(name: string, purge = false): AgentRevocation {
    const record = this.#find(name)
    const revoked = { ...record, revokedMs: record.revokedMs ?? this.#owner.now() }
    // First of all the door is shut here.
    this.#keep(this.#records.map((one) => (one === record ? revoked : one)))
    this.#ends.get(toHex(record.publicKey))?.abort()
    const did = formatDid(record.publicKey)
    const revocations: string[] = []
    const faults: { space: string; fault: Fault }[] = []
    for (const spaceId of new Set(record.grants.map((grant) => grant.spaceId))) {
      const space = this.#owner.spaces().find(({ id }) => id === spaceId)
      if (space === undefined) continue
      try {
        this.#publishUnpublished(space, record)
        if (!space.delegations().some(({ audience }) => audience === did)) continue
        revocations.push(...space.revoke({ target: did, purge }).revocations)
      } catch (error) {
        if (!(error instanceof FaultError)) throw error
        faults.push({ space: spaceId, fault: { code: error.code, detail: error.message } })
      }
    }
    return { agent: this.#describe(revoked), revocations, faults }
  }

  /** Who has this token. `BAD_TOKEN` for one that is none or not of this node, `TOKEN_REVOKED`, `TOKEN_EXPIRED`. */
  authenticate(token: string): Result<Caller, Fault<'BAD_TOKEN' | 'TOKEN_REVOKED' | 'TOKEN_EXPIRED'>> {
    const known = this.#callers.get(token)
    const found = known ?? this.#look(token)
    if ('ok' in found) return found
    const { record, caller } = found
    if (record.revokedMs !== null)
      return fail('TOKEN_REVOKED', `the token of the agent ${record.name} was revoked: ask for a new one`)
    if (record.expiresMs !== null && record.expiresMs <= this.#owner.now())
      return fail('TOKEN_EXPIRED', `the token of the agent ${record.name} has expired: ask for a new one`)
    return ok(caller)
  }

  #look(
    token: string,
  ): { readonly caller: Caller; readonly record: AgentRecord } | ReturnType<typeof fail<'BAD_TOKEN'>> {
    const key = agentKeyOf(token, this.#peerKey)
    if (!key.ok) return key
    const record = this.#records.find(({ publicKey }) => equalBytes(publicKey, key.value.publicKey))
    if (record === undefined)
      return fail(
        'BAD_TOKEN',
        'this node knows no agent by that token: it is of another node, or was mistyped',
      )
    const caller = Caller.agent(record.name, key.value, record.isOperator, this.#owner, this.#endOf(record))
    if (this.#callers.size >= CALLERS_REMEMBERED) this.#callers.clear()
    this.#callers.set(token, { caller, record })
    return { caller, record }
  }

  /** Of all callers by one token together; it is made when the token is used first. */
  #endOf({ publicKey, expiresMs }: AgentRecord): AbortSignal {
    const key = toHex(publicKey)
    const known = this.#ends.get(key)
    if (known !== undefined) return known.signal
    const end = new AbortController()
    this.#ends.set(key, end)
    if (expiresMs !== null) {
      const remainingMs = Math.max(0, Math.min(expiresMs - this.#owner.now(), TIMER_MS_MAX))
      setTimeout(() => {
        end.abort()
        // After 24 days a token is as good as before: its next stream needs an end of its own.
        this.#ends.delete(key)
        this.#callers.clear()
      }, remainingMs).unref()
    }
    return end.signal
  }

  #give(record: AgentRecord, reach: readonly AgentReach[]): AgentRecord {
    if (record.grants.length + reach.length > AGENT_GRANTS_MAX)
      throw new FaultError({ code: 'LIMIT', detail: `an agent has at most ${AGENT_GRANTS_MAX} delegations` })
    const made = reach.map((one) => ({ ...one, ...this.#issue(record, one) }))
    const next = { ...record, grants: [...record.grants, ...made.map(({ grant }) => grant)] }
    const others = this.#records.filter((one) => one !== record)
    // Noted before anything is published: a delegation that nobody here knows of could not be taken back by name.
    this.#keep([...others, next])
    this.#owner.identity.addAgent(record.publicKey)
    for (const { space, grant, role, delegation } of made) {
      this.#teach(space, grant)
      if (role !== 'reader')
        space.hosted.publish([delegation], { author: this.#owner.author, timeMs: this.#owner.now() })
    }
    return next
  }

  #issue(record: AgentRecord, { space, role, path = '' }: AgentReach) {
    orThrow(parsePath(path))
    const { hosted } = space
    // What the node reads for its agents is its own affair, so an agent's reading is limited by path in any space.
    const terms = orThrow(roleTerms(role, path, false))
    const invoker = this.#owner.author.publicKey
    const timeMs = this.#owner.now()
    if (role !== 'reader')
      orThrow(hosted.tokens.find({ invoker, command: '/op/write', path, timeMs, bodySize: 0 }))
    const readable = hosted.reading.scopeOf(invoker, timeMs).prefixes(timeMs)
    if (readable !== null && !readable.some((prefix) => isAtOrBelow(path, prefix)))
      throw new FaultError({
        code: 'CAP_POLICY',
        detail: `this node does not read ${JSON.stringify(path)} of that space itself`,
      })
    const expiresSeconds = record.expiresMs === null ? null : Math.floor(record.expiresMs / 1000)
    const delegation = hosted.issue(this.#owner.author, record.publicKey, terms, expiresSeconds)
    const grant: AgentGrant = { spaceId: space.id, role, path, delegation: delegation.bytes }
    return { grant, delegation }
  }

  /**
   * Only what is published can be revoked. What an agent reads by is not, and yet not a secret of this node: an invite that the agent has
   * made carries it, and is good for whoever has the link.
   */
  #publishUnpublished({ id, hosted }: Space, { grants, expiresMs }: AgentRecord): void {
    const nowMs = this.#owner.now()
    if (expiresMs !== null && expiresMs <= nowMs) return
    const published = new Set([...hosted.store.tokens()].map(({ delegation }) => toHex(delegation.digest)))
    for (const grant of grants) {
      const delegation = grant.spaceId === id ? this.#verified(grant) : null
      if (delegation === null || published.has(toHex(delegation.digest))) continue
      hosted.publish([delegation], { author: this.#owner.author, timeMs: nowMs })
    }
  }

  #teach({ hosted }: Space, grant: AgentGrant): void {
    const verified = this.#verified(grant)
    if (verified !== null) hosted.tokens.add(verified)
  }

  #verified({ delegation }: AgentGrant): VerifiedDelegation | null {
    const decoded = decodeDelegation(delegation)
    const verified = decoded.ok ? verifyDelegation(decoded.value, this.#owner.verifier.verifySync) : decoded
    if (verified.ok) return verified.value
    this.#owner.log(`a delegation of an agent is damaged and has no effect: ${verified.fault.detail}`)
    return null
  }

  /** The one that is not revoked, where several have had the name. */
  #find(name: string): AgentRecord {
    const all = this.#records.filter((record) => record.name === name)
    const found = all.find(({ revokedMs }) => revokedMs === null) ?? all.at(-1)
    if (found !== undefined) return found
    throw new FaultError({
      code: 'NO_AGENT',
      detail: `there is no agent ${JSON.stringify(name)}: see "hanse agent list"`,
    })
  }

  #describe({
    name,
    publicKey,
    isOperator,
    createdMs,
    expiresMs,
    revokedMs,
    grants,
  }: AgentRecord): AgentStatus {
    const isExpired = expiresMs !== null && expiresMs <= this.#owner.now()
    return {
      name,
      did: formatDid(publicKey),
      operator: isOperator,
      state: revokedMs !== null ? 'revoked' : isExpired ? 'expired' : 'active',
      createdMs,
      expiresMs,
      revokedMs,
      grants: grants.map(({ spaceId, role, path, delegation }) => {
        const decoded = decodeDelegation(delegation)
        return { space: spaceId, role, path, token: decoded.ok ? toHex(decoded.value.digest) : '' }
      }),
    }
  }

  #keep(records: readonly AgentRecord[]): void {
    this.#records = records
    this.#callers.clear()
    this.#storage.putNote(NOTE, encodeAgentRecords(records))
  }
}

function checkName(name: string): void {
  if (NAME.test(name) && name.length <= AGENT_NAME_CHARACTERS_MAX) return
  const detail = `an agent's name has 1 to ${AGENT_NAME_CHARACTERS_MAX} of a-z, 0-9, ".", "_", "-", and begins with a letter or digit`
  throw new FaultError({ code: 'BAD_NAME', detail })
}
