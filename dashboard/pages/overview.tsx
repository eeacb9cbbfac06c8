import { useState } from 'preact/hooks'
import type { ConnectedPeer, Overview } from '../../src/http/dashboard/overview.ts'
import { live } from '../data/live.ts'
import { spaceLink } from '../data/route.ts'
import { useStore } from '../data/store.ts'
import { IncidentsTable } from '../parts/incidents-table.tsx'
import { OperationsTable } from '../parts/operations-table.tsx'
import { type GraphPeer, PeerGraph } from '../parts/peer-graph.tsx'
import { Table } from '../parts/table.tsx'
import { Empty, Grade, Panel, Peer } from '../parts/text.tsx'
import { Throughput } from '../parts/throughput.tsx'
import { formatAmount, formatCount, formatDuration } from '../words/format.ts'
import { spaceWords } from '../words/sync.ts'

/** The node at a glance. */
export function OverviewPage() {
  const { overview, operations, incidents, samples } = useStore(live)
  if (overview === null) return <Empty title='Asking the node…' />
  return (
    <>
      <h1 tabIndex={-1}>Overview</h1>
      <Figures overview={overview} />
      <SpacesPanel overview={overview} />
      <PeersPanel overview={overview} />
      <Panel title='Throughput and latency' aside='the last ten minutes'>
        <Throughput samples={samples} />
      </Panel>
      <Panel title='Latest operations' aside={<a href='#/activity'>all activity</a>}>
        {operations.length === 0 ? (
          <Empty title='Nothing written yet'>
            Whatever is written in a space, here or elsewhere, shows up here as it arrives.
          </Empty>
        ) : (
          <OperationsTable caption='Latest operations' operations={operations.slice(0, 8)} />
        )}
      </Panel>
      {incidents.length === 0 ? null : (
        <Panel title='Refused, held, forked' aside={<a href='#/activity'>all activity</a>}>
          <IncidentsTable incidents={incidents.slice(0, 6)} />
        </Panel>
      )}
    </>
  )
}

