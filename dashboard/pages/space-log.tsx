import { useState } from 'preact/hooks'
import type { ArrivedOperation } from '../../src/http/dashboard/activity.ts'
import type { SpaceSummary } from '../../src/http/dashboard/overview.ts'
import { useAsked } from '../data/use-asked.ts'
import { OperationsTable } from '../parts/operations-table.tsx'
import { Empty, Panel, Trouble } from '../parts/text.tsx'

/** All operations of a space, as they arrived here. */
export function LogSection({ space }: { readonly space: SpaceSummary }) {
  const [before, setBefore] = useState<number | null>(null)
  const query = before === null ? '' : `?before=${before}`
  const { data, problem } = useAsked<{
    readonly operations: readonly ArrivedOperation[]
    readonly next: number | null
  }>(`/dashboard/spaces/${space.id}/operations${query}`, before ?? space.revision)
  const next = data?.next ?? null
  return (
    <Panel title='Operations' aside='as they arrived here, the latest first'>
      <Trouble text={problem} />
      {data?.operations.length === 0 ? <Empty title='Nothing has arrived yet' /> : null}
      {data === null ? null : (
        <OperationsTable
          caption='Operations of this space'
          operations={data.operations}
          hasSpace={false}
          hasSource={false}
        />
      )}
      <p class='buttons'>
        {before === null ? null : (
          <button type='button' onClick={() => setBefore(null)}>
            Latest
          </button>
        )}
        {next === null ? null : (
          <button type='button' onClick={() => setBefore(next)}>
            Earlier
          </button>
        )}
      </p>
    </Panel>
  )
}
