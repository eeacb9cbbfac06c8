import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** One transaction of a trace. */
export interface TraceTransaction {
  /** `[position, deleted, inserted]`, one after the other, in code points. */
  readonly patches: readonly (readonly [number, number, string])[]
  /** In a concurrent trace: the transactions it is made on, and by whom. */
  readonly parents: readonly number[]
  readonly agent: number
}

/** A recorded session of typing (bench/data/NOTE.md). */
export interface TextTrace {
  readonly agents: number
  readonly startContent: string
  readonly endContent: string
  readonly transactions: readonly TraceTransaction[]
}

/** Reads a trace of bench/data/text by its name, or of any path. */
export function readTrace(name: string): TextTrace {
  const file = name.includes('/') ? name : new URL(`data/text/${name}.json.gz`, import.meta.url)
  const raw = JSON.parse(gunzipSync(readFileSync(file)).toString()) as {
    readonly startContent?: string
    readonly endContent: string
    readonly numAgents?: number
    readonly txns: readonly {
      readonly patches: TraceTransaction['patches']
      readonly parents?: readonly number[]
      readonly agent?: number
    }[]
  }
  return {
    agents: raw.numAgents ?? 1,
    startContent: raw.startContent ?? '',
    endContent: raw.endContent,
    transactions: raw.txns.map(({ patches, parents, agent }, i) => ({
      patches,
      parents: parents ?? (i === 0 ? [] : [i - 1]),
      agent: agent ?? 0,
    })),
  }
}

/** A replica that a trace is replayed on. */
interface Replica {
  edit(patches: TraceTransaction['patches']): Uint8Array
  merge(updates: readonly Uint8Array[]): void
}

/**
 * Replays a trace on one replica for each agent: before a transaction its agent hears of those that the transaction is made on and it has
 * not heard of yet. In the end everybody has heard of everything.
 */
export function replayOn(replicas: readonly Replica[], { transactions }: TextTrace): void {
  const updates: Uint8Array[] = []
  const heard = replicas.map(() => new Set<number>())
  const hear = (agent: number, index: number) => {
    const known = heard[agent] as Set<number>
    const missing: number[] = []
    const open = [index]
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      if (known.has(one)) continue
      known.add(one)
      missing.push(one)
      open.push(...(transactions[one]?.parents ?? []))
    }
    if (missing.length === 0) return
    replicas[agent]?.merge(missing.sort((a, b) => a - b).map((one) => updates[one] as Uint8Array))
  }
  for (const [index, { agent, parents, patches }] of transactions.entries()) {
    for (const parent of parents) hear(agent, parent)
    updates.push(replicas[agent]?.edit(patches) as Uint8Array)
    heard[agent]?.add(index)
  }
  for (const agent of replicas.keys()) for (const index of endsOf(transactions)) hear(agent, index)
}

/** Transactions that no other is made on. */
function endsOf(transactions: readonly TraceTransaction[]): readonly number[] {
  const parents = new Set(transactions.flatMap(({ parents: named }) => named))
  return [...transactions.keys()].filter((index) => !parents.has(index))
}
