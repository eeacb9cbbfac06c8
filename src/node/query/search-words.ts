/**
 * Words as people type them, in the syntax of FTS5: all of them have to be there, each as it stands, whatever signs are in it; `stor*` is any
 * word that begins so. A NUL, where SQLite would stop reading, is a space. Null where nothing is left to search for.
 */
export function searchExpression(words: string): string | null {
  const terms = words.split(/[\s\0]+/).flatMap((word) => {
    const isPrefix = word.endsWith('*')
    const text = isPrefix ? word.slice(0, -1) : word
    // A word without letters and digits has nothing that the index holds.
    if (!/[\p{L}\p{N}\p{Co}]/u.test(text)) return []
    return [`"${text.replaceAll('"', '""')}"${isPrefix ? '*' : ''}`]
  })
  return terms.length === 0 ? null : terms.join(' AND ')
}
