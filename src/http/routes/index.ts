import { registerDashboard } from '../dashboard/register-dashboard.ts'
import type { HttpApp, HttpContext } from '../http-context.ts'
import { BlobSchema, WantSchema } from '../schemas/blob.ts'
import { ProblemSchema } from '../schemas/problem.ts'
import { SpaceSchema } from '../schemas/space.ts'
import { registerContentRoutes } from './content.ts'
import { registerBlobRoutes } from './blobs.ts'
import { registerKindRoutes } from './kinds.ts'
import { registerMcpRoute } from './mcp.ts'
import { registerOperatorSessionRoutes } from './operator-session.ts'
import { registerPlainRemoteRoutes } from './plain-remote.ts'
import { registerPeerRoutes } from './peer.ts'
import { registerQueryRoutes } from './queries.ts'
import { registerSpaceRoutes } from './spaces.ts'
import { registerWhoAmIRoute } from './who-am-i.ts'

/** Every route there is. */
export async function registerRoutes(app: HttpApp, context: HttpContext): Promise<void> {
  for (const schema of [ProblemSchema, SpaceSchema, BlobSchema, WantSchema]) app.addSchema(schema)
  registerOperatorSessionRoutes(app, context)
  registerWhoAmIRoute(app, context)
  registerPeerRoutes(app, context)
  registerSpaceRoutes(app)
  registerQueryRoutes(app)
  registerKindRoutes(app)
  await registerBlobRoutes(app)
  registerContentRoutes(app, context)
  registerMcpRoute(app, context)
  registerDashboard(app, context)
  await registerPlainRemoteRoutes(app, context)
}
