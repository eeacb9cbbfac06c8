import { McpServer, type RegisteredTool } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  ErrorCode,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import type { Caller } from '../node/agents/caller.ts'
import { faultOf } from '../node/fault-of.ts'
import type { HanseNode } from '../node/node.ts'
import { adviceFor } from './advice.ts'
import { INSTRUCTIONS } from './instructions.ts'
import { McpCaller } from './mcp-caller.ts'
import { listResources, readResource, RESOURCE_TEMPLATE } from './resources.ts'
import { Subscriptions } from './subscriptions.ts'
import type { Tool } from './tool.ts'
import { TOOLS } from './tools/index.ts'

/** Who speaks with which node. */
export interface McpServerInit {
  readonly node: HanseNode
  readonly caller: Caller
  /** Of this program. */
  readonly version: string
  /** Throws the fault once the caller's token is not taken any more. */
  readonly requireValid: () => void
  /** Hears of our own mistakes. */
  readonly onBug: (error: unknown) => void
}

/** Code of a resource that is not there (MCP, resources). */
const RESOURCE_NOT_FOUND = -32002
/** What tells of nothing but that there is none. */
const NOT_THERE = new Set(['NOT_FOUND', 'NO_SPACE'])

/**
 * One session of MCP: a node as one caller may use it. Invariants:
 * 1. everything goes through the caller's {@link Caller}: nothing is read that its delegations do not reach, and what it writes is signed by
 *    its key and admitted like everybody's;
 * 2. nothing is answered, and nobody told, once its token is not taken any more;
 * 3. tools that write are neither shown to whoever may write nowhere, nor run for them.
 */
export class HanseMcpServer {
  readonly #caller: McpCaller
  readonly #server: McpServer
  readonly #writing: readonly RegisteredTool[]
  readonly #subscriptions: Subscriptions
  readonly #onBug: (error: unknown) => void
  /** Ids of the spaces that the caller reached when it was last looked. */
  #spaces: string
  #canHear: () => boolean = () => true
  /** Resources that changed while nobody heard. */
  readonly #missed = new Set<string>()
  /** True where the lists of tools or resources did. */
  #hasMissedLists = false

  constructor({ node, caller, version, requireValid, onBug }: McpServerInit) {
    this.#caller = new McpCaller(node, caller, requireValid)
    this.#onBug = onBug
    this.#server = new McpServer(
      { name: 'hanse', title: 'Hanse', version },
      {
        instructions: INSTRUCTIONS,
        capabilities: { tools: { listChanged: true }, resources: { subscribe: true, listChanged: true } },
      },
    )
    this.#writing = this.#offer(TOOLS)
    this.#subscriptions = new Subscriptions(this.#caller, (uri) => this.#tell(uri))
    this.#serveResources()
    this.#spaces = this.#spacesNow()
    this.#showWriting()
    this.#hasMissedLists = false
  }

  /** Speaks over a transport until that ends. */
  async connect(transport: Transport): Promise<void> {
    await this.#server.connect(transport)
  }

  /** True: what is told unasked gets there. While false, what has changed is kept, each thing once, and told by {@link hear}. */
  hearsWhile(canHear: () => boolean): void {
    this.#canHear = canHear
  }

  /** Tells what was missed, where somebody listens again. */
  hear(): void {
    if (!this.#canHear()) return
    if (this.#hasMissedLists) {
      this.#hasMissedLists = false
      this.#server.sendToolListChanged()
      this.#server.sendResourceListChanged()
    }
    const missed = [...this.#missed]
    this.#missed.clear()
    for (const uri of missed) this.#tell(uri)
  }

  /** Looks whether the caller's rights have changed, and says so where they have. Throws once its token is not taken any more. */
  look(): void {
    this.#caller.requireValid()
    this.#showWriting()
    const spaces = this.#spacesNow()
    if (spaces !== this.#spaces) {
      this.#spaces = spaces
      if (this.#canHear()) this.#server.sendResourceListChanged()
      else this.#hasMissedLists = true
    }
    this.hear()
  }

  async close(): Promise<void> {
    this.#subscriptions.close()
    await this.#server.close()
  }

  /** Gives those that write. */
  #offer(tools: readonly Tool[]): readonly RegisteredTool[] {
    return tools.flatMap((tool) => {
      const offered = tool.offer(this.#server, this.#caller, this.#onBug)
      return tool.isReading ? [] : [offered]
    })
  }

  /** The SDK tells the client where this changes something. */
  #showWriting(): void {
    const mayWrite = this.#caller.mayWrite()
    const changed = this.#writing.filter((tool) => tool.enabled !== mayWrite)
    if (changed.length > 0 && !this.#canHear()) this.#hasMissedLists = true
    for (const tool of changed) tool.update({ enabled: mayWrite })
  }

  #spacesNow(): string {
    return this.#caller
      .spaces()
      .map(({ space: { id } }) => id)
      .join()
  }

  #tell(uri: string): void {
    if (!this.#canHear()) {
      this.#missed.add(uri)
      return
    }
    try {
      this.#caller.requireValid()
    } catch {
      return
    }
    // A client that has gone meanwhile asks again when it comes back.
    this.#server.server.sendResourceUpdated({ uri }).catch(() => {})
  }

  #serveResources(): void {
    const { server } = this.#server
    server.setRequestHandler(ListResourcesRequestSchema, ({ params }) =>
      this.#answer(() => {
        const { resources, next } = listResources(this.#caller, params?.cursor)
        return { resources: [...resources], ...(next === null ? {} : { nextCursor: next }) }
      }),
    )
    server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({
      resourceTemplates: [RESOURCE_TEMPLATE],
    }))
    server.setRequestHandler(ReadResourceRequestSchema, ({ params: { uri } }) =>
      this.#answer(() => ({ contents: [readResource(this.#caller, uri)] })),
    )
    server.setRequestHandler(SubscribeRequestSchema, ({ params: { uri } }) =>
      this.#answer(() => {
        this.#subscriptions.add(uri)
        return {}
      }),
    )
    server.setRequestHandler(UnsubscribeRequestSchema, ({ params: { uri } }) => {
      this.#subscriptions.remove(uri)
      return {}
    })
  }

  /** A fault as JSON-RPC has it, with what to try. */
  #answer<T>(act: () => T): T {
    try {
      this.#caller.requireValid()
      return act()
    } catch (error) {
      const { code, detail } = faultOf(error)
      if (code === 'BUG') this.#onBug(error)
      const advice = adviceFor(code)
      const message = advice === null ? detail : `${detail}. What to try: ${advice}`
      throw new McpError(NOT_THERE.has(code) ? RESOURCE_NOT_FOUND : ErrorCode.InvalidParams, message, {
        code,
      })
    }
  }
}
