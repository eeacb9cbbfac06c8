/** The only place where mallory may write. */
export const MALLORY_PATH = 'mallory'

/** What a node process is started with. */
export interface NodeSetup {
  readonly name: string
  /** Its place among the nodes that write, from 0; the one that joins late is after them. */
  readonly index: number
  /** Nodes that write. */
  readonly nodes: number
  readonly dataDirectory: string
  /** Multiaddrs of the introduction node: all it knows of the network. */
  readonly bootstrap: readonly string[]
  readonly history: string
  readonly expected: string
  /** Where to leave a log when it stops; null for none. */
  readonly logFile: string | null
}

/** What a node process measured. */
export interface NodeReport {
  readonly name: string
  readonly clockRoot: string
  readonly stateRoot: string
  readonly operations: number
  readonly refused: Readonly<Record<string, number>>
  readonly held: Readonly<Record<string, number>>
  /** `did:key` of every author whose fork it can prove. */
  readonly forkedAuthors: readonly string[]
  readonly matchesExpected: boolean
  /** Values outside mallory's path that nobody of the history wrote. */
  readonly foreignEffects: number
  readonly absentBodies: number
  /** Bytes of its sync links, both directions. */
  readonly linkBytes: number
  readonly peakRssMb: number
}

/** One node in the result. */
export interface NodeResult {
  readonly name: string
  readonly clockRoot: string
  readonly stateRoot: string
  readonly operations: number
  readonly forksDetected: number
  readonly peakRssMb: number
}

/** What the demo ends with, on the last line of standard output under `--json`. Every figure is measured. */
export interface DemoResult {
  /** All conditions together; decides the exit code. */
  readonly ok: boolean
  /** Every node ended with the same clock root and the same state root. */
  readonly converged: boolean
  /** On every node, the files outside `mallory/` are the recorded end state. */
  readonly matchesExpected: boolean
  /** Nodes that wrote, as given. */
  readonly nodes: number
  /** People of the history. */
  readonly authors: number
  readonly commits: number
  /** Admitted operations of all kinds. */
  readonly operations: number
  readonly clockRoot: string
  readonly stateRoot: string
  /** From the first commit to the moment when every node had them all. */
  readonly seconds: number
  /** Operations of that time, each admitted on every node, per second. */
  readonly operationsPerSecond: number
  /** The node that joined last, empty: from its invite to the proof that it is equal to a peer. */
  readonly coldSync: { readonly operations: number; readonly seconds: number; readonly bytes: number }
  /** Sums over the honest nodes. */
  readonly refused: Readonly<Record<string, number>>
  readonly held: Readonly<Record<string, number>>
  /** Honest nodes that hold the proof of mallory's fork. */
  readonly forksDetected: number
  readonly malloryEffectiveOutside: number
  /** Operations the killed node had acknowledged before, and did not have after. */
  readonly killedNodeLost: number
  /** Of the largest honest node. */
  readonly peakRssMb: number
  readonly perNode: readonly NodeResult[]
}

/** Codes that mallory must have been refused with, and one she must be held with. */
export const EXPECTED_REFUSALS = [
  'BAD_SIGNATURE',
  'CAP_MISSING',
  'CAP_POLICY',
  'LAMPORT',
  'FRAME_TOO_LARGE',
  'NON_CANONICAL',
] as const
export const EXPECTED_HOLD = 'FUTURE'

/** Adds up counts by code. */
export function sumCounts(
  counts: readonly Readonly<Record<string, number>>[],
): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {}
  for (const one of counts)
    for (const [code, count] of Object.entries(one)) sums[code] = (sums[code] ?? 0) + count
  return Object.fromEntries(Object.entries(sums).toSorted(([a], [b]) => a.localeCompare(b)))
}
