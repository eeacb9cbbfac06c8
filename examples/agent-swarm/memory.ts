import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { HANSE, type RunningNode } from './nodes.ts'

/** What a tool gives. */
export type Answer = Readonly<Record<string, unknown>>

/** How long one call may take, in ms. */
const CALL_MS_MAX = 30_000

/** A shared memory as one agent reaches it: `hanse mcp` in a process of its own, which the SDK's client talks to, as an assistant's would. */
export class Memory {
  readonly #client: Client

  private constructor(client: Client) {
    this.#client = client
  }

  static async open(name: string, { data }: RunningNode, token: string): Promise<Memory> {
    const client = new Client({ name, version: '1' })
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [HANSE, 'mcp', '--data', data],
      env: { HANSE_TOKEN: token },
    })
    await client.connect(transport, { timeout: CALL_MS_MAX })
    return new Memory(client)
  }

  /** Names of the tools that this token is offered. */
  async tools(): Promise<readonly string[]> {
    return (await this.#client.listTools()).tools.map(({ name }) => name)
  }

  /** Calls a tool. Throws with what the tool says where it fails. */
  async call(name: string, args: Answer = {}): Promise<Answer> {
    const result = await this.#client.callTool({ name, arguments: args }, undefined, { timeout: CALL_MS_MAX })
    if (result.isError === true) throw new Error(JSON.stringify(result.content))
    return result.structuredContent as Answer
  }

  /** The value at a path; null where nothing shows. */
  async value(path: string, type?: string): Promise<unknown> {
    try {
      return (await this.call('read', type === undefined ? { path } : { path, type }))['value']
    } catch (error) {
      if (error instanceof Error && error.message.includes('NOT_FOUND')) return null
      throw error
    }
  }

  /** Paths of the items below one. */
  async paths(folder: string, type: string): Promise<readonly string[]> {
    const { items } = await this.call('list', { path: folder, type, limit: 200 })
    return (items as readonly { readonly path: string }[]).map(({ path }) => path)
  }

  async close(): Promise<void> {
    await this.#client.close()
  }
}
