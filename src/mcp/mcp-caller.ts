import { isAtOrBelow, parsePath } from '../core/path.ts'
import type { Caller } from '../node/agents/caller.ts'
import type { SpaceAccess } from '../node/agents/space-access.ts'
import { FaultError, orThrow } from '../node/fault-error.ts'
import type { HanseNode } from '../node/node.ts'

/** Whoever speaks MCP with a node: what it reaches, in the words that tools need. */
export class McpCaller {
  readonly node: HanseNode
  readonly caller: Caller
  readonly #requireValid: () => void

  /** `requireValid` throws once the caller's token is not taken any more. */
  constructor(node: HanseNode, caller: Caller, requireValid: () => void) {
    this.node = node
    this.caller = caller
    this.#requireValid = requireValid
  }

  /** Throws `TOKEN_REVOKED` or `TOKEN_EXPIRED`, also in the middle of a wait. */
  requireValid(): void {
    this.#requireValid()
  }

  /** The spaces that the caller reads something of. Throws as {@link requireValid}. */
  spaces(): readonly SpaceAccess[] {
    this.#requireValid()
    return this.caller.spaces()
  }

  /** The space that was named, or the only one there is. Throws `NO_SPACE` or `AMBIGUOUS` with those there are. */
  space(given: string | undefined): SpaceAccess {
    const all = this.spaces()
    if (given !== undefined) {
      try {
        return this.caller.space(given)
      } catch (error) {
        if (!(error instanceof FaultError) || error.code !== 'NO_SPACE') throw error
        throw noSpace(`there is no space ${JSON.stringify(given)} that you reach`, all)
      }
    }
    const [only, ...others] = all
    if (only === undefined) throw noSpace('your token reaches no space', all)
    if (others.length === 0) return only
    const detail = `you reach ${all.length} spaces, so say which with "space": ${all.map(nameOf).join(', ')}`
    throw new FaultError({ code: 'AMBIGUOUS', detail })
  }

  /** At and below which paths the caller reads what is at or below one; null where its delegations say it otherwise. Throws `BAD_PATH`, and `NOT_ALLOWED` where it reads nothing there. */
  readableBelow(access: SpaceAccess, path: string): readonly string[] | null {
    orThrow(parsePath(path))
    const below = access.readableBelow(path)
    if (below?.length === 0) access.requireRead(path)
    return below
  }

  /** The paths at and below which the caller may write in a space, as far as its delegations say so by paths; none below another. */
  writable(access: SpaceAccess): readonly string[] {
    const { caller, node } = this
    const granted = caller.isNode
      ? []
      : node.agents
          .get(caller.name)
          .grants.flatMap(({ space, role, path }) =>
            space === access.space.id && role !== 'reader' ? [path] : [],
          )
    const candidates = [...new Set(['', ...granted, ...(access.readable() ?? [])])].filter((path) =>
      access.mayWrite(path),
    )
    return candidates.filter(
      (path) => !candidates.some((other) => other !== path && isAtOrBelow(path, other)),
    )
  }

  /** True where the caller may write something somewhere. */
  mayWrite(): boolean {
    return this.spaces().some((access) => this.writable(access).length > 0)
  }

  /** How an author is called here: `you`, the name of an agent of this node, or its did:key. */
  nameOf(did: string): string {
    if (did === this.caller.did) return 'you'
    if (did === this.node.did) return 'the node'
    return this.node.agents.nameOf(did) ?? did
  }
}

const nameOf = ({ space }: SpaceAccess): string => space.name || space.id.slice(0, 16)

function noSpace(what: string, all: readonly SpaceAccess[]): FaultError {
  const detail = all.length === 0 ? what : `${what}: there is ${all.map(nameOf).join(', ')}`
  return new FaultError({ code: 'NO_SPACE', detail })
}
