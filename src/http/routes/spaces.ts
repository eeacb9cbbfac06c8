import { Type } from 'typebox'
import type { SpaceAccess } from '../../node/agents/space-access.ts'
import type { HttpApp } from '../http-context.ts'
import { problems } from '../schemas/problem.ts'
import { SpaceParams } from '../schemas/space.ts'

/** The spaces that a token reaches. */
export function registerSpaceRoutes(app: HttpApp): void {
  app.get(
    '/v1/spaces',
    {
      schema: {
        operationId: 'listSpaces',
        summary: 'The spaces your token reaches',
        tags: ['spaces'],
        response: { 200: Type.Object({ spaces: Type.Array(Type.Ref('Space')) }), ...problems },
      },
    },
    ({ caller }) => ({ spaces: caller.spaces().map(describe) }),
  )
  app.get(
    '/v1/spaces/:space',
    {
      schema: {
        operationId: 'getSpace',
        summary: 'One space',
        tags: ['spaces'],
        params: SpaceParams,
        response: { 200: Type.Ref('Space'), ...problems },
      },
    },
    ({ caller, params }) => describe(caller.space(params.space)),
  )
}

function describe(access: SpaceAccess) {
  const { space } = access
  return {
    id: space.id,
    name: space.name,
    did: space.did,
    operations: space.hosted.store.count(),
    readable: access.readable(),
    writable: access.mayWrite(''),
    cursor: space.cursor(),
  }
}
