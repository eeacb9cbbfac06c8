import { sessionOf } from '../authenticate.ts'
import { sendEvents } from '../event-stream.ts'
import type { HttpApp, HttpContext } from '../http-context.ts'
import { dashboardEvents } from './event-queue.ts'
import { registerItemViewRoutes } from './item-view-routes.ts'
import { Monitor } from './monitor.ts'
import { registerPageRoutes } from './page-routes.ts'
import { requireNode } from './require-node.ts'
import { registerSpaceViewRoutes } from './space-view-routes.ts'

/**
 * The page on which a node shows itself, and what it asks. These addresses change with the page and are in no document: programs use those of
 * /openapi.json. All but the page itself are for the operator alone.
 */
export function registerDashboard(app: HttpApp, { node, version, sessions, stopping }: HttpContext): void {
  const monitor = new Monitor(node, version, stopping)
  registerPageRoutes(app)
  app.get('/v1/dashboard/overview', { schema: { hide: true } }, ({ caller }) => {
    requireNode(caller)
    return monitor.overview()
  })
  app.get('/v1/dashboard/events', { schema: { hide: true } }, async (request, reply) => {
    requireNode(request.caller)
    const session = sessionOf(request)
    const isAllowed = () => session !== null && sessions.has(session)
    await sendEvents(reply, (signal) => dashboardEvents(monitor, isAllowed, signal), stopping)
  })
  registerSpaceViewRoutes(app, monitor)
  registerItemViewRoutes(app)
}
