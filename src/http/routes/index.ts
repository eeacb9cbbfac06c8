import { registerDashboard } from '../dashboard/register-dashboard.ts'
import type { HttpApp, HttpContext } from '../http-context.ts'
import { AgentSchema, ContainmentSchema, DelegationSchema, RevocationSchema } from '../schemas/authority.ts'
import { BlobSchema, WantSchema } from '../schemas/blob.ts'
import { ProblemSchema } from '../schemas/problem.ts'
import { SpaceStatusSchema, SyncSummarySchema } from '../schemas/status.ts'
import { SpaceSchema } from '../schemas/space.ts'
import { registerAgentRoutes } from './agents.ts'
import { registerDelegationRoutes } from './delegations.ts'
import { registerNetworkRoutes } from './network.ts'
import { registerNodeStatusRoutes } from './node-status.ts'
import { registerContentRoutes } from './content.ts'
import { registerBlobRoutes } from './blobs.ts'
import { registerHealthRoute } from './health.ts'
import { registerMetricsRoute } from './metrics.ts'
import { registerKindRoutes } from './kinds.ts'
import { registerMcpRoute } from './mcp.ts'
import { registerOperatorSessionRoutes } from './operator-session.ts'
import { registerNodeRoutes } from './nodes.ts'
import { registerPlainRemoteRoutes } from './plain-remote.ts'
import { registerPeerRoutes } from './peer.ts'
import { registerQueryRoutes } from './queries.ts'
import { registerSpaceRoutes } from './spaces.ts'
import { registerWhoAmIRoute } from './who-am-i.ts'

/** What answers refer to by name. */
const SCHEMAS = [
  AgentSchema,
  BlobSchema,
  ContainmentSchema,
  DelegationSchema,
  ProblemSchema,
  RevocationSchema,
  SpaceSchema,
  SpaceStatusSchema,
  SyncSummarySchema,
  WantSchema,
]

/** Every route there is. */
export async function registerRoutes(app: HttpApp, context: HttpContext): Promise<void> {
  for (const schema of SCHEMAS) app.addSchema(schema)
  // First, because it looks at all that follow.
  registerMetricsRoute(app, context)
  registerHealthRoute(app, context)
  registerOperatorSessionRoutes(app, context)
  registerWhoAmIRoute(app, context)
  registerPeerRoutes(app, context)
  registerSpaceRoutes(app)
  registerQueryRoutes(app)
  registerKindRoutes(app)
  registerDelegationRoutes(app)
  registerAgentRoutes(app, context)
  registerNodeStatusRoutes(app, context)
  registerNetworkRoutes(app, context)
  await registerBlobRoutes(app)
  registerContentRoutes(app, context)
  registerMcpRoute(app, context)
  registerDashboard(app, context)
  await registerPlainRemoteRoutes(app, context)
  registerNodeRoutes(app, context)
}
