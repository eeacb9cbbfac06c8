import { Type } from 'typebox'
import type { HttpApp, HttpContext } from '../http-context.ts'
import { problems } from '../schemas/problem.ts'

/** Who asks, by what they have shown. */
export function registerWhoAmIRoute(app: HttpApp, { node }: HttpContext): void {
  app.get(
    '/v1/whoami',
    {
      schema: {
        operationId: 'whoAmI',
        summary: 'Who you are here, and what you may do',
        tags: ['node'],
        response: {
          200: Type.Object({
            name: Type.String({ description: 'Of your agent; `operator` for the node itself.' }),
            did: Type.String({ description: 'did:key that signs what you write.' }),
            operator: Type.Boolean(),
            expiresMs: Type.Union([Type.Integer(), Type.Null()]),
            node: Type.Object({ did: Type.String(), peerId: Type.String() }),
            grants: Type.Array(
              Type.Object({
                space: Type.String(),
                role: Type.String(),
                path: Type.String(),
                token: Type.String(),
              }),
            ),
          }),
          ...problems,
        },
      },
    },
    ({ caller }) => {
      const agent = caller.isNode ? null : node.agents.get(caller.name)
      return {
        name: caller.name,
        did: caller.did,
        operator: caller.isOperator,
        expiresMs: agent?.expiresMs ?? null,
        node: { did: node.did, peerId: node.peerId },
        grants: agent?.grants ?? [],
      }
    },
  )
}
