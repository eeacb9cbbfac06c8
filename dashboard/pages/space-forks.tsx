import type { Branch, ForkWithBranches } from '../../src/http/dashboard/fork-branches.ts'
import type { SpaceSummary } from '../../src/http/dashboard/overview.ts'
import { useAsked } from '../data/use-asked.ts'
import { Empty, Moment, OperationId, Panel, Trouble, Who } from '../parts/text.tsx'
import { formatAmount } from '../words/format.ts'

/** Authors who signed two histories, with both of them. */
export function ForksSection({ space }: { readonly space: SpaceSummary }) {
  const { data, problem } = useAsked<{ readonly forks: readonly ForkWithBranches[] }>(
    `/dashboard/spaces/${space.id}/forks`,
    space.revision,
  )
  return (
    <Panel title='Forked authors' aside='both branches are kept; the proof convinces everybody'>
      <Trouble text={problem} />
      {data?.forks.length === 0 ? (
        <Empty title='Nobody has forked'>
          A key that signs two histories of its own log, by a restored backup or to deceive, shows here with
          both.
        </Empty>
      ) : null}
      <ul class='cards'>
        {data?.forks.map((fork) => (
          <li key={fork.author} class='card'>
            <h3>
              <Who did={fork.author} />{' '}
              <span class='quiet'>
                signed two operations number {fork.seq}
                {fork.prev === null ? ', at the beginning of its log' : ''}
              </span>
            </h3>
            <p class='tags'>
              {fork.frozen ? <span class='tag tag-warn'>frozen: nothing is built on it</span> : null}
              {fork.contained ? <span class='tag tag-good'>contained by a revocation</span> : null}
              <span class='tag tag-quiet'>
                {formatAmount(fork.heads, 'head')}, {fork.keptHeads} kept
              </span>
            </p>
            {fork.prev === null ? null : (
              <p class='fork-stem'>
                Both follow <OperationId space={space.id} id={fork.prev} />
              </p>
            )}
            <div class='sides branches'>
              <BranchView space={space.id} branch={fork.branches[0]} name='One branch' />
              <BranchView space={space.id} branch={fork.branches[1]} name='The other branch' />
            </div>
            {fork.contained ? null : (
              <p class='note'>
                To take its effect from an operation on:{' '}
                <code>hanse contain {fork.author} --since OPERATION</code>
              </p>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  )
}

function BranchView({
  space,
  branch,
  name,
}: {
  readonly space: string
  readonly branch: Branch
  readonly name: string
}) {
  return (
    <div class='side'>
      <p class='side-verdict'>{name}</p>
      <ol class='branch'>
        {branch.operations.map(({ id, time, path, changes, masked }) => (
          <li key={id}>
            <OperationId space={space} id={id} />{' '}
            <span class='path'>{path === '' ? 'at the top' : path}</span>{' '}
            <span class='quiet'>
              <Moment atMs={time} />
              {changes === null ? ', content not here' : `, ${formatAmount(changes, 'change')}`}
            </span>{' '}
            {masked ? <span class='tag tag-warn'>no effect</span> : null}
          </li>
        ))}
      </ol>
      {branch.more > 0 ? <p class='note'>and {formatAmount(branch.more, 'operation')} more</p> : null}
    </div>
  )
}
