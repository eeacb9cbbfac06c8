import { useEffect, useState } from 'preact/hooks'
import type { DelegationStatus } from '../../src/node/space/delegation-status.ts'
import type { Impact, RevocationReport } from '../../src/node/space/revocation-report.ts'
import { ask } from '../data/ask.ts'
import { mayWords } from '../words/delegation-tree.ts'
import { formatAmount } from '../words/format.ts'
import { announce } from './announcer.tsx'
import { Dialog } from './dialog.tsx'
import { Trouble, Who } from './text.tsx'

/** Shows what a revocation would do before it is done. */
export function RevokeDialog({
  space,
  delegation,
  onClose,
}: {
  readonly space: string
  readonly delegation: DelegationStatus
  readonly onClose: () => void
}) {
  const [purge, setPurge] = useState(false)
  const [preview, setPreview] = useState<RevocationReport | null>(null)
  const [problem, setProblem] = useState('')
  const [isBusy, setBusy] = useState(false)
  const target = delegation.digest
  const path = `/spaces/${space}/revocations`
  useEffect(() => {
    const gone = new AbortController()
    setPreview(null)
    setProblem('')
    const body = { target, purge, dryRun: true }
    ask<RevocationReport>(path, { method: 'POST', body, signal: gone.signal }).then(
      setPreview,
      (error: unknown) => {
        if (!gone.signal.aborted) setProblem((error as Error).message)
      },
    )
    return () => gone.abort()
  }, [path, target, purge])
  const revoke = async () => {
    setBusy(true)
    try {
      await ask(path, { method: 'POST', body: { target, purge, dryRun: false } })
      announce('Revoked')
      onClose()
    } catch (error) {
      setProblem((error as Error).message)
      setBusy(false)
    }
  }
  return (
    <Dialog title='Revoke a delegation' onClose={onClose}>
      <p>
        <Who did={delegation.audience} /> may {mayWords(delegation)}. A revocation is an operation like any
        other: it reaches every peer, and cannot be taken back.
      </p>
      <fieldset>
        <legend>What was done under it</legend>
        <label>
          <input type='radio' name='purge' checked={!purge} onChange={() => setPurge(false)} /> stays: only
          what comes from now on has no effect
        </label>
        <label>
          <input type='radio' name='purge' checked={purge} onChange={() => setPurge(true)} /> loses its effect
          too, from the beginning
        </label>
      </fieldset>
      <Trouble text={problem} />
      <div class='preview' aria-live='polite' aria-busy={preview === null && problem === ''}>
        {preview === null ? (
          problem === '' ? (
            <p class='quiet'>Working out what it would do…</p>
          ) : null
        ) : (
          <Preview report={preview} />
        )}
      </div>
      <p class='buttons'>
        <button
          type='button'
          class='danger'
          disabled={preview === null || isBusy}
          onClick={() => void revoke()}
        >
          Revoke
        </button>
        <button type='button' onClick={onClose}>
          Leave it
        </button>
      </p>
    </Dialog>
  )
}

function Preview({ report }: { readonly report: RevocationReport }) {
  const { tokens, outOfReach, endedBelow, masked, revived, openInvites } = report
  return (
    <>
      <p class='preview-title'>It would</p>
      <ul>
        <li>end {formatAmount(tokens.length, 'delegation')}</li>
        {endedBelow.length === 0 ? null : (
          <li>
            end what was given on from it, to{' '}
            {endedBelow.slice(0, 8).map(({ token, audience }) => (
              <Who key={token} did={audience} />
            ))}
            {endedBelow.length > 8 ? ` and ${endedBelow.length - 8} more` : ''}
          </li>
        )}
        <li>
          {masked.length === 0 ? (
            'take the effect of nothing that was written'
          ) : (
            <Impacts verb='take the effect of' impacts={masked} />
          )}
        </li>
        {revived.length === 0 ? null : (
          <li>
            <Impacts verb='give back the effect of' impacts={revived} />
          </li>
        )}
        {outOfReach.length === 0 ? null : (
          <li>leave {formatAmount(outOfReach.length, 'delegation')} that this node is not above</li>
        )}
        {openInvites.length === 0 ? null : (
          <li class='warn'>
            leave {formatAmount(openInvites.length, 'open invite')} by which whoever has the link can come
            again
          </li>
        )}
      </ul>
    </>
  )
}

const IMPACTS_SHOWN = 6

function Impacts({ verb, impacts }: { readonly verb: string; readonly impacts: readonly Impact[] }) {
  const all = impacts.reduce((sum, { operations }) => sum + operations, 0)
  return (
    <>
      {verb} {formatAmount(all, 'operation')}
      <ul>
        {impacts.slice(0, IMPACTS_SHOWN).map(({ author, path, operations }) => (
          <li key={`${author} ${path}`}>
            {operations} of <Who did={author} /> at <span class='path'>{path === '' ? 'the top' : path}</span>
          </li>
        ))}
        {impacts.length > IMPACTS_SHOWN ? <li>at {impacts.length - IMPACTS_SHOWN} more places</li> : null}
      </ul>
    </>
  )
}
