import type { SpaceSummary } from '../../src/http/dashboard/overview.ts'
import { Table } from '../parts/table.tsx'
import { Empty, Grade, Panel, Peer, Who } from '../parts/text.tsx'
import { formatAmount, formatCount, formatDuration } from '../words/format.ts'
import { syncWords } from '../words/sync.ts'

/** With whom a space is in sync, by which proof, and what is not here. */
export function SyncSection({ space }: { readonly space: SpaceSummary }) {
  const peers = space.peers.toSorted(
    (a, b) => Number(b.connected) - Number(a.connected) || (a.peer < b.peer ? -1 : 1),
  )
  return (
    <>
      <Panel title='Peers of this space' aside='“in sync” is said where both sides have shown equal roots'>
        {peers.length === 0 ? (
          <Empty title='No peer has been met'>
            Invite somebody with "hanse invite", or leave this node running: it goes on looking.
          </Empty>
        ) : (
          <Table
            caption='Peers of this space'
            titles={['Peer', 'Now', 'State', 'More', 'Refused of it']}
            rows={peers.map((peer) => {
              const { grade, words, more } = syncWords(peer, space)
              const refused = Object.entries(peer.refused)
              return {
                key: peer.peer,
                cells: [
                  <Peer id={peer.peer} />,
                  peer.connected ? 'connected' : <span class='quiet'>not connected</span>,
                  <Grade grade={grade}>{words}</Grade>,
                  more.join('; '),
                  refused.length === 0 ? (
                    <span class='quiet'>nothing</span>
                  ) : (
                    refused.map(([code, count]) => `${formatCount(count)} ${code}`).join(', ')
                  ),
                ],
              }
            })}
          />
        )}
      </Panel>
      <Panel title='What is here'>
        <Facts space={space} />
      </Panel>
    </>
  )
}

function Facts({ space }: { readonly space: SpaceSummary }) {
  const { selection, blobs, clockBehindMs } = space
  const reading =
    selection === null
      ? 'what its delegations say'
      : selection.length === 0
        ? 'headers alone'
        : selection[0] === ''
          ? 'everything'
          : `at and below ${selection.join(', ')}`
  const facts: readonly (readonly [string, string, boolean])[] = [
    ['This node reads', reading, false],
    [
      'Content',
      space.absentBodies === 0
        ? 'all here'
        : `of ${formatAmount(space.absentBodies, 'operation')} not here yet`,
      space.absentBodies > 0,
    ],
    ...(space.unreadable === 0
      ? []
      : [['Not for this node to read', formatAmount(space.unreadable, 'operation'), false] as const]),
    [
      'Attachments',
      blobs.referenced === 0
        ? 'none'
        : `${formatCount(blobs.referenced)}, ${blobs.missing === 0 ? 'all here' : `${formatCount(blobs.missing)} not here`}`,
      blobs.missing > 0,
    ],
    [
      'Our last write',
      space.localHead === null
        ? 'none by this node'
        : `acknowledged by ${formatCount(space.acknowledged)} of ${formatAmount(space.peers.length, 'peer')}, by signature`,
      false,
    ],
    ...(space.writing === null
      ? []
      : [['Writing', `stopped (${space.writing}): see "hanse identity"`, true] as const]),
    ...(space.masked === 0
      ? []
      : [['Revoked', `${formatAmount(space.masked, 'operation')} without effect`, false] as const]),
    ...(space.waitingTexts.length === 0
      ? []
      : [['Texts not final', space.waitingTexts.join(', '), true] as const]),
    ...(clockBehindMs === null
      ? []
      : [
          [
            'Clock',
            `this machine seems to be ${formatDuration(clockBehindMs)} behind: set it`,
            true,
          ] as const,
        ]),
  ]
  return (
    <dl class='fields'>
      {facts.map(([title, words, isWarning]) => (
        <div key={title}>
          <dt>{title}</dt>
          <dd class={isWarning ? 'warn' : ''}>{words}</dd>
        </div>
      ))}
      <div>
        <dt>Clock root</dt>
        <dd class='id'>{space.clockRoot}</dd>
      </div>
      <div>
        <dt>State root</dt>
        <dd class='id'>{space.stateRoot}</dd>
      </div>
      <div>
        <dt>Space key</dt>
        <dd>
          <Who did={space.did} /> <span class='id'>{space.did}</span>
        </dd>
      </div>
    </dl>
  )
}
