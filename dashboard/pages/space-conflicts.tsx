import { useState } from 'preact/hooks'
import type { SpaceSummary } from '../../src/http/dashboard/overview.ts'
import type { Conflict, Contender } from '../../src/node/history/conflict.ts'
import { ask, inAddress } from '../data/ask.ts'
import { spaceLink } from '../data/route.ts'
import { useAsked } from '../data/use-asked.ts'
import { announce } from '../parts/announcer.tsx'
import { Empty, Moment, OperationId, Panel, Trouble, Who } from '../parts/text.tsx'
import { Value } from '../parts/value.tsx'
import { formatAmount } from '../words/format.ts'

interface ConflictsAnswer {
  readonly conflicts: readonly Conflict[]
  readonly next: unknown
}

/** Where concurrent writes met: both values, and choosing one. */
export function ConflictsSection({ space }: { readonly space: SpaceSummary }) {
  const { data, problem, again } = useAsked<ConflictsAnswer>(`/spaces/${space.id}/conflicts`, space.revision)
  const [trouble, setTrouble] = useState('')
  const settle = async ({ path, type, field }: Conflict, operation: string | null) => {
    setTrouble('')
    try {
      const side = operation === null ? { keep: true } : { take: operation }
      const address = `/spaces/${space.id}/conflicts/${inAddress(path)}`
      await ask(address, { method: 'POST', body: { ...side, type, field } })
      announce(`Settled the conflict at ${path}`)
    } catch (error) {
      setTrouble((error as Error).message)
    }
    again()
  }
  const conflicts = data?.conflicts ?? []
  return (
    <Panel
      title='Open conflicts'
      aside='merging has decided what shows; what lost is kept until somebody settles it'
    >
      <Trouble text={trouble || problem} />
      {data !== null && conflicts.length === 0 ? (
        <Empty title='No open conflict'>
          Where two people write at once without having seen each other, both values appear here.
        </Empty>
      ) : null}
      <ul class='cards'>
        {conflicts.map((conflict) => (
          <li key={`${conflict.type}/${conflict.path}/${conflict.field}`} class='card'>
            <h3>
              <a class='path' href={spaceLink(space.id, 'items', conflict.path)}>
                {conflict.path}
              </a>{' '}
              <span class='quiet'>
                {conflict.type}
                {conflict.field === '' ? '' : `, ${conflict.field}`}: {conflict.kind}
              </span>
            </h3>
            <div class='sides'>
              <Side space={space.id} side={conflict.winner} verdict='Shows now'>
                <button type='button' onClick={() => void settle(conflict, null)}>
                  Keep <span class='hidden'>what shows at {conflict.path}</span>
                </button>
              </Side>
              {conflict.losers.map((loser) => (
                <Side key={loser.operation} space={space.id} side={loser} verdict={`Lost by ${loser.rule}`}>
                  <button type='button' onClick={() => void settle(conflict, loser.operation)}>
                    Take this <span class='hidden'>at {conflict.path} instead</span>
                  </button>
                </Side>
              ))}
            </div>
          </li>
        ))}
      </ul>
      {data?.next == null ? null : (
        <p class='note'>
          The first {formatAmount(conflicts.length, 'conflict')}; more come as these are settled.
        </p>
      )}
    </Panel>
  )
}

function Side({
  space,
  side,
  verdict,
  children,
}: {
  readonly space: string
  readonly side: Contender
  readonly verdict: string
  readonly children: preact.ComponentChildren
}) {
  return (
    <div class='side'>
      <p class='side-verdict'>{verdict}</p>
      <p class='side-value'>{side.deletes ? <em>deleted</em> : <Value value={side.value} />}</p>
      <p class='quiet'>
        <Who did={side.author} /> <Moment atMs={side.time} />{' '}
        <OperationId space={space} id={side.operation} />
      </p>
      {children}
    </div>
  )
}
