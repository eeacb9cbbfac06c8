import { readFileSync, statSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { utf8 } from '../../core/bytes.ts'
import { sha256 } from '../../core/hash.ts'
import { HISTORY_BYTES_MAX } from '../../core/limits.ts'
import { FaultError } from '../fault-error.ts'

/** One commit of a recorded history. */
export interface Commit {
  /** Its place, from 0; parents come before children. */
  readonly index: number
  readonly parents: readonly number[]
  /** A number that stands for one person. */
  readonly author: number
  /** By the person's clock, ms since 1970; 0 for what is earlier. */
  readonly timeMs: number
  /** Paths and the hash of what they hold after the commit; null where it deletes them. */
  readonly changes: readonly (readonly [string, string | null])[]
  /** How many commits of the same author come before: the place of its operation in the author's log. */
  readonly seq: number
}

/** A recorded history: commits in an order in which parents come first. */
export interface History {
  /** sha256 of its first line: tells it apart from other histories, and stays while it grows. */
  readonly origin: Uint8Array
  readonly commits: readonly Commit[]
  /** Number of people in it; authors are 0 to people − 1 after renumbering. */
  readonly people: number
}

/**
 * Reads a history in JSON lines, gzipped or not: `{ i, parents, author, time, changes }`. Throws a FaultError that
 * names the file and line of what is wrong.
 */
export function readHistory(file: string): History {
  return parseHistory(readText(file), file)
}

/** The same of a text; `file`: what faults call it. */
export function parseHistory(text: string, file: string): History {
  const people = new Map<unknown, number>()
  const written: number[] = []
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const commits = lines.map((line, index) => {
    const raw = parse(line, file, index)
    const parents = raw['parents']
    const changes = raw['changes']
    const isSound =
      raw['i'] === index &&
      Array.isArray(parents) &&
      parents.every((parent) => Number.isSafeInteger(parent) && parent >= 0 && parent < index) &&
      isTime(raw['time']) &&
      Array.isArray(changes) &&
      changes.every(isChange)
    if (!isSound)
      throw bad(file, `line ${index + 1} is not a commit { i: ${index}, parents, author, time, changes }`)
    const author = people.get(raw['author']) ?? people.size
    people.set(raw['author'], author)
    const seq = written[author] ?? 0
    written[author] = seq + 1
    const timeMs = Math.max(0, Math.round((raw['time'] as number) * 1000))
    return {
      index,
      parents: parents as number[],
      author,
      timeMs,
      changes: changes as Commit['changes'],
      seq,
    }
  })
  if (commits.length === 0) throw bad(file, 'it holds no commit')
  return { origin: sha256(utf8(lines[0] as string)), commits, people: people.size }
}

/** Reads the recorded end state: path → hash. */
export function readExpected(file: string): ReadonlyMap<string, string> {
  const value = parse(readText(file), file, 0)
  for (const hash of Object.values(value))
    if (typeof hash !== 'string') throw bad(file, 'it is not a map from paths to hashes')
  return new Map(Object.entries(value as Record<string, string>))
}

function readText(file: string): string {
  try {
    if (statSync(file).size > HISTORY_BYTES_MAX)
      throw new Error(`it has more than ${HISTORY_BYTES_MAX} bytes`)
    const bytes = readFileSync(file)
    const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b
    return (isPacked ? gunzipSync(bytes, { maxOutputLength: HISTORY_BYTES_MAX }) : bytes).toString('utf8')
  } catch (error) {
    throw bad(file, `it cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function parse(text: string, file: string, index: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw bad(file, `line ${index + 1} is not a JSON object`)
}

/** Seconds that are a date. */
const isTime = (time: unknown): boolean => typeof time === 'number' && Math.abs(time) <= 8.64e12

const isChange = (change: unknown): boolean =>
  Array.isArray(change) &&
  change.length === 2 &&
  typeof change[0] === 'string' &&
  (change[1] === null || typeof change[1] === 'string')

const bad = (file: string, why: string) => new FaultError({ code: 'BAD_HISTORY', detail: `${file}: ${why}` })
