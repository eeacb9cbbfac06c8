import type { Incident } from '../../src/http/dashboard/activity.ts'
import type { SpaceSummary } from '../../src/http/dashboard/overview.ts'
import type { HeldOperation, HeldTotals } from '../../src/node/space/held-status.ts'
import { useAsked } from '../data/use-asked.ts'
import { IncidentsTable } from '../parts/incidents-table.tsx'
import { Table } from '../parts/table.tsx'
import { Code, Empty, Moment, Panel, Peer, Trouble, Who } from '../parts/text.tsx'
import { formatCount, shortId } from '../words/format.ts'

interface HeldAnswer {
  readonly held: readonly HeldOperation[]
  readonly totals: HeldTotals
  readonly incidents: readonly Incident[]
}

/** What waits and for what; what was refused and why. */
export function RefusedSection({ space }: { readonly space: SpaceSummary }) {
  const { data, problem } = useAsked<HeldAnswer>(`/dashboard/spaces/${space.id}/held`, space.revision)
  const counts = Object.entries(space.refused).toSorted(([, a], [, b]) => b - a)
  const told = data?.incidents.filter(({ kind }) => kind === 'refused' || kind === 'held') ?? []
  return (
    <>
      <Panel
        title='Waiting'
        aside={
          data === null
            ? ''
            : `${formatCount(data.totals.operations)} of at most ${formatCount(data.totals.max.operations)}`
        }
      >
        <Trouble text={problem} />
        {data === null ? null : data.held.length === 0 ? (
          <Empty title='Nothing waits'>
            Operations that lack something, or are ahead of this clock, are held here.
          </Empty>
        ) : (
          <Table
            caption='Operations that wait'
            titles={['Since', 'Author', 'Why', 'Waits for', 'From', 'Operation']}
            rows={data.held.map(({ id, author, code, detail, waitsFor, dueMs, sinceMs, peer }) => ({
              key: id,
              cells: [
                <Moment atMs={sinceMs} />,
                <Who did={author} />,
                <span>
                  <Code code={code} /> <span class='detail'>{detail}</span>
                </span>,
                dueMs === null ? (
                  <span class='id'>{waitsFor.slice(0, 2).map(shortId).join(', ')}</span>
                ) : (
                  <Moment atMs={dueMs} />
                ),
                <Peer id={peer} />,
                <span class='id' title={id}>
                  {shortId(id)}
                </span>,
              ],
            }))}
          />
        )}
      </Panel>
      <Panel title='Refused' aside='so far, by reason'>
        {counts.length === 0 ? (
          <Empty title='Nothing was refused'>
            Every operation that came was one that any honest node takes.
          </Empty>
        ) : (
          <Table
            caption='Refusals by reason'
            titles={['Times', 'Reason']}
            rows={counts.map(([code, count]) => ({
              key: code,
              cells: [formatCount(count), <Code code={code} />],
            }))}
          />
        )}
      </Panel>
      {told.length === 0 ? null : (
        <Panel title='One by one' aside='since this node started'>
          <IncidentsTable incidents={told} hasSpace={false} />
        </Panel>
      )}
    </>
  )
}
