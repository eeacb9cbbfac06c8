import type { McpServer, RegisteredTool } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { CallToolResult, ToolAnnotations } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { formatJson } from '../core/json.ts'
import { faultOf } from '../node/fault-of.ts'
import { adviceFor } from './advice.ts'
import type { McpCaller } from './mcp-caller.ts'

/** What a tool works with. */
export interface ToolContext {
  readonly caller: McpCaller
  /** Aborts when the client gives up or the session ends. */
  readonly signal: AbortSignal
}

/** What there is to know of a tool. */
export interface ToolDefinition<Input extends z.ZodRawShape, Output extends z.ZodRawShape> {
  readonly name: string
  readonly title: string
  /** For the model: what it is for, when to use it, and when another. */
  readonly description: string
  readonly input: Input
  readonly output: Output
  readonly annotations: ToolAnnotations
  /** Gives what `output` describes; the SDK checks it. */
  readonly run: (context: ToolContext, args: z.output<z.ZodObject<Input>>) => object | Promise<object>
}

/** A tool, ready to be offered. */
export interface Tool {
  readonly name: string
  /** False: hidden from whoever may only read. */
  readonly isReading: boolean
  readonly offer: (server: McpServer, caller: McpCaller, onBug: (error: unknown) => void) => RegisteredTool
}

/** Makes a tool of its definition; its results are one JSON object, which is also its text, and its faults say what to try. */
export function defineTool<const Input extends z.ZodRawShape, const Output extends z.ZodRawShape>({
  name,
  title,
  description,
  input,
  output,
  annotations,
  run,
}: ToolDefinition<Input, Output>): Tool {
  return {
    name,
    isReading: annotations.readOnlyHint === true,
    offer: (server, caller, onBug) =>
      server.registerTool(
        name,
        {
          title,
          description,
          inputSchema: z.strictObject(input) as z.ZodObject,
          outputSchema: z.looseObject(output) as z.ZodObject,
          annotations: { ...annotations, openWorldHint: false },
        },
        async (args, { signal }): Promise<CallToolResult> => {
          try {
            caller.requireValid()
            const result = await run({ caller, signal }, args as z.output<z.ZodObject<Input>>)
            return {
              content: [{ type: 'text', text: formatJson(result) }],
              structuredContent: { ...result },
            }
          } catch (error) {
            return failure(error, onBug)
          }
        },
      ),
  }
}

function failure(error: unknown, onBug: (error: unknown) => void): CallToolResult {
  const { code, detail } = faultOf(error)
  if (code === 'BUG') onBug(error)
  const advice = adviceFor(code)
  const text = `${code}: ${detail}${advice === null ? '' : `\nWhat to try: ${advice}`}`
  return { content: [{ type: 'text', text }], isError: true }
}
