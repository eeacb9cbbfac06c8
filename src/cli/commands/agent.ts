import type { Command } from '@commander-js/extra-typings'
import { formatJson } from '../../core/json.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import type { AgentGrantStatus, AgentRevocation, AgentStatus } from '../../node/agents/agent-book.ts'
import type { HanseNode } from '../../node/node.ts'
import type { Role } from '../../node/space/roles.ts'
import { defineAction } from '../control/action.ts'
import { parseDuration } from '../duration.ts'
import { formatAmount, formatMoment, shortDid } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { formatTable } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { collect } from './collect.ts'

/** An agent whose grants say how their spaces are called; null where a space is not here any more. */
interface NamedAgent extends AgentStatus {
  readonly grants: readonly (AgentGrantStatus & { readonly spaceName: string | null })[]
}

/** A new agent, and its token, which is shown this once. */
interface NewAgent extends NamedAgent {
  readonly agentToken: string
  /** Where the running node serves HTTP; null where it does not. */
  readonly url: string | null
}

/** What `--can` says, as roles. */
const ROLE_OF: Readonly<Record<string, Role>> = { read: 'reader', write: 'writer', admin: 'admin' }

const shape = { space: 'text?', name: 'text', can: 'text', paths: 'texts' } as const

export const agentAddAction = defineAction({
  name: 'agent.add',
  shape: { ...shape, expiresMs: 'integer?', operator: 'boolean' },
  run: ({ node, http }, { name, expiresMs, operator, ...given }): NewAgent => {
    const reach = given.can === '' ? [] : reachOf(node, given)
    const expires = expiresMs === undefined ? {} : { expiresMs: node.now() + expiresMs }
    const { agent, token } = node.agents.add({ name, reach, ...expires, isOperator: operator })
    return { ...named(node, agent), agentToken: token, url: http?.origin ?? null }
  },
})

export const agentAllowAction = defineAction({
  name: 'agent.allow',
  shape,
  run: ({ node }, { name, ...given }): NamedAgent =>
    named(node, node.agents.allow(name, reachOf(node, given))),
})

export const agentListAction = defineAction({
  name: 'agent.list',
  shape: {},
  run: ({ node }): { readonly agents: readonly NamedAgent[] } => ({
    agents: node.agents.list().map((agent) => named(node, agent)),
  }),
})

export const agentRevokeAction = defineAction({
  name: 'agent.revoke',
  shape: { name: 'text', purge: 'boolean' },
  run: ({ node }, { name, purge }): AgentRevocation => node.agents.revoke(name, purge),
})

function named(node: HanseNode, agent: AgentStatus): NamedAgent {
  const names = new Map(node.spaces().map(({ id, name }) => [id, name]))
  const grants = agent.grants.map((grant) => ({ ...grant, spaceName: names.get(grant.space) ?? null }))
  return { ...agent, grants }
}

function reachOf(
  node: HanseNode,
  {
    space: given,
    can,
    paths,
  }: { readonly space?: string | undefined; readonly can: string; readonly paths: readonly string[] },
) {
  const role = ROLE_OF[can]
  if (role === undefined)
    throw new FaultError({
      code: 'BAD_ROLE',
      detail: `--can is read, write or admin, not ${JSON.stringify(can)}`,
    })
  const space = chooseSpace(node, given)
  requireGenesis(space)
  // A folder is written with a slash at its end by habit; paths here have none.
  const at = paths.length === 0 ? [''] : paths.map((path) => path.replace(/\/+$/, ''))
  return at.map((path) => ({ space, role, path }))
}

