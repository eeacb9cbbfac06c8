import { Type } from 'typebox'
import type { HanseNode } from '../../node/node.ts'
import type { HttpApp } from '../http-context.ts'
import { requireNode } from './require-node.ts'

/** Agents of this node, and taking everything from one. */
export function registerAgentRoutes(app: HttpApp, node: HanseNode): void {
  app.get('/v1/dashboard/agents', { schema: { hide: true } }, ({ caller }) => {
    requireNode(caller)
    return { agents: node.agents.list() }
  })
  app.post(
    '/v1/dashboard/agents/:name/revocation',
    {
      schema: {
        hide: true,
        params: Type.Object({ name: Type.String() }),
        body: Type.Object({ purge: Type.Boolean() }, { additionalProperties: false }),
      },
    },
    ({ caller, params: { name }, body: { purge } }) => {
      requireNode(caller)
      return node.agents.revoke(name, purge)
    },
  )
}
