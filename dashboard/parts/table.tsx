import type { ComponentChildren } from 'preact'

/** A table with a caption that screen readers read; on a narrow screen each row becomes a small list with the titles in front. */
export function Table({
  caption,
  titles,
  rows,
}: {
  readonly caption: string
  readonly titles: readonly string[]
  readonly rows: readonly { readonly key: string; readonly cells: readonly ComponentChildren[]; readonly tone?: string }[]
}) {
  return (
    <table>
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
