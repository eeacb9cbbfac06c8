import { compareBytes, fromHex, toHex } from './bytes.ts'
import { type ClockEntry, compareHeads } from './clock.ts'
import { HASH_BYTES } from './hash.ts'
import { CLOCK_TEXT_BYTES_MAX } from './limits.ts'
import { formatDid, parseDid } from './principal.ts'
import { fail, ok, type Fault, type Result } from './result.ts'

/** What somebody says of one author's log: how far they have it. */
export interface KnownLog {
  readonly author: Uint8Array
  /** Everything of the author up to this seq; null where only ids are given. */
  readonly seq: number | null
  /** Heads, each with all that it builds on. `seq`: where it is told beside the id. */
  readonly heads: readonly { readonly seq: number | null; readonly id: Uint8Array }[]
}

/** A head as it stands in the JSON of a clock. */
export interface HeadJson {
  readonly seq: number
  readonly id: string
}

/** A clock as JSON: author's did → `{ seq, id }` of the head, or a list of them where the author has forked; ascending by author. */
export function toClockJson(
  entries: Iterable<ClockEntry>,
): Readonly<Record<string, HeadJson | readonly HeadJson[]>> {
  const sorted = [...entries].sort((a, b) => compareBytes(a.author, b.author))
  return Object.fromEntries(
    sorted.map(({ author, heads }) => {
      const json = heads.toSorted(compareHeads).map(({ seq, id }) => ({ seq, id: toHex(id) }))
      const [only, ...others] = json
      return [formatDid(author), only !== undefined && others.length === 0 ? only : json]
    }),
  )
}

/**
 * Reads a clock as people and programs write it: an object from `did:key` to a seq, to the id of a head, to what {@link toClockJson} gives,
 * or to a list of ids and such heads; at most CLOCK_TEXT_BYTES_MAX long. Each author once, since an object holds a key once. `BAD_CLOCK`.
 */
export function parseClockText(text: string): Result<readonly KnownLog[], Fault<'BAD_CLOCK'>> {
  if (text.length > CLOCK_TEXT_BYTES_MAX) return bad(`it is longer than ${CLOCK_TEXT_BYTES_MAX}`)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return bad('it is not JSON')
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return bad('it is not a JSON object')
  const logs: KnownLog[] = []
  for (const [did, value] of Object.entries(json)) {
    const author = parseDid(did)
    if (!author.ok) return bad(`${JSON.stringify(did.slice(0, 60))} is not a did:key`)
    const log = readLog(author.value, value)
    if (log === null) return bad(`what it says of ${did} is neither a seq nor the ids of heads`)
    logs.push(log)
  }
  return ok(logs)
}

function readLog(author: Uint8Array, json: unknown): KnownLog | null {
  if (isCount(json)) return { author, seq: json, heads: [] }
  const heads = (Array.isArray(json) ? json : [json]).map(readHead)
  return heads.length > 0 && heads.every((head) => head !== null) ? { author, seq: null, heads } : null
}

function readHead(json: unknown): KnownLog['heads'][number] | null {
  if (typeof json === 'string') return withId(null, json)
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return null
  const { seq, id, ...rest } = json as Partial<Record<string, unknown>>
  return isCount(seq) && typeof id === 'string' && Object.keys(rest).length === 0 ? withId(seq, id) : null
}

function withId(seq: number | null, text: string): KnownLog['heads'][number] | null {
  const id = fromHex(text)
  return id?.length === HASH_BYTES ? { seq, id } : null
}

const isCount = (json: unknown): json is number => Number.isSafeInteger(json) && (json as number) >= 0

const bad = (why: string) =>
  fail(
    'BAD_CLOCK',
    `the clock cannot be read: ${why}; it looks like {"did:key:z6Mk…": 12}, see "hanse ops clock"`,
  )
