import { toHex } from '../../core/bytes.ts'
import {
  BATCH_OPERATIONS_MAX,
  OPERATION_LINE_BYTES_MAX,
  SNAPSHOT_RECORD_BYTES_TARGET,
} from '../../core/limits.ts'
import { parseOperationLine } from '../../core/operation/operation-line.ts'
import {
  decodeOperation,
  encodeOperation,
  ENVELOPE_BYTES_MAX,
  type Operation,
} from '../../core/operation/operation.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import type { Fault } from '../../core/result.ts'
import { WaitingSpool } from '../../storage/sqlite/waiting-spool.ts'
import type { Outcome } from '../replica/admission-step.ts'
import { FILE_SOURCE } from '../replica/file-source.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import type { TextLine } from './text-lines.ts'

/**
 * What became of a line:
 * - `admitted`: new here;
 * - `completed`: the operation was here without its body, which it has now;
 * - `duplicate`: it was here;
 * - `waiting`: it is sound, and what it builds on is neither here nor in the file, or its time has not come;
 * - `refused`: by a check of the pipeline, or because the line is none; with code `NOT_LOOKED_AT` not for what it is, but because too much of
 *   the same sender was forged: it may be sent again later.
 */
export type LineOutcome = 'admitted' | 'completed' | 'duplicate' | 'waiting' | 'refused'

/** What became of one line of a file. */
export interface LineReport {
  /** From 1. */
  readonly line: number
  /** Of the operation, hexadecimal; null where the line holds none. */
  readonly id: string | null
  readonly outcome: LineOutcome
  /** Why it waits or is refused. */
  readonly code?: string
  readonly detail?: string
  /** Ids, hexadecimal, of the operations that it waits for and that are not here. */
  readonly missing?: readonly string[]
}

/** How many lines came to what. */
export type LineCounts = Readonly<Record<LineOutcome, number>>

export interface ImportOperationsOptions {
  /** Told what became of each line: once for each, in the order in which it is known. May make the import wait. */
  readonly onReport?: (report: LineReport) => void | Promise<void>
  readonly signal?: AbortSignal
  /** Who hands them over, whose budget of forged signatures they are held to. Default: a file of the owner's, which has none. */
  readonly source?: string
}

/**
 * Takes operations from lines into a space, through the whole pipeline and in batches as from a peer; signatures are checked off this thread.
 * The order of the lines does not matter: what comes before what it builds on is put aside in a temporary file, and taken up again at
 * the end by lamport, which is greater than that of anything it builds on. One bad line never stops the rest. In memory are a
 * batch and the longest line.
 */
export async function importOperations(
  hosted: HostedSpace,
  lines: AsyncIterable<TextLine>,
  options: ImportOperationsOptions = {},
): Promise<LineCounts> {
  const spool = new WaitingSpool()
  try {
    return await new Import(hosted, spool, options).run(lines)
  } finally {
    spool.close()
  }
}

/** An operation of a file, with its line. */
interface Candidate {
  readonly line: number
  readonly operation: Operation
}

class Import {
  readonly #hosted: HostedSpace
  readonly #spool: WaitingSpool
  readonly #options: ImportOperationsOptions
  readonly #counts = { admitted: 0, completed: 0, duplicate: 0, waiting: 0, refused: 0 }

  constructor(hosted: HostedSpace, spool: WaitingSpool, options: ImportOperationsOptions) {
    this.#hosted = hosted
    this.#spool = spool
    this.#options = options
  }

  async run(lines: AsyncIterable<TextLine>): Promise<LineCounts> {
    let batch: Candidate[] = []
    let characters = 0
    for await (const { number, text } of lines) {
      const parsed = text.ok ? parseOperationLine(text.value) : text
      if (!parsed.ok) {
        await this.#report(refusedLine(number, null, parsed.fault))
        continue
      }
      batch.push({ line: number, operation: parsed.value })
      characters += text.ok ? text.value.length : 0
      if (batch.length < BATCH_OPERATIONS_MAX && characters < BATCH_CHARACTERS) continue
      await this.#take(batch)
      batch = []
      characters = 0
    }
    if (batch.length > 0) await this.#take(batch)
    await this.#takeSpooled()
    return this.#counts
  }

