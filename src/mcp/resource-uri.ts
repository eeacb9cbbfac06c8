import { parsePath } from '../core/path.ts'
import { fail, ok, type Fault, type Result } from '../core/result.ts'
import { CELL_TYPES, type CellType } from '../core/types/cell.ts'

/** What a resource's URI names: a space, a path in it (empty: the space itself), and where it matters the type of the item. */
export interface ResourceName {
  /** Id, its beginning, or a name. */
  readonly space: string
  readonly path: string
  readonly type?: CellType
}

const FORM = /^hanse:\/\/([^/?#]+)\/([^?#]*)(?:\?type=([a-z]+))?$/

/** Characters of a space's id in a URI: enough that no two spaces of a node have them in common by chance. */
const ID_CHARACTERS = 16

/** The URI of a space or an item, by the space's id, hexadecimal. */
export function formatResourceUri({ space, path, type }: ResourceName): string {
  const at = path.split('/').map(encodeURIComponent).join('/')
  return `hanse://${space.slice(0, ID_CHARACTERS)}/${at}${type === undefined ? '' : `?type=${type}`}`
}

/** The other way. `BAD_URI` for anything else, invite links among it. */
export function parseResourceUri(uri: string): Result<ResourceName, Fault<'BAD_URI' | 'BAD_PATH'>> {
  const [, space = '', at = '', given] = FORM.exec(uri) ?? []
  const type = CELL_TYPES.find((one) => one === given)
  if (space === '' || space === 'join' || (given !== undefined && type === undefined)) return bad(uri)
  try {
    const path = parsePath(at.split('/').map(decodeURIComponent).join('/'))
    if (!path.ok) return path
    const name = { space: decodeURIComponent(space), path: path.value }
    return ok(type === undefined ? name : { ...name, type })
  } catch {
    return bad(uri)
  }
}

const bad = (uri: string) =>
  fail(
    'BAD_URI',
    `${JSON.stringify(uri.slice(0, 100))} is no URI of a space or item: one is hanse://<space>/<path>, and ?type=<type> where several types are at the path`,
  )
