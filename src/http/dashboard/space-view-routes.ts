import { Type } from 'typebox'
import { DASHBOARD_BATCH_MAX } from '../../core/limits.ts'
import { describeHeld, heldTotals } from '../../node/space/held-status.ts'
import type { HttpApp } from '../http-context.ts'
import { SpaceParams } from '../schemas/space.ts'
import { arrived } from './activity.ts'
import { forksWithBranches } from './fork-branches.ts'
import type { Monitor } from './monitor.ts'
import { requireNode } from './require-node.ts'

/** Held operations listed; the totals count all. */
const HELD_LISTED_MAX = 100

/** What a space has been through: its operations, what waits or was refused, its forks. */
export function registerSpaceViewRoutes(app: HttpApp, monitor: Monitor): void {
  const base = '/v1/dashboard/spaces/:space'
  app.get(
    `${base}/operations`,
    {
      schema: {
        hide: true,
        params: SpaceParams,
        querystring: Type.Object({
          before: Type.Optional(
            Type.Integer({
              minimum: 0,
              description: 'Only those that were admitted before the one with this number.',
            }),
          ),
        }),
      },
    },
    ({ caller, params, query }) => {
      requireNode(caller)
      const { space } = caller.space(params.space)
      const before = Math.min(query.before ?? Number.MAX_SAFE_INTEGER, space.hosted.store.count())
      const from = Math.max(0, before - DASHBOARD_BATCH_MAX)
      const operations = Array.from({ length: before - from }, (_, i) =>
        arrived(space, before - 1 - i, null, null),
      )
      return { operations, next: from === 0 ? null : from }
    },
  )
  app.get(`${base}/held`, { schema: { hide: true, params: SpaceParams } }, ({ caller, params }) => {
    requireNode(caller)
    const { space } = caller.space(params.space)
    const lane = space.hosted.replica.held
    return {
      held: describeHeld(lane).slice(0, HELD_LISTED_MAX),
      totals: heldTotals(lane),
      incidents: monitor.incidentsOf(space.id),
    }
  })
  app.get(`${base}/forks`, { schema: { hide: true, params: SpaceParams } }, ({ caller, params }) => {
    requireNode(caller)
    return { forks: forksWithBranches(caller.space(params.space).space.hosted) }
  })
}