/** `hanse agent`: tokens for programs on this machine, each with no more than it was given. */
export function registerAgent(program: Command<[], GlobalOptions>, shell: Shell): void {
  const agent = program
    .command('agent')
    .description('tokens for programs that use this node over HTTP or MCP')
    .addHelpText(
      'after',
      '\nExamples:\n  hanse agent add scribe --can write --path notes --expires 7d\n  hanse agent add watcher --can read\n  hanse agent list\n  hanse agent revoke scribe',
    )
  agent
    .command('add')
    .argument('<name>', 'what to call it; every operation it writes is signed by its own key')
    .description('make an agent and show its token, once')
    .option('--can <what>', 'read, write (which reads too) or admin, in the space')
    .option('--path <path>', 'only at and below this path; may be repeated', collect)
    .option('--expires <duration>', 'how long it is good, e.g. 12h or 7d; without it, for ever')
    .option('--operator', 'may also run the node: peers, remotes, agents, every space')
    .option('--mcp', 'print what to paste into the configuration of an AI assistant')
    .addHelpText('after', '\nExample: hanse agent add scribe --can write --path notes --expires 7d')
    .action(async (name, { can, path = [], expires, operator = false, mcp = false }, self) => {
      if (can === undefined && !operator)
        throw new FaultError({
          code: 'USAGE',
          detail: 'say what the agent may do: --can read, --can write, --can admin',
        })
      const expiresMs = expires === undefined ? undefined : orThrow(parseDuration(expires, '--expires'))
      const { session, space } = shell.open(self)
      const args = { space, name, can: can ?? '', paths: path, expiresMs, operator }
      const made = await session.execute(agentAddAction, args)
      const configuration = mcpConfigurationOf(made.agentToken, session.data)
      shell.print(mcp ? { ...made, mcp: configuration } : made, () => [
        `${made.name} is ${shortDid(made.did)}${made.expiresMs === null ? '' : ` until ${formatMoment(made.expiresMs)}`}`,
        ...grantLines(made),
        '',
        `Its token, which is not shown again: ${made.agentToken}`,
        '',
        made.url === null
          ? 'It is used over HTTP while "hanse up" runs.'
          : `Try it: curl -H "Authorization: Bearer ${made.agentToken}" ${made.url}/v1/whoami`,
        ...(mcp
          ? ['', 'For the configuration of an AI assistant (MCP):', '', formatJson(configuration, 2)]
          : ['An AI assistant uses it through "hanse mcp": docs/mcp.md, or give --mcp next time.']),
      ])
    })
  agent
    .command('allow')
    .argument('<name>', 'an agent that there is')
    .description('give an agent more, under the token it has')
    .requiredOption('--can <what>', 'read, write (which reads too) or admin, in the space')
    .option('--path <path>', 'only at and below this path; may be repeated', collect)
    .action(async (name, { can, path = [] }, self) => {
      const { session, space } = shell.open(self)
      const status = await session.execute(agentAllowAction, { space, name, can, paths: path })
      shell.print(status, () => [`${name} may now:`, ...grantLines(status)])
    })
  agent
    .command('list')
    .description('the agents of this node, revoked ones included')
    .action(async (_options, self) => {
      const { session } = shell.open(self)
      shell.print(await session.execute(agentListAction, {}), ({ agents }) =>
        agents.length === 0
          ? 'there are no agents: hanse agent add NAME --can write'
          : formatTable(
              ['NAME', 'STATE', 'MAY', 'UNTIL', 'KEY'].map((title) => ({ title })),
              agents.map((one) => [
                one.name,
                one.state,
                [...(one.operator ? ['run the node'] : []), ...one.grants.map(formatGrant)].join(', ') ||
                  'nothing',
                one.expiresMs === null ? 'for ever' : formatMoment(one.expiresMs),
                shortDid(one.did),
              ]),
            ),
      )
    })
  agent
    .command('revoke')
    .argument('<name>', 'an agent that there is')
    .description('take everything from an agent, here and in every space')
    .option('--purge', 'what it has written loses its effect too')
    .action(async (name, { purge = false }, self) => {
      const { session } = shell.open(self)
      shell.print(await session.execute(agentRevokeAction, { name, purge }), ({ revocations, faults }) => [
        `${name} is revoked: its token is not taken any more, ${formatAmount(revocations.length, 'revocation')} published`,
        ...faults.map(
          ({ space, fault }) =>
            `in space ${space.slice(0, 8)} it could not be published: ${printable(fault.detail)}`,
        ),
      ])
    })
}

/** As most assistants take it. Whole paths, because those started from a desktop know no search path of a shell. */
function mcpConfigurationOf(token: string, data: string) {
  const [script = ''] = process.argv.slice(1)
  const hanse = {
    command: process.execPath,
    args: [script, 'mcp', '--data', data],
    env: { HANSE_TOKEN: token },
  }
  return { mcpServers: { hanse } }
}

const grantLines = ({ grants, operator }: NamedAgent): readonly string[] => [
  ...(operator ? ['  may run the node'] : []),
  ...grants.map((grant) => `  ${formatGrant(grant)}`),
]

function formatGrant({ role, path, space, spaceName }: NamedAgent['grants'][number]): string {
  const what = { reader: 'read', writer: 'read and write', admin: 'administer' }[role]
  return `${what} ${path === '' ? 'everything' : printable(path)} in ${spaceName === null ? space.slice(0, 8) : printable(spaceName)}`
}
