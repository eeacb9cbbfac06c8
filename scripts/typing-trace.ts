import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { TextSplice } from '../src/index.ts'

/** One transaction of a recording. */
export interface Typed {
  /** When, ISO 8601; missing or all the same where the recording does not say. */
  readonly time?: string
  /** In a concurrent recording: the transactions whose text it edits, and who typed. */
  readonly parents?: readonly number[]
  readonly agent?: number
  readonly patches: readonly TextSplice[]
}

/** A recording of typing, in the format of josephg/editing-traces. */
export interface TypingTrace {
  readonly startContent?: string
  readonly endContent: string
  readonly numAgents?: number
  readonly txns: readonly Typed[]
}

/** What one person typed without a pause, on top of `parents`: becomes one operation. */
export interface TypedGroup {
  readonly agent: number
  /** Groups whose text it edits; none: the text at the beginning. */
  readonly parents: readonly number[]
  readonly splices: readonly TextSplice[]
}

/** A pause of this length and more ends a group, in ms: people think, or an editor saves. */
const PAUSE_MS = 2_000
/** Transactions in one group, also of one who never pauses: some ten seconds of typing. */
const GROUP_TRANSACTIONS_MAX = 64

/** Reads a recording; throws where it is none. */
export function readTrace(file: string): TypingTrace {
  const bytes = readFileSync(file)
  const isZipped = bytes[0] === 0x1f && bytes[1] === 0x8b
  const trace = JSON.parse((isZipped ? gunzipSync(bytes) : bytes).toString()) as Partial<TypingTrace> | null
  if (typeof trace?.endContent !== 'string' || !Array.isArray(trace.txns))
    throw new Error('it is no recording: a JSON object with endContent and txns')
  return trace as TypingTrace
}

/** The transactions of a recording as groups, parents first. `isEach`: one group for each. */
export function groupTyping({ txns }: TypingTrace, isEach: boolean): readonly TypedGroup[] {
  const parentsOf = (index: number) => txns[index]?.parents ?? (index === 0 ? [] : [index - 1])
  const children = txns.map((): number[] => [])
  for (const index of txns.keys()) for (const parent of parentsOf(index)) children[parent]?.push(index)
  const groups: { agent: number; parents: readonly number[]; splices: TextSplice[]; size: number }[] = []
  const groupOf: number[] = []
  for (const [index, { agent = 0, patches }] of txns.entries()) {
    const [before, ...more] = parentsOf(index)
    const last = before === undefined ? undefined : groups[groupOf[before] as number]
    const goesOn =
      before !== undefined &&
      last !== undefined &&
      more.length === 0 &&
      children[before]?.length === 1 &&
      last.agent === agent &&
      last.size < GROUP_TRANSACTIONS_MAX &&
      timeOf(txns[index]) - timeOf(txns[before]) < PAUSE_MS
    if (goesOn && !isEach) {
      last.splices.push(...patches)
      last.size++
      groupOf.push(groupOf[before] as number)
      continue
    }
    const parents = new Set(parentsOf(index).map((parent) => groupOf[parent] as number))
    groupOf.push(groups.length)
    groups.push({ agent, parents: [...parents], splices: [...patches], size: 1 })
  }
  return groups
}

const timeOf = (typed: Typed | undefined): number => Date.parse(typed?.time ?? '') || 0
