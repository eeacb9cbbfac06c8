import { useMemo, useState } from 'preact/hooks'
import type { SpaceSummary } from '../../src/http/dashboard/overview.ts'
import type { DelegationStatus } from '../../src/node/space/delegation-status.ts'
import { useAsked } from '../data/use-asked.ts'
import { RevokeDialog } from '../parts/revoke-dialog.tsx'
import { Empty, Moment, Panel, Trouble, Who } from '../parts/text.tsx'
import { type DelegationNode, delegationTree, mayWords } from '../words/delegation-tree.ts'
import { formatAmount } from '../words/format.ts'

/** Who may what, as it was given on, with a way to take it back. */
export function AuthoritySection({ space }: { readonly space: SpaceSummary }) {
  const { data, problem, again } = useAsked<{ readonly delegations: readonly DelegationStatus[] }>(
    `/spaces/${space.id}/delegations`,
    space.revision,
  )
  const [chosen, setChosen] = useState<DelegationStatus | null>(null)
  const tree = useMemo(() => delegationTree(data?.delegations ?? [], space.did), [data, space.did])
  const active = data?.delegations.filter(({ state }) => state === 'active').length ?? 0
  return (
    <>
      <Panel
        title='Delegations'
        aside={
          data === null ? '' : `${active} of ${formatAmount(data.delegations.length, 'delegation')} active`
        }
      >
        <Trouble text={problem} />
        <div class='tree'>
          <p class='tree-root'>
            <Who did={space.did} /> <span class='quiet'>holds everything; its key may be forgotten</span>
          </p>
          <Branch nodes={tree.roots} onRevoke={setChosen} />
        </div>
      </Panel>
      {tree.loose.length === 0 ? null : (
        <Panel title='Not founded' aside='nothing known here leads from the space to these'>
          <div class='tree'>
            <Branch nodes={tree.loose} onRevoke={setChosen} />
          </div>
        </Panel>
      )}
      {data !== null && data.delegations.length === 0 ? (
        <Empty title='No delegation has arrived'>They come with the first sync.</Empty>
      ) : null}
      {chosen === null ? null : (
        <RevokeDialog
          space={space.id}
          delegation={chosen}
          onClose={() => {
            setChosen(null)
            again()
          }}
        />
      )}
    </>
  )
}

function Branch({
  nodes,
  onRevoke,
}: {
  readonly nodes: readonly DelegationNode[]
  readonly onRevoke: (delegation: DelegationStatus) => void
}) {
  if (nodes.length === 0) return null
  return (
    <ul>
      {nodes.map(({ delegation, below }) => (
        <li key={delegation.digest}>
          <div class={`grant grant-${delegation.state}`}>
            <span class='grant-who'>
              <Who did={delegation.audience} />
            </span>
            <span class='grant-what'>
              may {mayWords(delegation)}
              <span class='quiet'>
                {delegation.depth === null
                  ? ''
                  : delegation.depth === 0
                    ? '; may not pass it on'
                    : `; may pass it on ${formatAmount(delegation.depth, 'time')}`}
                {delegation.expiresMs === null ? null : (
                  <>
                    {delegation.expiresMs < Date.now() ? '; ended ' : '; until '}
                    <Moment atMs={delegation.expiresMs} />
                  </>
                )}
                {delegation.rotation ? '; its issuer goes on with this key' : ''}
              </span>
            </span>
            {delegation.state === 'active' ? (
              <button type='button' class='small' onClick={() => onRevoke(delegation)}>
                Revoke…<span class='hidden'> what was given to {delegation.audience}</span>
              </button>
            ) : (
              <span class={`tag tag-${delegation.state === 'revoked' ? 'bad' : 'quiet'}`}>
                {delegation.state}
              </span>
            )}
          </div>
          <Branch nodes={below} onRevoke={onRevoke} />
        </li>
      ))}
    </ul>
  )
}
