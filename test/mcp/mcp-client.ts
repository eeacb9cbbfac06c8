import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'

/** An agent that speaks MCP, by the SDK's own client. */
export class McpAgent {
  readonly client: Client
  readonly #transport: Transport

  private constructor(client: Client, transport: Transport) {
    this.client = client
    this.#transport = transport
  }

  /** Over streamable HTTP, with a token. */
  static async overHttp(origin: string, token: string): Promise<McpAgent> {
    const headers = { authorization: `Bearer ${token}` }
    return await McpAgent.over(
      new StreamableHTTPClientTransport(new URL('/mcp', origin), { requestInit: { headers } }),
    )
  }

  static async over(transport: Transport): Promise<McpAgent> {
    const client = new Client({ name: 'test', version: '0' })
    await client.connect(transport)
    return new McpAgent(client, transport)
  }

  get sessionId(): string {
    return this.#transport.sessionId ?? ''
  }

  /** Calls a tool and gives its structured result; fails where the tool did. */
  async call(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    const result = await this.raw(name, args)
    if (result.isError === true) throw new Error(textOf(result))
    return result.structuredContent as Answer
  }

  /** Calls a tool that is to fail, and gives what it says. */
  async failure(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const result = await this.raw(name, args)
    if (result.isError !== true) throw new Error(`${name} did not fail: ${textOf(result)}`)
    return textOf(result)
  }

  async raw(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<CallToolResult> {
    return (await this.client.callTool({ name, arguments: args })) as CallToolResult
  }

  /** Names of the tools that are offered. */
  async tools(): Promise<readonly string[]> {
    return (await this.client.listTools()).tools.map(({ name }) => name)
  }

  async close(): Promise<void> {
    await this.client.close()
  }
}

// A test reads of it what it expects, and fails where that is not there.
// oxlint-disable-next-line typescript/no-explicit-any
type Answer = any

function textOf({ content }: CallToolResult): string {
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('\n')
}
