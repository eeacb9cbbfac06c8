import { Type } from 'typebox'
import { AGENT_GRANTS_MAX, AGENT_NAME_CHARACTERS_MAX, PATH_BYTES_MAX } from '../../core/limits.ts'
import type { AgentReach } from '../../node/agents/agent-book.ts'
import type { HanseNode } from '../../node/node.ts'
import type { Role } from '../../node/space/roles.ts'
import type { HttpApp, HttpContext } from '../http-context.ts'
import { RoleName } from '../schemas/authority.ts'
import { problems } from '../schemas/problem.ts'

const tags = ['operator']
const Reach = Type.Array(
  Type.Object(
    {
      space: Type.String(),
      role: RoleName,
      path: Type.String({ default: '', maxLength: PATH_BYTES_MAX }),
    },
    { additionalProperties: false },
  ),
  { maxItems: AGENT_GRANTS_MAX },
)
const AgentParams = Type.Object({ agent: Type.String({ description: 'Name of the agent.' }) })

/** The agents of this node, for whoever runs it. */
export function registerAgentRoutes(app: HttpApp, { node }: HttpContext): void {
  app.get(
    '/v1/agents',
    {
      schema: {
        operationId: 'listAgents',
        summary: 'The agents of this node',
        tags,
        response: { 200: Type.Object({ agents: Type.Array(Type.Ref('Agent')) }), ...problems },
      },
    },
    ({ caller }) => {
      caller.requireOperator()
      return { agents: node.agents.list() }
    },
  )
  app.post(
    '/v1/agents',
    {
      schema: {
        operationId: 'addAgent',
        summary: 'Add an agent: its token is in the answer, and nowhere else',
        tags,
        body: Type.Object(
          {
            name: Type.String({ minLength: 1, maxLength: AGENT_NAME_CHARACTERS_MAX }),
            reach: Reach,
            expiresMs: Type.Optional(
              Type.Integer({ description: 'Milliseconds since 1970. Default: never.' }),
            ),
            operator: Type.Boolean({ default: false, description: 'May also run the node.' }),
          },
          { additionalProperties: false },
        ),
        response: { 201: Type.Object({ agent: Type.Ref('Agent'), token: Type.String() }), ...problems },
      },
    },
    async ({ caller, body: { name, reach, expiresMs, operator } }, reply) => {
      caller.requireOperator()
      const expires = expiresMs === undefined ? {} : { expiresMs }
      const made = node.agents.add({ name, reach: reachOf(node, reach), isOperator: operator, ...expires })
      return await reply.code(201).header('Cache-Control', 'no-store').send(made)
    },
  )
  app.post(
    '/v1/agents/:agent/grants',
    {
      schema: {
        operationId: 'allowAgent',
        summary: 'Give an agent more, under the token it has',
        tags,
        params: AgentParams,
        body: Type.Object({ reach: Reach }, { additionalProperties: false }),
        response: { 200: Type.Ref('Agent'), ...problems },
      },
    },
    ({ caller, params, body }) => {
      caller.requireOperator()
      return node.agents.allow(params.agent, reachOf(node, body.reach))
    },
  )
  app.delete(
    '/v1/agents/:agent',
    {
      schema: {
        operationId: 'revokeAgent',
        summary:
          'Take everything from an agent: its token is not taken any more, its delegations are revoked',
        tags,
        params: AgentParams,
        querystring: Type.Object({
          purge: Type.Boolean({ default: false, description: 'What it has written loses its effect too.' }),
        }),
        response: {
          200: Type.Object({
            agent: Type.Ref('Agent'),
            revocations: Type.Array(Type.String()),
            faults: Type.Array(Type.Unknown()),
          }),
          ...problems,
        },
      },
    },
    ({ caller, params, query }) => {
      caller.requireOperator()
      return node.agents.revoke(params.agent, query.purge)
    },
  )
}

function reachOf(
  node: HanseNode,
  reach: readonly { readonly space: string; readonly role: Role; readonly path: string }[],
): readonly AgentReach[] {
  return reach.map(({ space, ...rest }) => ({ space: node.space(space), ...rest }))
}
