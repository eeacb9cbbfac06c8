import { equalBytes, toHex } from '../core/bytes.ts'
import { OWN_HEAD_CLAIM_MS, OWN_HEAD_CLAIM_PAUSE_MS } from '../core/limits.ts'
import { formatDid } from '../core/principal.ts'
import type { Fault } from '../core/result.ts'
import { createSigner } from '../core/native-signature.ts'
import type { Signer } from '../core/signature.ts'
import type { NodeStorage } from './data-directory.ts'
import { FaultError } from './fault-error.ts'
import { decodeIdentityRecord, encodeIdentityRecord, type IdentityRecord } from './identity-record.ts'
import { createOwnSigner } from './own-signer.ts'
import type { OwnKeyFault, OwnKeyWatch } from './space/own-key-watch.ts'
import { rotateIn, type RotationOutcome } from './space/rotation.ts'
import type { Space } from './space/space.ts'

/** Whether this node may go on with the log of its author key in a space. */
export type KeyState = 'sound' | 'restored' | 'behind' | 'forked'

/** A key of this node. */
export interface KeyStatus {
  /** `did:key`. */
  readonly did: string
  /** When it was no longer in use, ms since 1970; null where that is not remembered. */
  readonly untilMs: number | null
}

/** The author key in one space. */
export interface SpaceIdentityStatus {
  readonly id: string
  readonly name: string
  readonly state: KeyState
  /** What it means and what to do; null where nothing is to be done. */
  readonly detail: string | null
  /** Operations of the key that are here. */
  readonly operations: number
  /** What the key holds: the commands of the delegations that reach it and are in force. */
  readonly holds: readonly string[]
}

/** Who this node is. */
export interface IdentityStatus {
  readonly did: string
  readonly peerId: string
  /** Since when the author key is in use, ms since 1970. */
  readonly sinceMs: number
  /** The worst of its states. */
  readonly state: KeyState
  /** Former keys, oldest first. */
  readonly previous: readonly KeyStatus[]
  /** `did:key` of the key of a rotation under way; null where there is none. */
  readonly next: string | null
  readonly spaces: readonly SpaceIdentityStatus[]
}

/** What came of one space in a rotation. */
export interface SpaceRotation {
  readonly id: string
  readonly name: string
  /** Null where it came to nothing: `fault` says why. */
  readonly outcome: RotationOutcome | null
  readonly fault: Fault | null
}

export interface RotationReport {
  /** `did:key` of the key that is in use now, and of the one before. */
  readonly did: string
  readonly previous: string
  readonly spaces: readonly SpaceRotation[]
}

/** What came of one space in a recovery. */
export interface SpaceRecovery {
  readonly id: string
  readonly name: string
  /** Before. */
  readonly state: KeyState
  /** True where the key may be written with again, or always could be. */
  readonly isSound: boolean
  readonly detail: string | null
}

/** What the identity needs of the node. */
export interface IdentityOwner {
  readonly peerId: string
  readonly unreadableSpaces: readonly Fault[]
  spaces(): readonly Space[]
  now(): number
  log(message: string): void
}

const NOTE = '/hanse/identity'
const STATES: readonly KeyState[] = ['sound', 'restored', 'behind', 'forked']

/**
 * The author key of a node: which it is, and whether its log may go on (docs/decisions/0010). Invariants:
 * 1. no operation is made by a key whose log may be longer elsewhere than here, as far as this node can know;
 * 2. what says so is on disk before anything else is done, and goes only by recovery or by another key;
 * 3. a rotation that was begun is finished, at the next start if need be, with the same next key; never in a copy.
 */
export class NodeIdentity implements OwnKeyWatch {
  readonly #storage: NodeStorage
  readonly #owner: IdentityOwner
  #author: Signer
  #record: IdentityRecord
  /** Public keys, hexadecimal, of agents that write through this node. */
  readonly #agents = new Set<string>()
  /** Stops because of what peers list, by space: until when, and until when no other is made. */
  readonly #claims = new Map<string, { readonly untilMs: number; readonly pauseUntilMs: number }>()

  constructor(storage: NodeStorage, owner: IdentityOwner) {
    this.#storage = storage
    this.#owner = owner
    this.#author = createOwnSigner(storage.seeds.author)
    const noted = storage.note(NOTE)
    const known = noted === undefined ? null : decodeIdentityRecord(noted)
    const sinceMs = owner.now()
    this.#record = known ?? { sinceMs, untilMs: {}, restored: null, behind: {} }
    if (storage.isRestored || (noted !== undefined && known === null)) this.#markRestored()
    else if (noted === undefined) this.#keep({})
  }

  /** The key that signs this node's own operations. */
  get author(): Signer {
    return this.#author
  }

  /** Counts the key of an agent among this node's own from now on: it is made here and written with here alone. */
  addAgent(publicKey: Uint8Array): void {
    this.#agents.add(toHex(publicKey))
  }

