import type { FastifyReply, FastifyRequest } from 'fastify'
import { Caller } from '../node/agents/caller.ts'
import { FaultError, orThrow } from '../node/fault-error.ts'
import type { HanseNode } from '../node/node.ts'
import type { OperatorSessions } from './operator-sessions.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. Routes whose `config.isOpen` is true have none and must not ask. */
    caller: Caller
  }
  interface FastifyContextConfig {
    /** True: anybody may ask, and learns nothing of what the node holds. */
    readonly isOpen?: boolean
    /** True: the body is read as a stream, at whatever pace, and may be of any size. */
    readonly isStreamed?: boolean
  }
}

/**
 * The name of the cookie of an operator's session. With the port, because browsers keep cookies by host alone: two nodes of one machine would
 * end each other's sessions.
 */
export const sessionCookie = ({ socket }: FastifyRequest): string => `hanse_session_${socket.localPort ?? 0}`

/**
 * The hook that finds out who asks, before anything of the request is read:
 * 1. `Authorization: Bearer <agent token>`;
 * 2. else the cookie of an operator's session; where the request could change something it must come from our own page
 *    (`Sec-Fetch-Site` or `Origin`), because browsers send cookies along with whoever's request.
 * Throws `NO_TOKEN`, `BAD_TOKEN`, `TOKEN_EXPIRED`, `TOKEN_REVOKED` (401), or `NOT_ALLOWED` (403).
 */
export function authenticateHook(node: HanseNode, sessions: OperatorSessions) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (request.routeOptions.config.isOpen === true) return
    const { authorization } = request.headers
    if (authorization !== undefined) {
      const [scheme = '', token = ''] = authorization.split(' ')
      reply.header('WWW-Authenticate', 'Bearer realm="hanse"')
      if (scheme.toLowerCase() !== 'bearer' || token === '')
        throw new FaultError({
          code: 'NO_TOKEN',
          detail: 'the header must be "Authorization: Bearer <agent token>"',
        })
      request.caller = orThrow(node.agents.authenticate(token))
      reply.removeHeader('WWW-Authenticate')
      return
    }
    const session = sessionOf(request)
    if (session !== null && sessions.has(session)) {
      if (!isOwnPage(request))
        throw new FaultError({
          code: 'NOT_ALLOWED',
          detail: 'a request of another site is not taken on behalf of the operator',
        })
      request.caller = Caller.operator(node)
      return
    }
    reply.header('WWW-Authenticate', 'Bearer realm="hanse"')
    const detail =
      'send "Authorization: Bearer <agent token>"; "hanse agent add NAME" makes one, "hanse dashboard" a link for a browser'
    throw new FaultError({ code: 'NO_TOKEN', detail })
  }
}

/** The session in the Cookie header of a request (RFC 6265 §5.4); null where there is none. */
export function sessionOf(request: FastifyRequest): string | null {
  const prefix = `${sessionCookie(request)}=`
  const pair = request.headers.cookie?.split(';').find((part) => part.trim().startsWith(prefix))
  return pair === undefined ? null : pair.trim().slice(prefix.length)
}

function isOwnPage({ method, headers, protocol, host }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || (site === 'none' && method === 'GET')
  const { origin } = headers
  return origin === undefined ? method === 'GET' : origin === `${protocol}://${host}`
}
