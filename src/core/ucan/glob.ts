/**
 * True when the whole `text` matches a `like` pattern of UCAN 1.0: `*` stands for any run of characters (none, and slashes,
 * included), `\*` for an asterisk, everything else, a backslash elsewhere included, for itself.
 *
 * Each piece between two stars is looked for once, leftmost first, and never again: no backtracking, at most
 * pattern × text steps whatever the number of stars.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const pieces = splitAtStars(pattern)
  const first = pieces[0] as string
  const last = pieces[pieces.length - 1] as string
  if (pieces.length === 1) return text === first
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last))
    return false
  const end = text.length - last.length
  let at = first.length
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at)
    if (found < 0 || found + piece.length > end) return false
    at = found + piece.length
  }
  return true
}

/** The pattern that matches `text` and nothing else. */
export function escapeGlob(text: string): string {
  return text.replaceAll('*', '\\*')
}

/** The literal pieces around the wildcards of a pattern: one more than there are wildcards. */
export function splitAtStars(pattern: string): readonly string[] {
  const pieces: string[] = []
  let piece = ''
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] as string
    if (char === '\\' && pattern[i + 1] === '*') {
      piece += '*'
      i++
    } else if (char === '*') {
      pieces.push(piece)
      piece = ''
    } else {
      piece += char
    }
  }
  return [...pieces, piece]
}
