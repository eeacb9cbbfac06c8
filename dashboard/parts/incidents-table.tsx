import type { Incident } from '../../src/http/dashboard/activity.ts'
import { live } from '../data/live.ts'
import { spaceLink } from '../data/route.ts'
import { useStore } from '../data/store.ts'
import { Table } from './table.tsx'
import { Code, Moment, OperationId, Peer, Who } from './text.tsx'

const TONES: Readonly<Record<Incident['kind'], string>> = {
  refused: 'bad',
  held: 'warn',
  fork: 'bad',
}

/** What was refused or held and why, and forks. */
export function IncidentsTable({
  incidents,
  hasSpace = true,
}: {
  readonly incidents: readonly Incident[]
  readonly hasSpace?: boolean
}) {
  const { overview } = useStore(live)
  const nameOf = (id: string) => overview?.spaces.find((space) => space.id === id)?.name ?? id.slice(0, 8)
  return (
    <Table
      caption='What was refused, held or forked'
      titles={['When', ...(hasSpace ? ['Space'] : []), 'What', 'Why', 'From', 'Operation']}
      rows={incidents.map(({ number, kind, space, atMs, peer, operation, author, code, detail }) => ({
        key: String(number),
        cells: [
          <Moment atMs={atMs} />,
          ...(hasSpace ? [<a href={spaceLink(space)}>{nameOf(space)}</a>] : []),
          <span class={`tag tag-${TONES[kind]}`}>{kind}</span>,
          <span>
            {code === null ? null : <Code code={code} />} <span class='detail'>{detail}</span>
          </span>,
          <span class='tags'>
            {peer === null ? null : <Peer id={peer} />}
            {author === null ? null : <Who did={author} />}
          </span>,
          operation === null ? '' : <OperationId space={space} id={operation} />,
        ],
      }))}
    />
  )
}
