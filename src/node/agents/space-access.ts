import { isAtOrBelow } from '../../core/path.ts'
import type { Signer } from '../../core/signature.ts'
import { EVERYWHERE, intersectPrefixes, type PathPrefixes } from '../../core/ucan/path-prefixes.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import { SpaceAuthority } from '../space/authority.ts'
import type { Space } from '../space/space.ts'

/** What an access needs of the node. */
export interface AccessOwner {
  readonly bootstrap: readonly string[]
  readonly addresses: readonly string[]
  now(): number
}

/**
 * A space as one caller may use it. Every door for callers with less than the node's own authority reads through `requireRead` and
 * writes with `author`: an operation is signed by the caller's own key, so what the caller may write is decided by the admission
 * pipeline and nowhere else, here as on every other node.
 */
export class SpaceAccess {
  readonly space: Space
  /** Signs what the caller writes: hand it on as `{ author }`. */
  readonly author: Signer
  readonly #isWhole: boolean
  readonly #owner: AccessOwner

  /** `isWhole`: reads all that this node holds, as the node's own operator does. */
  constructor(space: Space, author: Signer, isWhole: boolean, owner: AccessOwner) {
    this.space = space
    this.author = author
    this.#isWhole = isWhole
    this.#owner = owner
  }

  /** True where the caller may read what is at exactly that path, now. */
  mayRead(path: string): boolean {
    return this.#isWhole || this.#scope().mayRead(path, this.#owner.now())
  }

  /** At and below which paths the caller may read: `['']` everything, none nothing. Null where its delegations say it in another way. */
  readable(): PathPrefixes {
    return this.#isWhole ? EVERYWHERE : this.#scope().prefixes(this.#owner.now())
  }

  /** What of a path and below the caller may read, as {@link readable}. */
  readableBelow(prefix: string): PathPrefixes {
    return intersectPrefixes(this.readable(), [prefix])
  }

  /** True where the caller may read all there is at and below a path; false too where its delegations say it in another way than by paths. */
  readsAllBelow(path: string): boolean {
    return this.readable()?.some((prefix) => isAtOrBelow(path, prefix)) ?? false
  }

  /** True where an operation of the caller at that path would be authorised, now. */
  mayWrite(path: string, command = '/op/write'): boolean {
    const { tokens } = this.space.hosted
    const invoker = this.author.publicKey
    return tokens.find({ invoker, command, path, timeMs: this.#owner.now(), bodySize: 0 }).ok
  }

  /** Throws `NOT_ALLOWED` where the caller may not read at that path. */
  requireRead(path: string): void {
    if (this.mayRead(path)) return
    const detail = `your token does not reach ${JSON.stringify(path)}: ask who runs this node for one that does (${this.#reach()})`
    throw new FaultError({ code: 'NOT_ALLOWED', detail })
  }

  /** Granting and revoking with the caller's own authority. */
  authority(): SpaceAuthority {
    const { bootstrap, addresses } = this.#owner
    const now = () => this.#owner.now()
    return new SpaceAuthority(this.space.hosted, { author: this.author, bootstrap, addresses, now })
  }

  /** The chain that lets the caller do something; throws the fault that says why it may not. */
  requireWrite(path: string, command = '/op/write'): void {
    const { tokens } = this.space.hosted
    const invoker = this.author.publicKey
    orThrow(tokens.find({ invoker, command, path, timeMs: this.#owner.now(), bodySize: 0 }))
  }

  #scope() {
    return this.space.hosted.reading.scopeOf(this.author.publicKey, this.#owner.now())
  }

  #reach(): string {
    const prefixes = this.readable()
    if (prefixes === null) return 'it reads where its delegations say'
    return prefixes.length === 0
      ? 'it reads nothing now'
      : `it reads ${prefixes.map((path) => JSON.stringify(path)).join(', ')}`
  }
}
