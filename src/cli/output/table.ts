/** How a column stands. */
export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

const GAP = '  '

/** Lines of a table with aligned columns; the first line has the titles. Nothing where there are no rows. Cells are printable text. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  if (rows.length === 0) return []
  return formatRows(
    columns.map(({ align }) => align ?? 'left'),
    [columns.map(({ title }) => title), ...rows],
  )
}

/** Lines of `name  value`, the values aligned. */
export function formatPairs(pairs: readonly (readonly [string, string])[], indent = ''): readonly string[] {
  return formatRows(['left', 'left'], pairs).map((line) => indent + line)
}

/** Columns that a text takes in a terminal: wide characters take two, marks that combine none. */
export function widthOf(text: string): number {
  let width = 0
  for (const character of text) width += /[\p{M}\p{Cf}]/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return width
}

/**
 * Shortened to that width, with an ellipsis where something was left out. Marks take no width, so they are counted too: a text of nothing
 * else ends as well. Cost: the characters shown.
 */
export function shorten(text: string, width: number): string {
  const charactersMax = CHARACTERS_PER_COLUMN_MAX * width
  let kept = ''
  let taken = 0
  let count = 0
  for (const character of text) {
    taken += widthOf(character)
    if (taken > width || ++count > charactersMax) return `${kept}…`
    if (taken <= width - 1) kept += character
  }
  return text
}

/** Characters for each column that are shown at most: a letter with its marks, or an emoji of several people. */
const CHARACTERS_PER_COLUMN_MAX = 16

/** East Asian wide characters and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u

function formatRows(
  aligns: readonly ('left' | 'right')[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const widths = aligns.map((_align, column) =>
    rows.reduce((most, row) => Math.max(most, widthOf(row[column] ?? '')), 0),
  )
  return rows.map((row) =>
    aligns
      .map((align, column) => {
        const cell = row[column] ?? ''
        const padding = ' '.repeat((widths[column] ?? 0) - widthOf(cell))
        return align === 'left' ? cell + padding : padding + cell
      })
      .join(GAP)
      .trimEnd(),
  )
}
