import { Type } from 'typebox'
import { FaultError } from '../../node/fault-error.ts'
import { sessionCookie, sessionOf } from '../authenticate.ts'
import type { HttpApp, HttpContext } from '../http-context.ts'
import { HTTP_OPEN_BODY_BYTES_MAX, HTTP_SESSION_MS } from '../../core/limits.ts'
import { problems } from '../schemas/problem.ts'

/** Turning a one-time link into a session of a browser, and ending that. */
export function registerOperatorSessionRoutes(app: HttpApp, { sessions }: HttpContext): void {
  app.post(
    '/v1/session',
    {
      // Whoever has not shown anything is not listened to for long.
      bodyLimit: HTTP_OPEN_BODY_BYTES_MAX,
      config: { isOpen: true },
      schema: {
        operationId: 'beginSession',
        summary: 'Begin a session of the operator with the secret of a one-time link',
        tags: ['node'],
        security: [],
        body: Type.Object({ secret: Type.String({ maxLength: 128 }) }, { additionalProperties: false }),
        response: { 204: Type.Null(), ...problems },
      },
    },
    async (request, reply) => {
      const session = sessions.redeem(request.body.secret)
      if (session === null)
        throw new FaultError({
          code: 'BAD_TOKEN',
          detail: 'this link was used already or has expired: make another with "hanse dashboard"',
        })
      const secure = request.protocol === 'https' ? '; Secure' : ''
      reply.header(
        'Set-Cookie',
        `${sessionCookie(request)}=${session}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${HTTP_SESSION_MS / 1000}${secure}`,
      )
      return await reply.code(204).send(null)
    },
  )
  app.delete(
    '/v1/session',
    {
      schema: {
        operationId: 'endSession',
        summary: 'End the session of this browser',
        tags: ['node'],
        response: { 204: Type.Null(), ...problems },
      },
    },
    async (request, reply) => {
      const session = sessionOf(request)
      if (session !== null) sessions.end(session)
      reply.header('Set-Cookie', `${sessionCookie(request)}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0`)
      return await reply.code(204).send(null)
    },
  )
}
