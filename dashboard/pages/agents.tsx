import { useState } from 'preact/hooks'
import type { AgentStatus } from '../../src/node/agents/agent-book.ts'
import { ask } from '../data/ask.ts'
import { live } from '../data/live.ts'
import { spaceLink } from '../data/route.ts'
import { useStore } from '../data/store.ts'
import { useAsked } from '../data/use-asked.ts'
import { announce } from '../parts/announcer.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Table } from '../parts/table.tsx'
import { Empty, Grade, Moment, Panel, Trouble, Who } from '../parts/text.tsx'

/** Who uses this node with less than its own authority. */
export function AgentsPage() {
  const { overview } = useStore(live)
  const [chosen, setChosen] = useState<AgentStatus | null>(null)
  const { data, problem, again } = useAsked<{ readonly agents: readonly AgentStatus[] }>('/agents', overview)
  const agents = data?.agents ?? []
  const nameOf = (id: string) => overview?.spaces.find((space) => space.id === id)?.name ?? id.slice(0, 8)
  return (
    <>
      <h1 tabIndex={-1}>Agents</h1>
      <Panel title='Agents of this node' aside='each signs with a key of its own'>
        <Trouble text={problem} />
        {data !== null && agents.length === 0 ? (
          <Empty title='No agent yet'>
            Give a program a token of its own:{' '}
            <code>hanse agent add NAME --can write --path notes/ --expires 7d</code>
          </Empty>
        ) : (
          <Table
            caption='Agents'
            titles={['Agent', 'State', 'May', 'Since', 'Until', 'Revoke']}
            rows={agents.map((agent) => ({
              key: agent.did,
              cells: [
                <Who did={agent.did} />,
                <Grade
                  grade={agent.state === 'active' ? 'proved' : agent.state === 'revoked' ? 'bad' : 'away'}
                >
                  {agent.state}
                </Grade>,
                <ul class='plain'>
                  {agent.operator ? <li class='warn'>run this node</li> : null}
                  {agent.grants.map(({ space, role, path, token }) => (
                    <li key={token}>
                      {role} of <a href={spaceLink(space, 'authority')}>{nameOf(space)}</a>
                      {path === '' ? '' : ` at and below ${path}`}
                    </li>
                  ))}
                </ul>,
                <Moment atMs={agent.createdMs} />,
                agent.revokedMs !== null ? (
                  <Moment atMs={agent.revokedMs} />
                ) : agent.expiresMs === null ? (
                  <span class='quiet'>no end</span>
                ) : (
                  <Moment atMs={agent.expiresMs} />
                ),
                agent.state === 'revoked' ? (
                  ''
                ) : (
                  <button type='button' class='small' onClick={() => setChosen(agent)}>
                    Revoke…<span class='hidden'> {agent.name}</span>
                  </button>
                ),
              ],
            }))}
          />
        )}
      </Panel>
      {chosen === null ? null : (
        <RevokeAgentDialog
          agent={chosen}
          onClose={() => {
            setChosen(null)
            again()
          }}
        />
      )}
    </>
  )
}

function RevokeAgentDialog({
  agent,
  onClose,
}: {
  readonly agent: AgentStatus
  readonly onClose: () => void
}) {
  const [problem, setProblem] = useState('')
  const revoke = async (purge: boolean) => {
    try {
      await ask(`/agents/${encodeURIComponent(agent.name)}?purge=${purge}`, { method: 'DELETE' })
      announce(`Revoked ${agent.name}`)
      onClose()
    } catch (error) {
      setProblem((error as Error).message)
    }
  }
  return (
    <Dialog title={`Revoke ${agent.name}`} onClose={onClose}>
      <p>
        Its token is not taken here from now on, and its delegations are revoked in every space. It cannot be
        taken back; another agent of that name can be added.
      </p>
      <Trouble text={problem} />
      <p class='buttons'>
        <button type='button' class='danger' onClick={() => void revoke(false)}>
          Revoke, keep what it wrote
        </button>
        <button type='button' class='danger' onClick={() => void revoke(true)}>
          Revoke, and undo all it wrote
        </button>
        <button type='button' onClick={onClose}>
          Leave it
        </button>
      </p>
    </Dialog>
  )
}
