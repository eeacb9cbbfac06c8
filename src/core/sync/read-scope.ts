import { READ_PATHS_REMEMBERED_MAX } from '../limits.ts'
import { fail, ok, type Fault, type Result } from '../result.ts'
import type { VerifiedDelegation } from '../ucan/delegation.ts'
import {
  EVERYWHERE,
  intersectPrefixes,
  isEverywhere,
  type PathPrefixes,
  prefixesOf,
  unitePrefixes,
} from '../ucan/path-prefixes.ts'
import { authorizePolicy, type Statement } from '../ucan/policy.ts'

/** The command that every body sent to a peer is asked about. */
export const READ_COMMAND = '/op/read'

/** A chain of delegations that ends at a reader, root first. */
export type ReadChain = readonly VerifiedDelegation[]

/** One chain as it is used: what it says, read once. */
interface Reading {
  readonly chain: ReadChain
  readonly fromMs: number
  readonly untilMs: number
  readonly prefixes: PathPrefixes
}

/**
 * What a reader may read by one or more chains whose form, signatures and command have been checked: whatever one of them allows.
 * Invariants:
 * 1. every question is answered for a time, so a chain that has expired since allows nothing;
 * 2. the answer is that of the policies of all tokens of a chain, over `{ command: '/op/read', path, time, bodySize: 0 }`;
 *    what is remembered by path (READ_PATHS_REMEMBERED_MAX of them) is only what does not depend on the time.
 */
export class ReadScope {
  readonly #readings: readonly Reading[]
  readonly #remembered = new Map<string, readonly boolean[]>()
  readonly #isTimeless: boolean

  constructor(chains: readonly ReadChain[]) {
    this.#readings = chains.map(readingOf)
    this.#isTimeless = !chains.flat().some(({ policy }) => policy.some(asksForTime))
  }

  get chains(): readonly ReadChain[] {
    return this.#readings.map(({ chain }) => chain)
  }

  /** True where the body of an operation at `path` may be read at that time, ms since 1970. */
  mayRead(path: string, nowMs: number): boolean {
    const allowed = this.#allowedBy(path, nowMs)
    return this.#readings.some((reading, i) => allowed[i] === true && isInForce(reading, nowMs))
  }

  /** What may be read at that time, in prefixes. */
  prefixes(nowMs: number): PathPrefixes {
    return unitePrefixes(
      this.#readings.filter((one) => isInForce(one, nowMs)).map(({ prefixes }) => prefixes),
    )
  }

  /** True while a chain is in force, whatever it allows. */
  isInForce(nowMs: number): boolean {
    return this.#readings.some((reading) => isInForce(reading, nowMs))
  }

