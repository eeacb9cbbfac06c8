import { formatDid } from '../../core/principal.ts'
import type { Signer } from '../../core/signature.ts'
import { FaultError } from '../fault-error.ts'
import type { Space } from '../space/space.ts'
import { type AccessOwner, SpaceAccess } from './space-access.ts'

/** What a caller needs of the node. */
export interface CallerOwner extends AccessOwner {
  readonly author: Signer
  spaces(): readonly Space[]
  space(idOrName: string): Space
}

/** Somebody who has shown who they are: an agent by its token, or the node's own operator. */
export class Caller {
  /** The agent's name; of the operator `operator`. */
  readonly name: string
  /** True where the caller may run the node, beside what it may do in spaces. */
  readonly isOperator: boolean
  /** Aborts when the caller is not taken any more: its token was revoked or has expired. What goes on longer than a request ends then. */
  readonly ended: AbortSignal
  readonly #agent: Signer | null
  readonly #owner: CallerOwner
  #agentDid: string | null = null

  private constructor(
    name: string,
    isOperator: boolean,
    agent: Signer | null,
    owner: CallerOwner,
    ended: AbortSignal,
  ) {
    this.name = name
    this.isOperator = isOperator
    this.ended = ended
    this.#agent = agent
    this.#owner = owner
  }

  /** Whoever has the data directory: reads and writes as the node itself. */
  static operator(owner: CallerOwner): Caller {
    return new Caller('operator', true, null, owner, NEVER)
  }

  static agent(
    name: string,
    key: Signer,
    isOperator: boolean,
    owner: CallerOwner,
    ended: AbortSignal,
  ): Caller {
    return new Caller(name, isOperator, key, owner, ended)
  }

  /** `did:key` that the caller's operations are signed by. */
  get did(): string {
    // An agent's key stays; the node's may be another by the next request.
    return (
      (this.#agentDid ??= this.#agent === null ? null : formatDid(this.#agent.publicKey)) ??
      formatDid(this.#author.publicKey)
    )
  }

  /** True where the caller acts as the node itself rather than as an agent with a key of its own. */
  get isNode(): boolean {
    return this.#agent === null
  }

  /** The spaces that the caller may read something of. */
  spaces(): readonly SpaceAccess[] {
    return this.#owner
      .spaces()
      .map((space) => this.#access(space))
      .filter(isReached)
  }

  /** A space by its id, an unambiguous beginning of it, or its name. Throws `NO_SPACE`, also where the caller reads nothing of it, or `AMBIGUOUS`. */
  space(idOrName: string): SpaceAccess {
    const reached = this.spaces()
    const wanted = idOrName.toLowerCase()
    const found = reached.filter(({ space: { id, name } }) => id.startsWith(wanted) || name === idOrName)
    const exact = found.filter(({ space: { id } }) => id === wanted)
    const [first, ...others] = exact.length > 0 ? exact : found
    if (first === undefined) {
      const detail = `your token reaches no space ${JSON.stringify(idOrName)}: list the spaces to see which it does`
      throw new FaultError({ code: 'NO_SPACE', detail })
    }
    if (others.length > 0) {
      const detail = `${JSON.stringify(idOrName)} means ${found.length} spaces: give more of the id`
      throw new FaultError({ code: 'AMBIGUOUS', detail })
    }
    return first
  }

  /** Throws `NOT_ALLOWED` where the caller may not run the node. */
  requireOperator(): void {
    if (this.isOperator) return
    const detail = 'this needs a token that may run the node: hanse agent add NAME --operator'
    throw new FaultError({ code: 'NOT_ALLOWED', detail })
  }

  get #author(): Signer {
    return this.#agent ?? this.#owner.author
  }

  #access(space: Space): SpaceAccess {
    return new SpaceAccess(space, this.#author, this.#agent === null, this.#owner)
  }
}

/** The node's operator is who it is as long as the process lives. */
const NEVER = new AbortController().signal

const isReached = (access: SpaceAccess): boolean => access.readable()?.length !== 0
