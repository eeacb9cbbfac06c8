import type { ArrivedOperation } from '../../src/http/dashboard/activity.ts'
import { live } from '../data/live.ts'
import { spaceLink } from '../data/route.ts'
import { useStore } from '../data/store.ts'
import { formatCount } from '../words/format.ts'
import { Table } from './table.tsx'
import { Moment, OperationId, Peer, Who } from './text.tsx'

/** Operations as they came, the latest first. */
export function OperationsTable({
  caption,
  operations,
  hasSpace = true,
  hasSource = true,
}: {
  readonly caption: string
  readonly operations: readonly ArrivedOperation[]
  /** Whether to say in which space. */
  readonly hasSpace?: boolean
  /** Whether to say through whom: known of what has arrived since the node started. */
  readonly hasSource?: boolean
}) {
  const { overview } = useStore(live)
  const nameOf = (id: string) => overview?.spaces.find((space) => space.id === id)?.name ?? id.slice(0, 8)
  const titles = [
    'Arrived',
    ...(hasSpace ? ['Space'] : []),
    ...['Author', 'Path', 'What'],
    ...(hasSource ? ['Through'] : []),
    'Operation',
  ]
  const rows = operations.map(
    ({ id, space, author, path, command, changes, masked, source, arrivedMs }: ArrivedOperation) => ({
      key: `${space}${id}`,
      cells: [
        <Moment atMs={arrivedMs} />,
        ...(hasSpace ? [<a href={spaceLink(space)}>{nameOf(space)}</a>] : []),
        <Who did={author} />,
        command.startsWith('/op/') ? (
          <a class='path' href={spaceLink(space, 'items', path)}>
            {path === '' ? 'top' : path}
          </a>
        ) : (
          <span class='quiet'>
            {command === '/cap/grant' ? 'grants' : command === '/cap/revoke' ? 'revokes' : command}
          </span>
        ),
        <span>
          {changes === null
            ? 'content not here'
            : `${formatCount(changes)} ${changes === 1 ? 'change' : 'changes'}`}
          {masked ? <span class='tag tag-warn'>no effect</span> : null}
        </span>,
        ...(hasSource
          ? [source === '' ? <span class='quiet'>before this start</span> : <Peer id={source} />]
          : []),
        <OperationId space={space} id={id} />,
      ],
    }),
  )
  return <Table caption={caption} titles={titles} rows={rows} isFlowing />
}