  /** When the next of the chains that are in force ends, ms since 1970; infinity where none ever does. */
  nextEndMs(nowMs: number): number {
    return Math.min(Infinity, ...this.#readings.map(({ untilMs }) => untilMs).filter((ms) => ms >= nowMs))
  }

  /** What is left without some of the chains; this scope itself where none goes. */
  without(isGone: (chain: ReadChain) => boolean): ReadScope {
    const { chains } = this
    const left = chains.filter((chain) => !isGone(chain))
    return left.length === chains.length ? this : new ReadScope(left)
  }

  #allowedBy(path: string, nowMs: number): readonly boolean[] {
    const known = this.#remembered.get(path)
    if (known !== undefined) return known
    const args = { command: READ_COMMAND, path, time: nowMs, bodySize: 0 }
    const allowed = this.#readings.map(({ chain }) =>
      chain.every(({ policy }) => authorizePolicy(policy, args)),
    )
    if (!this.#isTimeless) return allowed
    if (this.#remembered.size >= READ_PATHS_REMEMBERED_MAX) this.#remembered.clear()
    this.#remembered.set(path, allowed)
    return allowed
  }
}

/** Reads everything, always: the scope of the space key, and of a node that is asked about nobody but itself. */
export const WHOLE_SCOPE = new ReadScope([[]])

/** What the two ends of a link may read, asked anew each time. */
export interface LinkScopes {
  readonly mine: () => ReadScope
  readonly theirs: () => ReadScope
}

/** What a space says of its readers besides their chains. */
export interface ReadingRules {
  /** Id (hexadecimal) of an effective revocation that reaches the chain; null where none does. */
  readonly closedBy: (chain: ReadChain) => string | null
  /** True where the genesis says that every member reads everything: bodies are gossiped there. */
  readonly isOpenReading: () => boolean
  /** Calls back whenever either answer may have changed; gives back what ends that. */
  readonly watch: (onChange: () => void) => () => void
}

/**
 * What is left of a scope now, by this node's clock and what it knows: reading is not state. Ends with
 * 1. `CAP_TIME` when no chain is in force at this time;
 * 2. `CAP_REVOKED` when the ones in force are all revoked;
 * 3. `CAP_POLICY` when less than everything may be read in a space where every member reads everything, since gossip there
 *    takes bodies to all members alike.
 */
export function scopeNow(
  scope: ReadScope,
  { closedBy, isOpenReading }: ReadingRules,
  nowMs: number,
): Result<ReadScope, Fault<'CAP_TIME' | 'CAP_REVOKED' | 'CAP_POLICY'>> {
  if (!scope.isInForce(nowMs)) return fail('CAP_TIME', `no read chain is valid at ${nowMs} ms`)
  const left = scope.without((chain) => closedBy(chain) !== null)
  if (!left.isInForce(nowMs))
    return fail('CAP_REVOKED', `every read chain is revoked: ${reasons(scope, closedBy)}`)
  if (isOpenReading() && !isEverywhere(left.prefixes(nowMs)))
    return fail(
      'CAP_POLICY',
      'the chain reads less than everything, in a space where every member reads everything',
    )
  return ok(left)
}

/**
 * The prefixes whose states two ends of a link can compare, because both may read all below them: `['']` where both read
 * everything. None where a chain says something else than prefixes.
 */
export function sharedPrefixes(mine: ReadScope, theirs: ReadScope, nowMs: number): readonly string[] {
  return intersectPrefixes(mine.prefixes(nowMs), theirs.prefixes(nowMs)) ?? []
}

/** True where all tokens of a chain are valid at that time, ms since 1970. */
export function isChainInForce(chain: ReadChain, nowMs: number): boolean {
  return isInForce(periodOf(chain), nowMs)
}

type Period = Pick<Reading, 'fromMs' | 'untilMs'>

function periodOf(chain: ReadChain): Period {
  const from = chain.map(({ notBeforeSeconds }) => (notBeforeSeconds ?? -Infinity) * 1000)
  const until = chain.map(({ expiresSeconds }) => (expiresSeconds ?? Infinity) * 1000)
  return { fromMs: Math.max(-Infinity, ...from), untilMs: Math.min(Infinity, ...until) }
}

function readingOf(chain: ReadChain): Reading {
  return {
    chain,
    ...periodOf(chain),
    prefixes:
      chain.length === 0
        ? EVERYWHERE
        : prefixesOf(
            chain.map(({ policy }) => policy),
            { command: READ_COMMAND, bodySize: 0 },
          ),
  }
}

const isInForce = ({ fromMs, untilMs }: Period, nowMs: number): boolean => fromMs <= nowMs && nowMs <= untilMs

function asksForTime(statement: Statement): boolean {
  switch (statement.kind) {
    case 'equal':
    case 'like':
      return statement.name === 'time'
    case 'and':
    case 'or':
      return statement.statements.some(asksForTime)
    case 'not':
      return asksForTime(statement.statement)
    case 'unsupported':
      return false
  }
}

function reasons(scope: ReadScope, closedBy: ReadingRules['closedBy']): string {
  return scope.chains.map((chain) => closedBy(chain) ?? 'expired').join(', ')
}
