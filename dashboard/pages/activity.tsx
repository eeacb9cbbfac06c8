import { useState } from 'preact/hooks'
import { live } from '../data/live.ts'
import { useStore } from '../data/store.ts'
import { IncidentsTable } from '../parts/incidents-table.tsx'
import { OperationsTable } from '../parts/operations-table.tsx'
import { Empty, Panel } from '../parts/text.tsx'
import { formatCount } from '../words/format.ts'

/** Everything as it happens, in all spaces; held still where somebody wants to read. */
export function ActivityPage() {
  const now = useStore(live)
  const [still, setStill] = useState<typeof now | null>(null)
  const { operations, incidents, passed } = still ?? now
  const waiting = still === null ? 0 : now.operations.findIndex(({ id }) => id === operations[0]?.id)
  return (
    <>
      <div class='head'>
        <h1 tabIndex={-1}>Activity</h1>
        <button
          type='button'
          aria-pressed={still !== null}
          onClick={() => setStill(still === null ? now : null)}
        >
          {still === null ? 'Hold still' : `Go on${waiting > 0 ? ` (${formatCount(waiting)} new)` : ''}`}
        </button>
      </div>
      <Panel
        title='Operations arriving'
        aside={passed > 0 ? `${formatCount(passed)} more came too fast to list` : 'the latest first'}
      >
        {operations.length === 0 ? (
          <Empty title='Nothing has arrived yet'>
            Leave this open: what is written anywhere shows here at once.
          </Empty>
        ) : (
          <OperationsTable
            caption='Operations arriving, the latest first'
            operations={operations.slice(0, 100)}
          />
        )}
      </Panel>
      <Panel title='Refused, held, forked' aside='since this node started'>
        {incidents.length === 0 ? (
          <Empty title='Nothing refused, nothing held'>
            Whatever this node does not take, and why, is listed here.
          </Empty>
        ) : (
          <IncidentsTable incidents={incidents.slice(0, 100)} />
        )}
      </Panel>
    </>
  )
}
