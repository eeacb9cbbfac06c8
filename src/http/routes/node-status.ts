import { Type } from 'typebox'
import type { HttpApp, HttpContext } from '../http-context.ts'
import { describeForks } from '../../node/space/fork-status.ts'
import { describeHeld, heldTotals } from '../../node/space/held-status.ts'
import { HTTP_PAGE_MAX } from '../../core/limits.ts'
import { problems } from '../schemas/problem.ts'
import { SpaceParams } from '../schemas/space.ts'

const tags = ['operator']
const params = SpaceParams
const Limit = Type.Integer({
  minimum: 1,
  maximum: HTTP_PAGE_MAX,
  default: 100,
  description: 'At most so many.',
})

/** How the node stands and each of its spaces, what waits, what was refused and who has forked: for whoever runs it. */
export function registerNodeStatusRoutes(app: HttpApp, { node, version }: HttpContext): void {
  app.get(
    '/v1/status',
    {
      schema: {
        operationId: 'getStatus',
        summary: 'How this node stands, with every space and its peers',
        tags,
        response: {
          200: Type.Object({
            version: Type.String(),
            did: Type.String(),
            peerId: Type.String(),
            addresses: Type.Array(Type.String()),
            online: Type.Boolean(),
            connectedPeers: Type.Integer(),
            spaces: Type.Array(Type.Ref('SpaceStatus')),
            unreadable: Type.Array(Type.Object({ code: Type.String(), detail: Type.String() })),
            nowMs: Type.Integer(),
          }),
          ...problems,
        },
      },
    },
    ({ caller }) => {
      caller.requireOperator()
      return {
        version,
        did: node.did,
        peerId: node.peerId,
        addresses: node.addresses,
        online: node.network !== null,
        connectedPeers: node.network?.connectedPeers().length ?? 0,
        spaces: node.spaces().map((space) => space.status()),
        unreadable: node.unreadableSpaces,
        nowMs: node.now(),
      }
    },
  )
  app.get(
    '/v1/spaces/:space/status',
    {
      schema: {
        operationId: 'getSpaceStatus',
        summary: 'How one space stands, and with whom it is in sync by which proof',
        tags,
        params,
        response: { 200: Type.Ref('SpaceStatus'), ...problems },
      },
    },
    ({ caller, params: { space } }) => {
      caller.requireOperator()
      return node.space(space).status()
    },
  )
  app.get(
    '/v1/spaces/:space/held',
    {
      schema: {
        operationId: 'listHeld',
        summary: 'Operations that wait, and for what',
        tags,
        params,
        querystring: Type.Object({ limit: Limit }),
        response: {
          200: Type.Object({ held: Type.Array(Type.Unknown()), totals: Type.Unknown() }),
          ...problems,
        },
      },
    },
    ({ caller, params: { space }, query }) => {
      caller.requireOperator()
      const lane = node.space(space).hosted.replica.held
      return { held: describeHeld(lane).slice(0, query.limit), totals: heldTotals(lane) }
    },
  )
  app.get(
    '/v1/spaces/:space/refused',
    {
      schema: {
        operationId: 'listRefused',
        summary: 'What was refused, why, and who sent it; the latest first',
        tags,
        params,
        querystring: Type.Object({ limit: Limit }),
        response: {
          200: Type.Object({
            refused: Type.Array(Type.Record(Type.String(), Type.Unknown())),
            counts: Type.Record(Type.String(), Type.Integer(), {
              description: 'All there ever were, by code.',
            }),
          }),
          ...problems,
        },
      },
    },
    async ({ caller, params: { space }, query }) => {
      caller.requireOperator()
      const found = node.space(space)
      const { rows } = await found.sql('SELECT * FROM refusals ORDER BY time_ms DESC LIMIT ?', [query.limit])
      return { refused: rows, counts: Object.fromEntries(found.hosted.store.refusalCounts()) }
    },
  )
  app.get(
    '/v1/spaces/:space/forks',
    {
      schema: {
        operationId: 'listForks',
        summary: 'Authors who have two logs',
        tags,
        params,
        querystring: Type.Object({
          limit: Limit,
          proof: Type.Boolean({ default: false, description: 'With each proof by itself, base64url.' }),
        }),
        response: {
          200: Type.Object({ forks: Type.Array(Type.Unknown()), more: Type.Boolean() }),
          ...problems,
        },
      },
    },
    ({ caller, params: { space }, query: { limit, proof } }) => {
      caller.requireOperator()
      const forks = []
      for (const fork of describeForks(node.space(space).hosted.replica, proof)) {
        if (forks.length === limit) return { forks, more: true }
        forks.push(fork)
      }
      return { forks, more: false }
    },
  )
}
