import { toHex } from '../../core/bytes.ts'
import { READ_TOKENS_MAX } from '../../core/limits.ts'
import { isAtOrBelow } from '../../core/path.ts'
import type { Signer } from '../../core/signature.ts'
import {
  checkReadChain,
  handshakeBytes,
  type HandshakeBinding,
  type OwnReadProof,
} from '../../core/sync/handshake.ts'
import {
  isChainInForce,
  type ReadChain,
  type ReadingRules,
  ReadScope,
  WHOLE_SCOPE,
} from '../../core/sync/read-scope.ts'
import { isEverywhere } from '../../core/ucan/path-prefixes.ts'
import type { TokenBook } from './token-book.ts'

/** What reading needs of the space. */
export interface SpaceReadingInit {
  readonly spaceKey: Uint8Array
  readonly tokens: TokenBook
  readonly rules: Omit<ReadingRules, 'watch'>
}

/** After this long chains are looked for again, in ms: one may have become valid by time alone. */
const LOOK_AGAIN_MS = 60_000

/** The scope of one of this node's readers, from how many delegations it was made, and when. */
interface OwnScope {
  readonly scope: ReadScope
  readonly tokens: number
  readonly madeMs: number
}

/**
 * What this node itself may read in one space: its declared selection, and the proof of it that peers get. The scope of a reader stays
 * the same object until something about it changes.
 */
export class SpaceReading {
  readonly rules: ReadingRules
  readonly #spaceKey: Uint8Array
  readonly #tokens: TokenBook
  readonly #scopes = new Map<string, OwnScope>()
  readonly #watchers = new Set<() => void>()

  constructor({ spaceKey, tokens, rules }: SpaceReadingInit) {
    this.#spaceKey = spaceKey
    this.#tokens = tokens
    this.rules = {
      ...rules,
      watch: (onChange) => {
        this.#watchers.add(onChange)
        return () => this.#watchers.delete(onChange)
      },
    }
  }

  /** Tokens, revocations or the genesis have arrived. */
  changed(): void {
    // A revocation may have ended as well.
    for (const [reader, { scope }] of this.#scopes) this.#scopes.set(reader, { scope, tokens: -1, madeMs: 0 })
    for (const onChange of [...this.#watchers]) onChange()
  }

  /** What a reader may read now; nothing where no chain reaches it. */
  scopeOf(reader: Uint8Array, nowMs: number): ReadScope {
    const key = toHex(reader)
    if (key === toHex(this.#spaceKey)) return WHOLE_SCOPE
    const known = this.#scopes.get(key)
    const isGone = (chain: ReadChain) => !isUsable(chain, this.rules, nowMs)
    const isFresh = known?.tokens === this.#tokens.size && Math.abs(nowMs - known.madeMs) < LOOK_AGAIN_MS
    if (isFresh && known.scope.without(isGone) === known.scope) return known.scope
    const chains = this.#choose(reader, nowMs)
    const scope =
      known !== undefined && isSame(known.scope.chains, chains) ? known.scope : new ReadScope(chains)
    this.#scopes.set(key, { scope, tokens: this.#tokens.size, madeMs: nowMs })
    return scope
  }

  /** Proof that a reader may read; null where no chain reaches it. */
  prove(reader: Signer, binding: HandshakeBinding, nowMs: number): OwnReadProof | null {
    const scope = this.scopeOf(reader.publicKey, nowMs)
    const tokens = scope.chains.flat().map(({ bytes }) => bytes)
    if (tokens.length === 0) return null
    return { tokens, signature: reader.sign(handshakeBytes(binding)), scope }
  }

  /**
   * The chains to read by: one that reads everything, where there is one; else as many as a proof holds, widest first, each of which
   * adds something.
   */
  #choose(reader: Uint8Array, nowMs: number): readonly ReadChain[] {
    const found: { readonly chain: ReadChain; readonly prefixes: readonly string[] | null }[] = []
    for (const chain of this.#tokens.chains(reader)) {
      if (!checkReadChain(chain, reader, this.#spaceKey).ok || !isUsable(chain, this.rules, nowMs)) continue
      const prefixes = new ReadScope([chain]).prefixes(nowMs)
      if (isEverywhere(prefixes)) return [chain]
      found.push({ chain, prefixes })
    }
    const chosen: ReadChain[] = []
    const covered: string[] = []
    for (const { chain, prefixes } of found.toSorted((a, b) => breadth(a.prefixes) - breadth(b.prefixes))) {
      const addsNothing =
        prefixes?.every((path) => covered.some((other) => isAtOrBelow(path, other))) ?? false
      // A chain that reads nothing still shows membership: headers go to every member.
      if (addsNothing && chosen.length > 0) continue
      if (chosen.flat().length + chain.length > READ_TOKENS_MAX) continue
      chosen.push(chain)
      covered.push(...(prefixes ?? []))
    }
    return chosen
  }
}

/** The less, the wider: segments of the shortest prefix. */
function breadth(prefixes: readonly string[] | null): number {
  if (prefixes === null || prefixes.length === 0) return Number.MAX_SAFE_INTEGER
  return Math.min(...prefixes.map((path) => path.split('/').length))
}

function isUsable(chain: ReadChain, { closedBy }: ReadingRules, nowMs: number): boolean {
  return isChainInForce(chain, nowMs) && closedBy(chain) === null
}

function isSame(a: readonly ReadChain[], b: readonly ReadChain[]): boolean {
  const name = (chains: readonly ReadChain[]) =>
    chains.map((chain) => chain.map(({ digest }) => toHex(digest)).join()).join(' ')
  return name(a) === name(b)
}
