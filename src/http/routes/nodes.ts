import { Type } from 'typebox'
import { NODE_ENDPOINTS_MAX } from '../../core/limits.ts'
import type { Caller } from '../../node/agents/caller.ts'
import { FaultError } from '../../node/fault-error.ts'
import { NODE_KINDS, OPERATOR } from '../../node/remotes/node-registry.ts'
import type { HttpApp, HttpContext } from '../http-context.ts'
import { problems } from '../schemas/problem.ts'

const Registration = {
  id: Type.String({ maxLength: 128, description: 'Its peer id.' }),
  kind: Type.Unsafe<(typeof NODE_KINDS)[number]>({ type: 'string', enum: [...NODE_KINDS] }),
  endpoints: Type.Array(Type.String({ maxLength: 512 }), {
    maxItems: NODE_ENDPOINTS_MAX,
    description: 'Where it can be reached: https://host:port, multiaddrs.',
  }),
  capabilities: Type.Array(Type.String({ maxLength: 64 }), {
    default: [],
    maxItems: 32,
    description: 'Such as full_node, api_server, mcp_server.',
  }),
}
const Nodes = Type.Object({
  nodes: Type.Array(
    Type.Object({
      ...Registration,
      registeredMs: Type.Integer(),
      seenMs: Type.Integer(),
      latencyMs: Type.Union([Type.Integer(), Type.Null()]),
      healthy: Type.Boolean(),
    }),
  ),
})

/** The nodes that make themselves known here, so that they find each other. */
export function registerNodeRoutes(app: HttpApp, { node }: HttpContext): void {
  const { nodes } = node.remotes
  for (const at of ['/v1/nodes', '/api/v1/nodes']) {
    const named = (operationId: string) => (at === '/v1/nodes' ? operationId : `${operationId}ForOldClients`)
    app.post(
      `${at}/register`,
      {
        schema: {
          operationId: named('registerNode'),
          summary:
            'Make a node known here, again every few minutes; gives the others, the nearest healthy first',
          tags: ['nodes'],
          body: Type.Object(Registration, { additionalProperties: false }),
          response: { 200: Nodes, ...problems },
        },
      },
      ({ caller, body }) => {
        requireMember(caller)
        return { nodes: [...nodes.register(body, caller.isOperator ? OPERATOR : `agent ${caller.name}`)] }
      },
    )
    app.get(
      at,
      {
        schema: {
          operationId: named('listNodes'),
          summary: 'The nodes known here, the nearest healthy first',
          tags: ['nodes'],
          response: { 200: Nodes, ...problems },
        },
      },
      ({ caller }) => {
        requireMember(caller)
        return { nodes: [...nodes.list()] }
      },
    )
  }
  app.delete(
    '/v1/nodes/:id',
    {
      schema: {
        operationId: 'forgetNode',
        summary: 'Forget a node; only for whoever runs this one',
        tags: ['nodes'],
        params: Type.Object({ id: Type.String() }),
        response: { 204: Type.Null(), ...problems },
      },
    },
    async ({ caller, params }, reply) => {
      caller.requireOperator()
      nodes.remove(params.id)
      return await reply.code(204).send(null)
    },
  )
}

/** Whoever runs this node, or may write in a space of it, is one of those who may know where the others are. */
function requireMember(caller: Caller): void {
  const isMember =
    caller.isOperator ||
    caller.spaces().some((access) => (access.readable() ?? ['']).some((path) => access.mayWrite(path)))
  if (isMember) return
  const detail = 'this needs a token that may write in a space, or run the node'
  throw new FaultError({ code: 'NOT_ALLOWED', detail })
}
