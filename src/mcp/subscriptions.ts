import { MCP_SUBSCRIPTIONS_MAX, MCP_UPDATE_PAUSE_MS } from '../core/limits.ts'
import { isAtOrBelow } from '../core/path.ts'
import type { ChangeRecord } from '../node/feed/change-record.ts'
import { FaultError, orThrow } from '../node/fault-error.ts'
import type { Space } from '../node/space/space.ts'
import type { McpCaller } from './mcp-caller.ts'
import { parseResourceUri, type ResourceName } from './resource-uri.ts'

/** What a space is followed for. */
interface Follower {
  readonly subscribed: Map<string, ResourceName>
  readonly controller: AbortController
}

/**
 * The resources that one session has subscribed to. Each space is followed once, by its change feed; what changes at or below a
 * subscribed path, and within the caller's reach at that moment, is told by its URI, at most once in MCP_UPDATE_PAUSE_MS.
 */
export class Subscriptions {
  readonly #caller: McpCaller
  readonly #tell: (uri: string) => void
  readonly #followers = new Map<string, Follower>()
  readonly #pending = new Set<string>()
  #flush: NodeJS.Timeout | null = null

  constructor(caller: McpCaller, tell: (uri: string) => void) {
    this.#caller = caller
    this.#tell = tell
  }

  /** Throws `LIMIT`, `BAD_URI`, `NO_SPACE`, `NOT_ALLOWED`. */
  add(uri: string): void {
    const name = orThrow(parseResourceUri(uri))
    const access = this.#caller.space(name.space)
    this.#caller.readableBelow(access, name.path)
    const { space } = access
    const known = this.#followers.get(space.id)
    if (known?.subscribed.has(uri) === true) return
    const count = this.#followers.values().reduce((sum, { subscribed }) => sum + subscribed.size, 0)
    if (count >= MCP_SUBSCRIPTIONS_MAX)
      throw new FaultError({
        code: 'LIMIT',
        detail: `a session has at most ${MCP_SUBSCRIPTIONS_MAX} subscriptions: subscribe to a folder, or to the space, instead`,
      })
    if (known !== undefined) {
      known.subscribed.set(uri, name)
      return
    }
    const follower: Follower = { subscribed: new Map([[uri, name]]), controller: new AbortController() }
    this.#followers.set(space.id, follower)
    void this.#follow(space, follower)
  }

  /** Ends a subscription; of one that is not there, nothing. */
  remove(uri: string): void {
    this.#pending.delete(uri)
    for (const [id, { subscribed, controller }] of this.#followers) {
      subscribed.delete(uri)
      if (subscribed.size > 0) continue
      controller.abort()
      this.#followers.delete(id)
    }
  }

  close(): void {
    for (const { controller } of this.#followers.values()) controller.abort()
    this.#followers.clear()
    if (this.#flush !== null) clearTimeout(this.#flush)
  }

  async #follow(space: Space, follower: Follower): Promise<void> {
    const { signal } = follower.controller
    try {
      for await (const record of space.changes({ since: 'now', signal }))
        this.#onRecord(space, follower, record)
    } catch {
      // The space was closed, or the token is not taken any more: there is nobody to tell.
      if (this.#followers.get(space.id) === follower) this.#followers.delete(space.id)
    }
  }

  #onRecord(space: Space, { subscribed }: Follower, { path, type }: ChangeRecord): void {
    const uris = [...subscribed].flatMap(([uri, name]) =>
      isAtOrBelow(path, name.path) && (name.type ?? type) === type ? [uri] : [],
    )
    if (uris.length === 0 || !this.#caller.space(space.id).mayRead(path)) return
    for (const uri of uris) this.#pending.add(uri)
    this.#flush ??= setTimeout(() => {
      this.#flush = null
      const all = [...this.#pending]
      this.#pending.clear()
      for (const uri of all) this.#tell(uri)
    }, MCP_UPDATE_PAUSE_MS)
  }
}
