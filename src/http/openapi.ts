import swagger from '@fastify/swagger'
import type { HttpApp, HttpContext } from './http-context.ts'

/**
 * The OpenAPI 3.1 document at /openapi.json, from the schemas that validate requests. @fastify/swagger because it reads what fastify
 * itself validates with, so the document cannot say anything else.
 */
export async function registerOpenApi(app: HttpApp, { version }: HttpContext): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Hanse',
        version,
        description:
          'One node of a peer-to-peer federation. Every write is one signed operation. In values, bytes are {"/": {"bytes": "base64"}} and links {"/": "cid"}, as DAG-JSON has it.',
      },
      components: { securitySchemes: { agentToken: { type: 'http', scheme: 'bearer' } } },
      security: [{ agentToken: [] }],
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, i) =>
        typeof json['$id'] === 'string' ? json['$id'] : `def-${i}`,
    },
  })
  app.get('/openapi.json', { config: { isOpen: true }, schema: { hide: true } }, () => app.swagger())
}
