import { useMemo, useState } from 'preact/hooks'
import type { SpaceSummary } from '../../src/http/dashboard/overview.ts'
import type { HistoryPage, Version } from '../../src/node/history/versions.ts'
import type { Item } from '../../src/node/space/item.ts'
import { inAddress } from '../data/ask.ts'
import { useAsked } from '../data/use-asked.ts'
import { Table } from '../parts/table.tsx'
import { Empty, Moment, OperationId, Panel, Trouble, Who } from '../parts/text.tsx'
import { TimeSlider } from '../parts/time-slider.tsx'
import { ItemValue } from '../parts/value.tsx'
import { formatAmount, formatMoment } from '../words/format.ts'

const VERSIONS_SHOWN = 200

/** What is at a path, now or as it was, and every version of it. */
export function ItemView({ space, path }: { readonly space: SpaceSummary; readonly path: string }) {
  const query = new URLSearchParams({ path }).toString()
  const history = useAsked<HistoryPage>(
    `/spaces/${space.id}/history/${inAddress(path)}?limit=${VERSIONS_SHOWN}`,
    space.revision,
  )
  const versions = useMemo(() => (history.data?.versions ?? []).toReversed(), [history.data])
  const momentsMs = useMemo(
    () => [...new Set(versions.map(({ time }) => time))].sort((a, b) => a - b),
    [versions],
  )
  /** A moment, ms since 1970; null: now. */
  const [atMs, setAtMs] = useState<number | null>(null)
  const point = atMs === null ? '' : `&at=${atMs}`
  const shown = useAsked<{ readonly items: readonly Item[] }>(
    `/dashboard/spaces/${space.id}/items?${query}${point}`,
    atMs === null ? space.revision : 0,
  )
  const items = shown.data?.items ?? []
  if (history.data !== null && versions.length === 0 && items.length === 0)
    return (
      <Panel title='Item'>
        <Empty title='Nothing was ever written exactly here'>Choose one of the items below this path.</Empty>
      </Panel>
    )
  return (
    <div class='item'>
      <Panel title={path.slice(path.lastIndexOf('/') + 1)} aside={items.map(({ type }) => type).join(', ')}>
        {momentsMs.length === 0 ? null : <TimeSlider momentsMs={momentsMs} atMs={atMs} onChange={setAtMs} />}
        <Trouble text={history.problem || shown.problem} />
        <div class={`state ${atMs === null ? '' : 'state-past'}`} aria-live='polite' data-testid='state'>
          {shown.data !== null && items.length === 0 ? (
            <Empty
              title={
                atMs === null ? 'Nothing shows here now' : `Nothing showed here at ${formatMoment(atMs)}`
              }
            />
          ) : null}
          {items.map((item) => (
            <div key={item.type}>
              {items.length > 1 ? <h3 class='quiet type'>{item.type}</h3> : null}
              <ItemValue space={space.id} item={item} />
            </div>
          ))}
        </div>
      </Panel>
      <Panel
        title='History'
        aside={`${formatAmount(versions.length, 'version')}${history.data?.next == null ? '' : ', the latest'}`}
      >
        <Table
          caption={`Versions of ${path}`}
          titles={['When', 'Author', 'What', 'Notes', 'Operation']}
          rows={versions.toReversed().map((version) => ({
            key: version.operation,
            ...(version.time === atMs ? { tone: 'chosen' } : {}),
            cells: [
              <button type='button' class='link' onClick={() => setAtMs(version.time)}>
                <Moment atMs={version.time} />
                <span class='hidden'>: show what was here then</span>
              </button>,
              <Who did={version.author} />,
              <ul class='plain words'>
                {version.edits.slice(0, 4).map(({ index, words }) => (
                  <li key={index}>{words}</li>
                ))}
                {version.edits.length > 4 ? <li class='quiet'>and {version.edits.length - 4} more</li> : null}
              </ul>,
              <Notes version={version} />,
              <OperationId space={space.id} id={version.operation} />,
            ],
          }))}
        />
      </Panel>
    </div>
  )
}

function Notes({ version: { effective, shows, concurrent } }: { readonly version: Version }) {
  return (
    <span class='tags'>
      {shows ? <span class='tag tag-good'>shows now</span> : null}
      {effective ? null : <span class='tag tag-bad'>revoked</span>}
      {concurrent.length > 0 ? (
        <span class='tag tag-warn'>at once with {formatAmount(concurrent.length, 'other')}</span>
      ) : null}
    </span>
  )
}
