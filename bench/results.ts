import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Compared, JudgedTarget } from './compare.ts'
import type { Sizes, SubjectSummary } from './measure.ts'

/** What one workload gave, as `--json` prints it. */
export interface WorkloadResult {
  readonly workload: string
  readonly question: string
  readonly sizes: Sizes
  readonly rounds: number
  readonly hanse: Readonly<Record<string, SubjectSummary>>
  readonly peers: Readonly<Record<string, SubjectSummary>>
  readonly floors: Readonly<Record<string, SubjectSummary>>
  readonly ratioToBestPeer: Readonly<Record<string, number>>
  /** The same with the names of those compared. */
  readonly compared: readonly Compared[]
  /** The same with each floor in the place of the best peer; absent in results that are older. */
  readonly comparedWithFloors?: readonly Compared[]
  readonly targets: readonly JudgedTarget[]
}

/** Where and when it was measured. */
export interface Circumstances {
  /** Such as `2 cores, AMD EPYC`. */
  readonly machine: string
  readonly node: string
  /** Abbreviated; ends with `+` where the working tree had changes. */
  readonly commit: string
  /** Of the end of the run: 2026-11-21. */
  readonly date: string
  /** Part of the time in which the machine wanted a core and its host gave it to others, 0 to 1; null where unknown, absent in results that are older. */
  readonly stolen?: number | null
}

/** One file of bench/results. */
export type KeptResult = WorkloadResult & Circumstances

/** Kept results, one file for each workload, so that a full run may be made in pieces; beside them what people have to say, in notes/WORKLOAD.md. */
export const RESULTS_FOLDER = fileURLToPath(new URL('results', import.meta.url))

/** Writes a result in place of the one before. */
export function keepResult(result: KeptResult, folder: string = RESULTS_FOLDER): void {
  mkdirSync(folder, { recursive: true })
  // Six digits say more than a run can know.
  const rounded = (_: string, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value
  writeFileSync(join(folder, `${result.workload}.json`), `${JSON.stringify(result, rounded, 1)}\n`)
}

/** Every kept result, by name of workload. */
export function readResults(folder: string = RESULTS_FOLDER): ReadonlyMap<string, KeptResult> {
  return new Map(
    filesOf(folder, '.json').map((name) => [
      name,
      JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as KeptResult,
    ]),
  )
}

/** What was written by hand about workloads, by their names. */
export function readNotes(folder: string = join(RESULTS_FOLDER, 'notes')): ReadonlyMap<string, string> {
  return new Map(
    filesOf(folder, '.md').map((name) => [name, readFileSync(join(folder, `${name}.md`), 'utf8').trim()]),
  )
}

function filesOf(folder: string, ending: string): readonly string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length))
    .toSorted()
}
