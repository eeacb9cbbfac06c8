import { parseJson } from '../../core/json.ts'
import type { CellType } from '../../core/types/cell.ts'

/**
 * What of a cell can be searched for: every text inside its value; of a set the member, of a blob its name; of a counter nothing. `json`:
 * the value as DAG-JSON. Keys, numbers, bytes and links are not searched. Texts stand on lines of their own.
 */
export function searchableText(type: CellType, field: string, json: string): string {
  switch (type) {
    case 'set':
      return field
    case 'counter':
      return ''
    case 'blob':
      return textsOf((parseJson(json) as { readonly name?: unknown }).name).join('\n')
    case 'register':
    case 'map':
    case 'edge':
    case 'log':
    case 'claim':
    case 'text':
      return textsOf(parseJson(json)).join('\n')
  }
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(textsOf)
  if (typeof value !== 'object' || value === null) return []
  // Bytes and links (src/core/value-json.ts).
  return Object.hasOwn(value, '/') ? [] : Object.values(value).flatMap(textsOf)
}