function Figures({ overview: { spaces, peers } }: { readonly overview: Overview }) {
  const sum = (of: (space: Overview['spaces'][number]) => number) =>
    spaces.reduce((total, space) => total + of(space), 0)
  const counted = (counts: Readonly<Record<string, number>>) =>
    Object.values(counts).reduce((a, b) => a + b, 0)
  const held = sum((space) => counted(space.held))
  const refused = sum((space) => counted(space.refused))
  const forks = sum((space) => space.forkedAuthors.length)
  const conflicts = sum((space) => space.conflicts)
  const figures: readonly (readonly [string, string, string])[] = [
    [formatCount(peers.length), peers.length === 1 ? 'peer connected' : 'peers connected', ''],
    [formatCount(sum((space) => space.operations)), 'operations here', ''],
    [formatCount(conflicts), 'open conflicts', conflicts > 0 ? 'warn' : ''],
    [formatCount(held), 'waiting', held > 0 ? 'warn' : ''],
    [formatCount(refused), 'refused so far', ''],
    [formatCount(forks), forks === 1 ? 'forked author' : 'forked authors', forks > 0 ? 'bad' : ''],
  ]
  return (
    <dl class='figures'>
      {figures.map(([value, label, tone]) => (
        <div key={label} class={tone === '' ? '' : `figure-${tone}`}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function PeersPanel({ overview }: { readonly overview: Overview }) {
  const { peers, spaces, online } = overview
  const [chosen, setChosen] = useState('')
  const shared = peers.map((peer) => ({ ...peer, ...sharedWith(peer, overview, chosen) }))
  const known = spaces.flatMap((space) => space.peers)
  return (
    <Panel
      title='Who is connected'
      aside={
        <label>
          {formatAmount(peers.length, 'peer')}, by{' '}
          <select value={chosen} onChange={({ currentTarget }) => setChosen(currentTarget.value)}>
            <option value=''>all spaces</option>
            {spaces.map(({ id, name }) => (
              <option key={id} value={id}>
                {name === '' ? id.slice(0, 8) : name}
              </option>
            ))}
          </select>
        </label>
      }
    >
      {peers.length === 0 ? (
        <Empty title={online ? 'Nobody is connected' : 'This node is offline'}>
          {known.length > 0
            ? `${formatAmount(new Set(known.map(({ peer }) => peer)).size, 'peer')} met before; this node goes on looking for them.`
            : 'Invite somebody with "hanse invite", or join a space with "hanse join LINK".'}
        </Empty>
      ) : (
        <div class='peers'>
          <PeerGraph peers={shared} />
          <Table
            caption='Connected peers'
            titles={['Peer', 'Connection', 'Round trip', 'Spaces']}
            rows={shared.map(({ peer, relayed, direction, roundTripMs, spaces, equal }) => ({
              key: peer,
              cells: [
                <Peer id={peer} />,
                <span>
                  {relayed ? 'through a relay' : 'direct'}
                  <span class='quiet'>, {direction === 'inbound' ? 'it dialled us' : 'dialled by us'}</span>
                </span>,
                roundTripMs === null ? <span class='quiet'>not measured</span> : formatDuration(roundTripMs),
                spaces.length === 0 ? (
                  <span class='quiet'>none shared</span>
                ) : (
                  <Grade grade={equal === spaces.length ? 'proved' : 'open'}>
                    {equal} of {formatAmount(spaces.length, 'space')} equal by proof
                  </Grade>
                ),
              ],
            }))}
          />
        </div>
      )}
    </Panel>
  )
}

/** `chosen`: the id of the one space that counts; empty: all do. */
function sharedWith(
  { peer }: ConnectedPeer,
  { spaces }: Overview,
  chosen: string,
): Pick<GraphPeer, 'spaces' | 'equal'> {
  const counted = chosen === '' ? spaces : spaces.filter(({ id }) => id === chosen)
  const shared = counted.flatMap((space) => {
    const state = space.peers.find((one) => one.peer === peer && one.connected)
    return state === undefined ? [] : [{ name: space.name, inSync: state.inSync }]
  })
  return { spaces: shared.map(({ name }) => name), equal: shared.filter(({ inSync }) => inSync).length }
}

function SpacesPanel({ overview: { spaces, spacesMore, unreadable } }: { readonly overview: Overview }) {
  return (
    <Panel title='Spaces' aside={formatAmount(spaces.length + spacesMore, 'space')}>
      {spaces.length === 0 ? (
        <Empty title='No space yet'>
          Make one with "hanse space create NAME", or join one with "hanse join LINK".
        </Empty>
      ) : (
        <Table
          caption='Spaces'
          titles={['Space', 'Operations', 'Sync', 'To look at']}
          rows={spaces.map((space) => {
            const { grade, words } = spaceWords(space)
            const held = Object.values(space.held).reduce((a, b) => a + b, 0)
            return {
              key: space.id,
              cells: [
                <a class='strong' href={spaceLink(space.id)}>
                  {space.name === '' ? 'not here yet' : space.name}
                </a>,
                formatCount(space.operations),
                <Grade grade={grade}>{words}</Grade>,
                <span class='tags'>
                  {space.conflicts > 0 ? (
                    <a class='tag tag-warn' href={spaceLink(space.id, 'conflicts')}>
                      {formatCount(space.conflicts)}
                      {space.hasMoreConflicts ? '+' : ''} {space.conflicts === 1 ? 'conflict' : 'conflicts'}
                    </a>
                  ) : null}
                  {space.forkedAuthors.length > 0 ? (
                    <a class='tag tag-bad' href={spaceLink(space.id, 'forks')}>
                      {formatAmount(space.forkedAuthors.length, 'fork')}
                    </a>
                  ) : null}
                  {held > 0 ? (
                    <a class='tag tag-warn' href={spaceLink(space.id, 'refused')}>
                      {formatCount(held)} waiting
                    </a>
                  ) : null}
                </span>,
              ],
            }
          })}
        />
      )}
      {spacesMore > 0 ? <p class='note'>{formatAmount(spacesMore, 'quieter space')} not shown.</p> : null}
      {unreadable.map(({ code, detail }) => (
        <p key={detail} class='trouble'>
          {code}: {detail}
        </p>
      ))}
    </Panel>
  )
}
