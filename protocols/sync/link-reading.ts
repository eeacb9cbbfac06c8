import { equalBytes } from '../../src/core/bytes.ts'
import { fail, ok, type Fault, type Result } from '../../src/core/result.ts'
import {
  type HandshakeBinding,
  type ProvenReader,
  type ReadProof,
  verifyReadProof,
} from '../../src/core/sync/handshake.ts'
import type { OwnStanding } from '../../src/core/sync/message.ts'
import { type LinkScopes, ReadScope, scopeNow } from '../../src/core/sync/read-scope.ts'
import { type Receipt, verifyReceipt } from '../../src/core/sync/receipt.ts'
import type { SyncReport } from '../../src/core/sync/session.ts'
import type { SyncHost, SyncSpace } from './host.ts'
import type { ReceiptMessage } from './message-codec.ts'

/** A receipt that has been checked. */
export interface AcceptedReceipt extends Receipt {
  /** Public key that signed it. */
  readonly reader: Uint8Array
  /** Where this node stood with that clock root. */
  readonly standing: OwnStanding
}

const SECOND_MS = 1_000
/** The longest a timer can be set to. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** A rule of the protocol is broken. */
export const protocolFault = (detail: string): Fault<'PROTOCOL'> => ({ code: 'PROTOCOL', detail })

/** May read nothing. */
const NOTHING = new ReadScope([])

/**
 * Who reads on the other end of a link, and what: the proof, whether it still holds, and the receipts. Invariants:
 * 1. what the peer may read is nothing until its proof has been checked, and nothing again once its right has ended;
 * 2. one receipt is taken for each run that ended in sync, for that run's clock root and no other;
 * 3. what a receipt of this link has said is not said again: one is sent when the clock root is another than that of the last.
 */
export class LinkReading {
  readonly #space: SyncSpace
  readonly #host: SyncHost
  /** What this node has shown of its own right to read. */
  #shown: ReadScope
  #proven: ProvenReader | null = null
  /** What is left of the peer's scope by what this node knows now. */
  #left: ReadScope = NOTHING
  /** Where this node stood when the last run ended in sync, while the peer's receipt for it is due. */
  #due: OwnStanding | null = null
  /** The clock root that this node has signed last on this link. */
  #acknowledged: Uint8Array | null = null
  #unwatch: (() => void) | null = null
  #timer: NodeJS.Timeout | null = null

  constructor(space: SyncSpace, host: SyncHost) {
    this.#space = space
    this.#host = host
    this.#shown = NOTHING
  }

  /** What either end may read, for the view of the session. */
  get scopes(): LinkScopes {
    return { mine: () => this.#shown, theirs: () => this.#left }
  }

  /** True where this node could prove something else by now: a new link would show it. */
  get isOutdated(): boolean {
    return this.#space.ownScope() !== this.#shown
  }

  /** This node's own proof; null where it holds no capability. */
  prove(binding: HandshakeBinding): ReadProof | null {
    const proof = this.#space.prove(binding)
    if (proof !== null) this.#shown = proof.scope
    return proof
  }

  /** Takes the peer's proof, if it holds, and holds now. */
  accept(proof: ReadProof, binding: HandshakeBinding): Result<void> {
    const proven = verifyReadProof(proof, binding, this.#space.spaceKey, this.#host.verify)
    if (!proven.ok) return proven
    this.#proven = proven.value
    return this.check()
  }

  /** Whether the peer's right to read still holds: `CAP_TIME`, `CAP_REVOKED` or `CAP_POLICY` where it has ended. */
  check(): Result<void> {
    if (this.#proven === null) return fail('CAP_MISSING', 'nothing has been proved')
    const left = scopeNow(this.#proven.scope, this.#space.reading, this.#host.now())
    this.#left = left.ok ? left.value : NOTHING
    return left.ok ? ok(undefined) : left
  }

  /** Says so when the peer's right to read has ended, be it by time or by a revocation that has arrived. */
  watch(onEnded: (fault: Fault) => void): void {
    const look = () => {
      const still = this.check()
      if (still.ok) this.#lookAgain(look)
      else onEnded(still.fault)
    }
    this.#unwatch = this.#space.reading.watch(look)
    this.#lookAgain(look)
  }

  /** Ends the watch. */
  close(): void {
    this.#unwatch?.()
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  /**
   * After a run: this node's receipt, and the peer's is due; neither where it did not end in sync. No receipt for a root that the last
   * one was for, and none of a reader that this link may not have shown: the next link will.
   */
  acknowledge({ inSync, mine }: SyncReport): readonly ReceiptMessage[] {
    this.#due = inSync ? mine : null
    if (!inSync || this.isOutdated) return []
    const { clockRoot } = mine
    if (this.#acknowledged !== null && equalBytes(clockRoot, this.#acknowledged)) return []
    this.#acknowledged = clockRoot
    const timeMs = this.#host.now()
    const signature = this.#space.signReceipt(clockRoot, timeMs)
    return [{ kind: 'receipt', receipt: { clockRoot, timeMs, signature } }]
  }

  /** Takes the receipt that is due. */
  onReceipt(receipt: Receipt): Result<AcceptedReceipt> {
    const [standing, proven] = [this.#due, this.#proven]
    this.#due = null
    if (standing === null || proven === null)
      return fail('PROTOCOL', 'a receipt without a run that ended in sync')
    const { reader } = proven
    const expected = { spaceId: this.#space.spaceId, clockRoot: standing.clockRoot, reader }
    const checked = verifyReceipt(receipt, expected, this.#host.verify)
    return checked.ok ? ok({ ...receipt, reader, standing }) : checked
  }

  #lookAgain(look: () => void): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    const nowMs = this.#host.now()
    const leftMs = this.#left.nextEndMs(nowMs) - nowMs + 1
    // Timers and this node's clock may differ: not sooner than in a second.
    this.#timer = setTimeout(look, Math.min(Math.max(leftMs, SECOND_MS), TIMER_MS_MAX))
    this.#timer.unref()
  }
}
