import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { utf8 } from '../../src/core/bytes.ts'
import { decodeCanonical, encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { sha256 } from '../../src/core/hash.ts'
import { composeSplices } from '../../src/core/types/text/delta.ts'
import type { TextEdit } from '../../src/core/types/text/edit.ts'
import { TextDocument } from '../../src/core/types/text/document.ts'
import { type Figures, seconds, type Subject, type Workload } from '../measure.ts'
import { readTrace, replayOn } from '../text-trace.ts'

interface PeerText {
  edit(patches: readonly (readonly [number, number, string])[]): Uint8Array
  merge(updates: readonly Uint8Array[]): void
  text(): string
  save(): Uint8Array
}
type Peers = Readonly<
  Record<string, (isShared: boolean) => { create(): PeerText; open(saved: Uint8Array): PeerText }>
>

/** A peer that keeps everything in memory, one replica for each author of the trace. */
function peer(name: string): Subject {
  return {
    name,
    without: 'sign, authorise or keep on disk',
    run: async ({ trace: given }): Promise<Figures> => {
      const trace = readTrace(String(given))
      // A package of its own, so its types are not known here.
      const file = new URL('../peers/text.ts', import.meta.url).href
      const { TEXT_PEERS } = (await import(file)) as { readonly TEXT_PEERS: Peers }
      const maker = TEXT_PEERS[name]?.(trace.agents > 1)
      if (maker === undefined) throw new Error(`no peer ${name}`)
      const replicas = Array.from({ length: trace.agents }, () => maker.create())
      if (trace.startContent !== '') replicas[0]?.edit([[0, 0, trace.startContent]])
      const applySeconds = await seconds(() => replayOn(replicas, trace))
      // Concurrent insertions beside concurrent deletions may end otherwise than recorded in some orders of characters: told, not hidden.
      const matches = replicas.every((replica) => replica.text() === trace.endContent) ? 1 : 0
      const saved = replicas[0]?.save() as Uint8Array
      let opened = ''
      const openSeconds = await seconds(() => {
        opened = maker.open(saved).text()
      })
      if (opened !== replicas[0]?.text()) throw new Error('the opened text is not the saved one')
      return { matches, applySeconds, openSeconds, storedBytes: saved.length }
    },
  }
}

/** What one replica of {@link core} tells the others of a transaction: its number, those it is made on, and its edits as a change has them. */
type Told = readonly [operation: number, parents: readonly number[], edits: readonly TextEdit[]]

/** A text of a node, without operations: as with the peers, each transaction is encoded for the others, and they decode it. */
class DocumentText {
  readonly #document = new TextDocument(idOf)
  /** By operation. */
  readonly #nodes: number[] = []
  readonly #next: () => number

  /** `next`: the number of the next operation of all replicas. */
  constructor(next: () => number) {
    this.#next = next
  }

  edit(patches: readonly (readonly [number, number, string])[]): Uint8Array {
    const delta = composeSplices(this.#document.length, patches)
    if (delta === null) throw new Error('a transaction goes beyond its text')
    const { heads } = this.#document
    const told: Told = [
      this.#next(),
      heads.map((node) => this.#document.operation(node)),
      this.#document.translate(delta, heads).edits,
    ]
    this.#take(told)
    return encodeCanonical(told)
  }

  merge(updates: readonly Uint8Array[]): void {
    for (const update of updates) {
      const told = decodeCanonical(update)
      if (!told.ok) throw new Error(told.fault.detail)
      this.#take(told.value as Told)
    }
  }

  text(): string {
    return this.#document.toString()
  }

  #take([operation, parents, edits]: Told): void {
    this.#nodes[operation] = this.#document.add({
      operation,
      parents: parents.map((parent) => this.#nodes[parent] as number).sort((a, b) => a - b),
      action: { kind: 'edit', edits },
      isMasked: false,
    })
  }
}

const idOf = (operation: number) => sha256(utf8(String(operation)))

/** The order of characters alone, as every node keeps it of an open text: replayed as the peers are, one replica for each author. */
const core: Subject = {
  name: 'Hanse, the document in memory',
  without: 'sign, authorise or keep on disk',
  run: async ({ trace: given }): Promise<Figures> => {
    const trace = readTrace(String(given))
    let operations = 0
    const replicas = Array.from({ length: trace.agents }, () => new DocumentText(() => operations++))
    if (trace.startContent !== '') throw new Error('a trace that begins with a text is not for this subject')
    let slowestMs = 0
    const timed = replicas.map((replica) => ({
      merge: (updates: readonly Uint8Array[]) => replica.merge(updates),
      edit: (patches: Parameters<DocumentText['edit']>[0]) => {
        const beganMs = performance.now()
        const update = replica.edit(patches)
        slowestMs = Math.max(slowestMs, performance.now() - beganMs)
        return update
      },
    }))
    const applySeconds = await seconds(() => replayOn(timed, trace))
    const matches = replicas.every((replica) => replica.text() === trace.endContent) ? 1 : 0
    return { matches, applySeconds, applyMsMean: (1000 * applySeconds) / operations, slowestMs }
  },
}

/** Through real operations: signed, authorised, each on disk before the next. */
function signed(name: string, ...flags: readonly string[]): Subject {
  return {
    name,
    without: '',
    run: async ({ trace: given }): Promise<Figures> => {
      const script = fileURLToPath(new URL('../../scripts/replay-text.ts', import.meta.url))
      const file = fileURLToPath(new URL(`../data/text/${String(given)}.json.gz`, import.meta.url))
      const run = promisify(execFile)
      const { stdout } = await run(process.execPath, [script, file, '--json', ...flags])
      const {
        matches,
        seconds: applySeconds,
        openSeconds,
        bytes,
        operations,
      } = JSON.parse(stdout) as Replayed
      const applyMsMean = (1000 * applySeconds) / operations
      return {
        matches: matches ? 1 : 0,
        applySeconds,
        openSeconds,
        storedBytes: bytes,
        operations,
        applyMsMean,
      }
    },
  }
}

interface Replayed {
  readonly matches: boolean
  readonly seconds: number
  readonly openSeconds: number
  readonly bytes: number
  readonly operations: number
}

const COMPARED = { applySeconds: 'less', openSeconds: 'less', storedBytes: 'less' } as const

/** One workload for each trace. */
export const TEXT_WORKLOADS: readonly Workload[] = [
  'sveltecomponent.sequential',
  'rustcode.sequential',
  'friendsforever.concurrent',
].map((trace) => ({
  name: `text-${trace.split('.')[0] ?? trace}`,
  question: `How long does it take to replay ${trace}, to open the text again, and how many bytes is it?`,
  sizes: { trace },
  quick: { trace },
  subjects: [
    core,
    signed('Hanse, signed and on disk, what is typed without a pause in one operation'),
    signed('Hanse, signed and on disk, each transaction an operation', '--each'),
    peer('Yjs'),
    peer('Loro'),
    peer('Automerge'),
  ],
  compared: COMPARED,
}))
