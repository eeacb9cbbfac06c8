import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { McpSessions } from '../../mcp/mcp-sessions.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import { sessionOf } from '../authenticate.ts'
import type { HttpApp, HttpContext } from '../http-context.ts'

/** MCP over streamable HTTP at /mcp; what it says is MCP's own, and not in the OpenAPI document (docs/mcp.md). */
export function registerMcpRoute(app: HttpApp, context: HttpContext): void {
  const { node, version, stopping, onError } = context
  const sessions = new McpSessions({ node, version, onBug: onError })
  stopping.addEventListener('abort', () => void sessions.close(), { once: true })
  app.route({
    method: ['GET', 'POST', 'DELETE'],
    url: '/mcp',
    schema: { hide: true },
    handler: async (request, reply) => {
      const { caller, raw, body } = request
      const shown = credentialOf(request, context)
      const answer = await sessions.accept({ caller, ...shown, request: raw, response: reply.raw, body })
      reply.hijack()
      // What hooks have set (CORS, security) is in the reply and not in the raw answer.
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) reply.raw.setHeader(name, value)
      await answer()
    },
  })
}

/** What a request showed to be let in, and how to find out whether it is still good. */
function credentialOf(request: FastifyRequest, { node, sessions }: HttpContext) {
  const { authorization } = request.headers
  if (authorization !== undefined) {
    const token = authorization.split(' ')[1] ?? ''
    return {
      credential: digest(`token ${token}`),
      requireValid: () => void orThrow(node.agents.authenticate(token)),
    }
  }
  const session = sessionOf(request) ?? ''
  return {
    credential: digest(`session ${session}`),
    requireValid: () => {
      if (sessions.has(session)) return
      throw new FaultError({ code: 'TOKEN_EXPIRED', detail: 'the session of this browser has ended' })
    },
  }
}

/** Compared by digest, so that how long it takes says nothing about a secret. */
const digest = (secret: string): string => createHash('sha256').update(secret).digest('base64')