  async #take(batch: readonly Candidate[]): Promise<void> {
    for (const [i, { outcome, wasBodyless }] of (await this.#receive(batch)).entries()) {
      const candidate = batch[i] as Candidate
      if (outcome.kind !== 'waiting') await this.#settle(candidate, outcome, wasBodyless)
      else {
        const { line, operation } = candidate
        this.#spool.add({ rank: operation.header.lamport, place: line, bytes: encodeOperation(operation) })
      }
    }
  }

  /** What waited, once more, by lamport. */
  async #takeSpooled(): Promise<void> {
    for (let last = null as { rank: number; place: number } | null; ; ) {
      const page = this.#spool.after(last, SPOOL_PAGE)
      const end = page.at(-1)
      if (end === undefined) return
      const batch = page.map(({ place, bytes }) => {
        const operation = decodeOperation(new Uint8Array(bytes))
        if (!operation.ok) throw new Error('bug: what was put aside does not decode')
        return { line: place, operation: operation.value }
      })
      for (const [i, { outcome }] of (await this.#receive(batch)).entries()) {
        // It was held, and has gone in with what it waited for.
        const now = outcome.kind === 'duplicate' ? ADMITTED : outcome
        await this.#settle(batch[i] as Candidate, now, false)
      }
      last = { rank: end.rank, place: end.place }
    }
  }

  async #receive(
    batch: readonly Candidate[],
  ): Promise<readonly { readonly outcome: Outcome; readonly wasBodyless: boolean }[]> {
    this.#options.signal?.throwIfAborted()
    const { store, replica } = this.#hosted
    const operations = batch.map(({ operation }) => operation)
    const bodyless = bodylessAmong(operations, store)
    const outcomes = await replica.receive(operations, this.#options.source ?? FILE_SOURCE)
    return outcomes.map((outcome, i) => ({ outcome, wasBodyless: bodyless.has(i) }))
  }

  async #settle(
    { line, operation }: Candidate,
    outcome: Outcome | typeof ADMITTED,
    wasBodyless: boolean,
  ): Promise<void> {
    const id = toHex(operation.id)
    switch (outcome.kind) {
      case 'admitted':
        return await this.#report({ line, id, outcome: 'admitted' })
      case 'duplicate':
        return await this.#report({ line, id, outcome: wasBodyless ? 'completed' : 'duplicate' })
      case 'waiting': {
        const missing = this.#missing(operation)
        const { code, detail } = outcome.fault
        const rest = missing.length === 0 ? {} : { missing }
        return await this.#report({ line, id, outcome: 'waiting', code, detail, ...rest })
      }
      case 'refused':
        return await this.#report(refusedLine(line, id, outcome.fault))
      case 'unchecked':
        return await this.#report(refusedLine(line, id, NOT_LOOKED_AT))
    }
  }

  #missing({ header }: Operation): readonly string[] {
    const parents = header.prev === null ? header.deps : [header.prev, ...header.deps]
    return parents.filter((id) => this.#hosted.store.find(id) === undefined).map(toHex)
  }

  async #report(report: LineReport): Promise<void> {
    this.#counts[report.outcome]++
    await this.#options.onReport?.(report)
  }
}

/** Characters of lines at which a batch is closed; one line more may follow. */
const BATCH_CHARACTERS = SNAPSHOT_RECORD_BYTES_TARGET
/** Operations taken out of the spool at a time: as many as may be of the largest in the memory of four lines. */
const SPOOL_PAGE = Math.floor((4 * OPERATION_LINE_BYTES_MAX) / ENVELOPE_BYTES_MAX)

/** Places of the operations that have their body here and lack it in the store. */
export function bodylessAmong(operations: readonly Operation[], store: SpaceStore): ReadonlySet<number> {
  const places = new Set<number>()
  if (store.absentBodyCount() === 0) return places
  for (const [i, { id, body }] of operations.entries()) {
    const entry = body === null ? undefined : store.find(id)
    if (entry !== undefined && store.operation(entry.ordinal).body === null) places.add(i)
  }
  return places
}

/** For what came after too many forged signatures of the same sender. */
const NOT_LOOKED_AT = {
  code: 'NOT_LOOKED_AT',
  detail: 'too many signatures from the same sender were forged: send it again in some minutes',
} as const

const ADMITTED = { kind: 'admitted' } as const

function refusedLine(line: number, id: string | null, { code, detail }: Fault): LineReport {
  return { line, id, outcome: 'refused', code, detail }
}
