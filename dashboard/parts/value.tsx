import type { Item, LogValue, EdgeValue, ClaimValue } from '../../src/node/space/item.ts'
import { formatJson } from '../data/json.ts'
import { spaceLink } from '../data/route.ts'
import { formatCount } from '../words/format.ts'
import { Empty, Moment, OperationId, Who } from './text.tsx'

/** A value of the data model. */
export function Value({ value }: { readonly value: unknown }) {
  if (typeof value === 'string' && value !== '') return <span class='value'>{value}</span>
  return <code class='value'>{formatJson(value)}</code>
}

/** An item as it shows, by its type. */
export function ItemValue({ space, item }: { readonly space: string; readonly item: Item }) {
  const { type, value } = item
  switch (type) {
    case 'map':
      return (
        <dl class='fields'>
          {Object.entries(value as Readonly<Record<string, unknown>>).map(([field, one]) => (
            <div key={field}>
              <dt>{field}</dt>
              <dd>
                <Value value={one} />
              </dd>
            </div>
          ))}
        </dl>
      )
    case 'edge':
      return (
        <ul class='lines'>
          {(value as readonly EdgeValue[]).map(({ label, to, value: said }) => (
            <li key={`${label}/${to}`}>
              <span class='quiet'>–{label}→</span> <a href={spaceLink(space, 'items', to)}>{to}</a>{' '}
              {said === null ? null : <Value value={said} />}
            </li>
          ))}
        </ul>
      )
    case 'log':
      return <LogEntries space={space} entries={value as readonly LogValue[]} omitted={item.omitted ?? 0} />
    case 'set':
      return (
        <ul class='chips'>
          {(value as readonly string[]).map((member) => (
            <li key={member}>{member}</li>
          ))}
        </ul>
      )
    case 'counter':
      return <p class='number'>{typeof value === 'number' ? formatCount(value) : String(value)}</p>
    case 'text':
      return (
        <>
          {item.incomplete === true ? (
            <p class='note'>Not final: content that may have changed this text has not arrived.</p>
          ) : null}
          {/* biome-ignore lint: a long text is scrolled with the keyboard */}
          <pre class='document' tabIndex={0}>
            {String(value)}
          </pre>
        </>
      )
    case 'claim': {
      const { value: claimed, author, operation } = value as ClaimValue
      return (
        <p>
          <Value value={claimed} /> <span class='quiet'>claimed by</span> <Who did={author} />{' '}
          <span class='quiet'>in</span> <OperationId space={space} id={operation} />
        </p>
      )
    }
    case 'register':
    case 'blob':
      return typeof value === 'object' && value !== null ? (
        <pre class='document' tabIndex={0}>
          {formatJson(value)}
        </pre>
      ) : (
        <p class='big-value'>
          <Value value={value} />
        </p>
      )
  }
}

function LogEntries({
  space,
  entries,
  omitted,
}: {
  readonly space: string
  readonly entries: readonly LogValue[]
  readonly omitted: number
}) {
  if (entries.length === 0) return <Empty title='No entries' />
  return (
    <>
      {omitted > 0 ? <p class='note'>{formatCount(omitted)} earlier entries are not shown.</p> : null}
      <ol class='lines'>
        {entries.toReversed().map(({ id, index, author, time, value }) => (
          <li key={`${id}/${index}`}>
            <Moment atMs={time} /> <Who did={author} /> <Value value={value} />{' '}
            <OperationId space={space} id={id} />
          </li>
        ))}
      </ol>
    </>
  )
}
