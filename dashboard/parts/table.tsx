import type { ComponentChildren } from 'preact'

/** A table with a caption that screen readers read; on a narrow screen each row becomes a small list with the titles in front. */
export function Table({
  caption,
  titles,
  rows,
  isFlowing = false,
}: {
  readonly caption: string
  readonly titles: readonly string[]
  readonly rows: readonly {
    readonly key: string
    readonly cells: readonly ComponentChildren[]
    readonly tone?: string
  }[]
  /** On a narrow screen: cells one after the other, without titles. For rows that are read at a glance. */
  readonly isFlowing?: boolean
}) {
  return (
    <table class={isFlowing ? 'flowing' : ''}>
      <caption class='hidden'>{caption}</caption>
      <thead>
        <tr>
          {titles.map((title) => (
            <th key={title} scope='col'>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, cells, tone }) => (
          <tr key={key} class={tone}>
            {cells.map((cell, i) => (
              <td key={titles[i]} data-title={titles[i]}>
                {cell}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
