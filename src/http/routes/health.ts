import { Type } from 'typebox'
import type { HttpApp, HttpContext } from '../http-context.ts'
import { problems } from '../schemas/problem.ts'

const HealthBody = Type.Object({
  ready: Type.Boolean(),
  ailments: Type.Array(
    Type.Object({
      code: Type.String({ description: 'STORE_IO, STORE_CORRUPT, DIVERGED and the like.' }),
      count: Type.Integer({ description: 'Files or spaces.' }),
    }),
  ),
})

/** Whether the node can do what it is for; open to all, and says nothing else. */
export function registerHealthRoute(app: HttpApp, { node }: HttpContext): void {
  app.get(
    '/health',
    {
      config: { isOpen: true },
      schema: {
        operationId: 'health',
        summary: 'Whether the node is ready: its storage can be written, and no space has diverged',
        tags: ['node'],
        security: [],
        response: { 200: HealthBody, 503: HealthBody, '4xx': problems['4xx'] },
      },
    },
    async (_request, reply) => {
      const health = node.health.look()
      reply.header('Cache-Control', 'no-store').type('application/json; charset=utf-8')
      return await reply
        .code(health.ready ? 200 : 503)
        .send({ ready: health.ready, ailments: [...health.ailments] })
    },
  )
}
