import { useStore } from '../data/store.ts'
import { live } from '../data/live.ts'
import { spaceLink } from '../data/route.ts'
import { useAsked } from '../data/use-asked.ts'
import type { Explanation } from '../../src/node/space/explain.ts'
import { Code, Grade, OperationId, Panel, Trouble, Who } from '../parts/text.tsx'
import { Table } from '../parts/table.tsx'

const GRADES = { admitted: 'proved', masked: 'open', held: 'open', refused: 'bad', unknown: 'away' } as const

/** What became of one operation, and why. */
export function OperationPage({ space, operation }: { readonly space: string; readonly operation: string }) {
  const { overview } = useStore(live)
  const known = overview?.spaces.find(({ id }) => id === space)
  const { data, problem } = useAsked<Explanation>(`/spaces/${space}/operations/${operation}`, known?.revision)
  return (
    <>
      <p class='crumbs'>
        <a href={spaceLink(space, 'log')}>{known?.name ?? 'space'}</a>
      </p>
      <h1 tabIndex={-1}>
        Operation <span class='id'>{operation.slice(0, 16)}…</span>
      </h1>
      <Trouble text={problem} />
      {data === null ? null : (
        <>
          <Panel title='Verdict'>
            <p>
              <Grade grade={GRADES[data.verdict]}>{data.verdict}</Grade>
              {data.code === null ? null : (
                <>
                  {' '}
                  <Code code={data.code} />
                </>
              )}
            </p>
            <p>{data.detail}</p>
            <dl class='fields'>
              <div>
                <dt>Author</dt>
                <dd>{data.author === null ? 'not known here' : <Who did={data.author} />}</dd>
              </div>
              <div>
                <dt>Id</dt>
                <dd class='id'>{data.id}</dd>
              </div>
            </dl>
            {data.void.map(({ index, detail }) => (
              <p key={index} class='note'>
                Change {index} has no effect: {detail}
              </p>
            ))}
          </Panel>
          {data.maskedBy.length === 0 ? null : (
            <Panel title='Revoked by'>
              <ul class='lines'>
                {data.maskedBy.map(({ operation, author }) => (
                  <li key={operation}>
                    <Who did={author} /> in <OperationId space={space} id={operation} />
                  </li>
                ))}
              </ul>
            </Panel>
          )}
          <Panel title='By which right' aside='delegations, from the space to the author'>
            {data.chain.length === 0 ? (
              <p class='quiet'>None needed: the space’s own key, or not known here.</p>
            ) : (
              <Table
                caption='Chain of delegations'
                titles={['From', 'To', 'May', 'At and below', 'Delegation']}
                rows={data.chain.map(({ digest, terms }) => ({
                  key: digest,
                  cells:
                    terms === null
                      ? ['not known here', '', '', '', digest.slice(0, 10)]
                      : [
                          <Who did={terms.issuer} />,
                          <Who did={terms.audience} />,
                          <code>{terms.command}</code>,
                          terms.path === null
                            ? 'as its policy says'
                            : terms.path === ''
                              ? 'everything'
                              : terms.path,
                          <span class='id' title={digest}>
                            {digest.slice(0, 10)}
                          </span>,
                        ],
                }))}
              />
            )}
          </Panel>
        </>
      )}
    </>
  )
}