  refusal(spaceId: Uint8Array, author: Uint8Array): OwnKeyFault | null {
    if (!this.#isOwn(author)) return null
    const id = toHex(spaceId)
    if (this.#isBehind(id)) {
      return {
        code: 'OWN_HEAD_BEHIND',
        detail:
          'operations of this node’s own key came from others that it has not made: an older state was restored, or another node has the same key. Run "hanse identity recover" if this is the only node with the key, else "hanse identity rotate"',
      }
    }
    if (this.#isRestored(id)) {
      return {
        code: 'RESTORED',
        detail:
          'this data directory is a copy or was restored, and may lack what this node wrote since; writing could fork its log. Run "hanse identity recover" (asks a peer), "hanse identity recover --only-copy" (it was only moved), or "hanse identity rotate" (a new key)',
      }
    }
    if ((this.#claims.get(id)?.untilMs ?? 0) <= this.#owner.now()) return null
    return {
      code: 'OWN_HEAD_BEHIND',
      detail: `a peer has operations of this node’s own key that are not here, or says so: try again in ${OWN_HEAD_CLAIM_MS / 1000} s`,
    }
  }

  onArrived(spaceId: Uint8Array, author: Uint8Array): void {
    const id = toHex(spaceId)
    if (!this.#isOwn(author) || this.#isBehind(id)) return
    this.#keep({ behind: { ...this.#record.behind, [id]: this.#owner.now() } })
    this.#owner.log(`operations of this node’s own key came from others: see "hanse identity"`)
  }

  onListed(spaceId: Uint8Array, author: Uint8Array): void {
    if (!this.#isOwn(author)) return
    const nowMs = this.#owner.now()
    const id = toHex(spaceId)
    if ((this.#claims.get(id)?.pauseUntilMs ?? 0) > nowMs) return
    const [untilMs, pauseUntilMs] = [nowMs + OWN_HEAD_CLAIM_MS, nowMs + OWN_HEAD_CLAIM_PAUSE_MS]
    this.#claims.set(id, { untilMs, pauseUntilMs })
  }

  /** A space has been made here just now: nothing of it can be elsewhere. */
  onCreated(spaceId: Uint8Array): void {
    const { restored } = this.#record
    if (restored !== null)
      this.#keep({ restored: { ...restored, mended: [...restored.mended, toHex(spaceId)] } })
  }

  /** Whether the log of the key may go on in a space. */
  stateOf({ hosted }: Space): KeyState {
    return stateOf(hosted.refusal(this.#author.publicKey))
  }

  status(): IdentityStatus {
    const next = this.#storage.keys.next()
    const spaces = this.#owner.spaces().map((space) => this.#describe(space))
    const states = spaces.map(({ state }) => state)
    if (spaces.length === 0 && this.#isRestored('')) states.push('restored')
    return {
      did: formatDid(this.#author.publicKey),
      peerId: this.#owner.peerId,
      sinceMs: this.#record.sinceMs,
      state: STATES.findLast((state) => states.includes(state)) ?? 'sound',
      previous: this.#storage.keys.former().map((seed) => {
        const key = createSigner(seed).publicKey
        return { did: formatDid(key), untilMs: this.#record.untilMs[toHex(key)] ?? null }
      }),
      next: next === null ? null : formatDid(createSigner(next).publicKey),
      spaces,
    }
  }

  /**
   * Takes up the key's log again in spaces that are in sync with a peer by a proof made since it was stopped. `onlyCopy`: the user
   * vouches that nothing was written since the directory was copied; it does not help where the contrary has been seen.
   */
  recover(spaces: readonly Space[], onlyCopy: boolean): readonly SpaceRecovery[] {
    const before = spaces.map((space) => this.stateOf(space))
    for (const space of spaces) {
      const isProved = this.#isProved(space)
      const { behind, restored } = this.#record
      if (isProved) {
        const rest = Object.entries(behind).filter(([id]) => id !== space.id)
        this.#keep({ behind: Object.fromEntries(rest) })
        this.#claims.delete(space.id)
      }
      if (restored !== null && (isProved || onlyCopy))
        this.#keep({ restored: { ...restored, mended: [...new Set([...restored.mended, space.id])] } })
    }
    const isAllMended = this.#owner.spaces().every(({ id }) => !this.#isRestored(id))
    if (isAllMended && this.#owner.unreadableSpaces.length === 0) this.#keep({ restored: null })
    return spaces.map((space, index) => {
      const { state, detail } = this.#describe(space)
      const was = before[index] as KeyState
      return { id: space.id, name: space.name, state: was, isSound: state === 'sound', detail }
    })
  }

  /**
   * Takes a new author key, to which the present one gives all that it holds in every space. Throws `UNREADABLE` where the file of a
   * space cannot be read: the new key would get nothing there.
   */
  rotate(): RotationReport {
    const [unreadable] = this.#owner.unreadableSpaces
    if (unreadable !== undefined) {
      const detail = `a space cannot be read, and the new key would get nothing there: mend it or move it away first (${unreadable.detail})`
      throw new FaultError({ code: 'UNREADABLE', detail })
    }
    const { keys } = this.#storage
    const former = this.#author
    const next = createOwnSigner(keys.prepareNext())
    // Where the next key lies is known before it becomes the key in use.
    this.#storage.acceptPlace()
    const spaces = this.#owner.spaces().map((space) => this.#rotateIn(space, former, next))
    const nowMs = this.#owner.now()
    const untilMs = { ...this.#record.untilMs, [toHex(former.publicKey)]: nowMs }
    keys.promoteNext()
    this.#storage.acceptPlace()
    this.#keep({ sinceMs: nowMs, untilMs, restored: null, behind: {} })
    this.#claims.clear()
    this.#author = next
    for (const { hosted } of this.#owner.spaces()) hosted.reading.changed()
    return { did: formatDid(next.publicKey), previous: formatDid(former.publicKey), spaces }
  }

  /** Once the spaces are open: goes on with a rotation that was interrupted, and says where writing is stopped. */
  begin(): void {
    this.#finishRotation()
    const { state } = this.status()
    if (state !== 'sound')
      this.#owner.log(`this node writes nothing in some space (${state}): see "hanse identity"`)
  }

  #finishRotation(): void {
    if (this.#storage.keys.next() === null) return
    try {
      const { did } = this.rotate()
      this.#owner.log(`the rotation that was interrupted is done: this node writes as ${did}`)
    } catch (error) {
      if (!(error instanceof FaultError)) throw error
      this.#owner.log(`the rotation that was interrupted cannot go on: ${error.message}`)
    }
  }

  #rotateIn(space: Space, former: Signer, next: Signer): SpaceRotation {
    const { id, name } = space
    try {
      const rotated = rotateIn(space.hosted, former, next, this.#owner.now())
      if (rotated.ok) return { id, name, outcome: rotated.value, fault: null }
      const todo = `ask an admin of the space: hanse grant ${formatDid(next.publicKey)} --role ...`
      const fault = { code: rotated.fault.code, detail: `${rotated.fault.detail}: ${todo}` }
      return { id, name, outcome: null, fault }
    } catch (error) {
      // What one space refuses must not keep the others from the new key.
      if (!(error instanceof FaultError)) throw error
      return { id, name, outcome: null, fault: { code: error.code, detail: error.message } }
    }
  }

  #describe(space: Space): SpaceIdentityStatus {
    const { hosted, id, name } = space
    const key = this.#author.publicKey
    const refusal = hosted.refusal(key)
    const nowMs = this.#owner.now()
    const isOpen = (purpose: { readonly fault: { readonly code: string } | null }) => purpose.fault === null
    const trials = hosted.tokens.tries({
      invoker: key,
      command: '/',
      path: '',
      timeMs: nowMs,
      bodySize: 0,
      anyCommand: true,
    })
    const commands = [...trials].filter(isOpen).flatMap(({ chain }) => chain.slice(-1))
    return {
      id,
      name,
      state: stateOf(refusal),
      detail: refusal?.detail ?? null,
      operations: hosted.store.heads(key).reduce((most, { seq }) => Math.max(most, seq + 1), 0),
      holds: [...new Set(commands.map(({ command }) => command))],
    }
  }

  /** True where a peer is in sync by a proof that was made since writing was stopped. */
  #isProved(space: Space): boolean {
    const { restored, behind } = this.#record
    const sinceMs = Math.max(restored?.sinceMs ?? 0, behind[space.id] ?? 0)
    return space
      .status()
      .peers.some(({ inSync, provedAtMs }) => inSync && provedAtMs !== null && provedAtMs >= sinceMs)
  }

  #isOwn(author: Uint8Array): boolean {
    return equalBytes(author, this.#author.publicKey) || this.#agents.has(toHex(author))
  }

  #isBehind(id: string): boolean {
    return Object.hasOwn(this.#record.behind, id)
  }

  #isRestored(id: string): boolean {
    const { restored } = this.#record
    return (
      restored !== null && restored.author === toHex(this.#author.publicKey) && !restored.mended.includes(id)
    )
  }

  /** Of a rotation under way nothing is known either: whatever this was copied from may have finished it. */
  #markRestored(): void {
    this.#storage.keys.discardNext()
    const author = toHex(this.#author.publicKey)
    this.#keep({ restored: { author, sinceMs: this.#owner.now(), mended: [] } })
    this.#storage.acceptPlace()
  }

  #keep(changes: Partial<IdentityRecord>): void {
    this.#record = { ...this.#record, ...changes }
    this.#storage.putNote(NOTE, encodeIdentityRecord(this.#record))
  }
}

function stateOf(refusal: Fault | null): KeyState {
  switch (refusal?.code) {
    case undefined:
      return 'sound'
    case 'OWN_FORK':
      return 'forked'
    case 'RESTORED':
      return 'restored'
    default:
      return 'behind'
  }
}
