import { Type } from 'typebox'
import type { HttpApp } from '../http-context.ts'
import { SpaceParams } from '../schemas/space.ts'
import { requireNode } from './require-node.ts'

/** Delegations, and ending them. */
export function registerDelegationRoutes(app: HttpApp): void {
  const base = '/v1/dashboard/spaces/:space'
  app.get(`${base}/delegations`, { schema: { hide: true, params: SpaceParams } }, ({ caller, params }) => {
    requireNode(caller)
    return { delegations: caller.space(params.space).space.delegations() }
  })
  app.post(
    `${base}/revocations`,
    {
      schema: {
        hide: true,
        params: SpaceParams,
        body: Type.Object(
          { target: Type.String({ maxLength: 256 }), purge: Type.Boolean(), dryRun: Type.Boolean() },
          { additionalProperties: false },
        ),
      },
    },
    ({ caller, params, body }) => {
      requireNode(caller)
      return caller.space(params.space).space.revoke(body)
    },
  )
}
