import { toHex } from '../../core/bytes.ts'
import { DASHBOARD_BATCH_MAX, DASHBOARD_RECENT_MAX, DASHBOARD_TICK_MS } from '../../core/limits.ts'
import { formatDid } from '../../core/principal.ts'
import type { HanseNode } from '../../node/node.ts'
import type { Admission } from '../../node/replica/admission-step.ts'
import { LOCAL } from '../../node/replica/admission-step.ts'
import type { Space } from '../../node/space/space.ts'
import { arrived, type ArrivedOperation, type Incident, type IncidentTerms, refusal } from './activity.ts'
import { type Overview, OverviewReader, roundTripsMs } from './overview.ts'
import { type Sample, Samples } from './samples.ts'

/** What a page is told. */
export type DashboardEvent =
  /** All of it: first of all, and again to a page that could not keep up. */
  | { readonly event: 'snapshot'; readonly data: Snapshot }
  | { readonly event: 'overview'; readonly data: Overview }
  /** The oldest first; `more` were left out. */
  | {
      readonly event: 'operations'
      readonly data: { readonly operations: readonly ArrivedOperation[]; readonly more: number }
    }
  | { readonly event: 'incidents'; readonly data: { readonly incidents: readonly Incident[] } }
  | { readonly event: 'sample'; readonly data: Sample }

/** All that a page begins with. */
export interface Snapshot {
  readonly overview: Overview
  /** The latest first. */
  readonly operations: readonly ArrivedOperation[]
  readonly incidents: readonly Incident[]
  readonly samples: readonly Sample[]
}

/** An operation that has come, to be described when somebody looks. */
interface Arrival {
  readonly space: Space
  readonly ordinal: number
  readonly source: string
  readonly atMs: number
}

/** Ticks between two samples, and between two overviews where nothing has happened: what they say of time gets old. */
const TICKS_PER_SAMPLE = 1000 / DASHBOARD_TICK_MS
const TICKS_PER_IDLE_OVERVIEW = 5 * TICKS_PER_SAMPLE

/**
 * Follows everything that happens on a node, for pages that show it. Invariants:
 * 1. costs a few numbers per operation where nobody looks: operations are described only for somebody;
 * 2. keeps at most DASHBOARD_RECENT_MAX operations and incidents and DASHBOARD_SAMPLES_MAX samples;
 * 3. every page is told the same, in the same order, at most once per DASHBOARD_TICK_MS and DASHBOARD_BATCH_MAX operations at a time.
 */
export class Monitor {
  readonly #node: HanseNode
  readonly #reader: OverviewReader
  readonly #samples = new Samples()
  readonly #followed = new WeakSet<Space>()
  readonly #revisions = new Map<string, number>()
  readonly #listeners = new Set<(event: DashboardEvent) => void>()
  readonly #recent: Arrival[] = []
  #incidents: Incident[] = []
  #newOperations = 0
  #newIncidents = 0
  #incidentCount = 0
  #hasChanged = true
  #ticks = 0

  /** Ends with `signal`. */
  constructor(node: HanseNode, version: string, signal: AbortSignal) {
    this.#node = node
    this.#reader = new OverviewReader(node, version)
    this.#followNewSpaces()
    node.addEventListener('connect', ({ detail: { space } }) => this.#touch(space))
    const timer = setInterval(() => this.#tick(), DASHBOARD_TICK_MS)
    timer.unref()
    signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  }

  /** Tells what happens from now on, after a snapshot. Returns how to stop. */
  follow(listener: (event: DashboardEvent) => void): () => void {
    listener({ event: 'snapshot', data: this.snapshot() })
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  overview(): Overview {
    this.#followNewSpaces()
    return this.#reader.read((id) => this.#revisions.get(id) ?? 0)
  }

  snapshot(): Snapshot {
    return {
      overview: this.overview(),
      operations: this.#latest(),
      incidents: this.#incidents.toReversed(),
      samples: this.#samples.all(),
    }
  }

  /** The incidents of one space, the latest first. */
  incidentsOf(space: string): readonly Incident[] {
    return this.#incidents.filter((incident) => incident.space === space).toReversed()
  }

  /** Before anything has come, what was here already. */
  #latest(): readonly ArrivedOperation[] {
    if (this.#recent.length > 0) return this.#recent.toReversed().map(describe)
    const stored = this.#node.spaces().flatMap((space) => {
      const count = space.hosted.store.count()
      const from = Math.max(0, count - DASHBOARD_BATCH_MAX)
      return Array.from({ length: count - from }, (_, i) => arrived(space, from + i, null, null))
    })
    return stored.toSorted((a, b) => b.time - a.time).slice(0, DASHBOARD_BATCH_MAX)
  }

  #followNewSpaces(): void {
    for (const space of this.#node.spaces()) {
      if (this.#followed.has(space)) continue
      this.#followed.add(space)
      this.#hasChanged = true
      this.#follow(space)
    }
  }

  #follow(space: Space): void {
    const { replica } = space.hosted
    replica.addEventListener('admitted', ({ detail }) => this.#onAdmitted(space, detail))
    replica.addEventListener('refused', ({ detail: { id, fault, peer } }) => {
      this.#samples.onRefused()
      this.#note(space, refusal(id, fault, peer))
    })
    replica.addEventListener('waiting', ({ detail: { operation, code, detail, peer } }) => {
      const author = formatDid(operation.header.author)
      this.#note(space, { kind: 'held', peer, operation: toHex(operation.id), author, code, detail })
    })
    replica.addEventListener('fork', ({ detail: { author, ids } }) => {
      const detail = 'one key has signed two operations that have not seen each other'
      const about = { peer: null, operation: toHex(ids[0]), author: formatDid(author), code: null, detail }
      this.#note(space, { kind: 'fork', ...about })
    })
    space.addEventListener('sync', () => this.#touch(space))
  }

  #onAdmitted(space: Space, { entries, source }: Admission): void {
    this.#touch(space)
    const atMs = this.#node.now()
    if (source === LOCAL) this.#samples.onWritten(entries.length)
    else for (const { time } of entries) this.#samples.onReceived(atMs - time)
    this.#newOperations += entries.length
    for (const { ordinal } of entries.slice(-DASHBOARD_RECENT_MAX)) {
      this.#recent.push({ space, ordinal, source, atMs })
    }
    if (this.#recent.length > DASHBOARD_RECENT_MAX)
      this.#recent.splice(0, this.#recent.length - DASHBOARD_RECENT_MAX)
  }

  #note(space: Space, terms: IncidentTerms): void {
    this.#touch(space)
    this.#incidentCount++
    this.#newIncidents++
    this.#incidents.push({ ...terms, number: this.#incidentCount, space: space.id, atMs: this.#node.now() })
    if (this.#incidents.length > DASHBOARD_RECENT_MAX)
      this.#incidents = this.#incidents.slice(-DASHBOARD_RECENT_MAX)
  }

  #touch({ id }: Space): void {
    this.#revisions.set(id, (this.#revisions.get(id) ?? 0) + 1)
    this.#hasChanged = true
  }

  #tick(): void {
    this.#ticks++
    this.#followNewSpaces()
    const isSecond = this.#ticks % TICKS_PER_SAMPLE === 0
    const sample = isSecond ? this.#samples.close(this.#node.now(), roundTripsMs(this.#node)) : null
    if (this.#listeners.size > 0) this.#tellNews(sample)
    this.#newOperations = 0
    this.#newIncidents = 0
  }

  #tellNews(sample: Sample | null): void {
    if (this.#newOperations > 0) {
      const shown = Math.min(this.#newOperations, DASHBOARD_BATCH_MAX, this.#recent.length)
      const operations = this.#recent.slice(this.#recent.length - shown).map(describe)
      this.#tell({ event: 'operations', data: { operations, more: this.#newOperations - shown } })
    }
    const incidents = this.#newIncidents === 0 ? [] : this.#incidents.slice(-this.#newIncidents)
    if (incidents.length > 0) this.#tell({ event: 'incidents', data: { incidents } })
    if (sample === null) return
    this.#tell({ event: 'sample', data: sample })
    if (!this.#hasChanged && this.#ticks % TICKS_PER_IDLE_OVERVIEW !== 0) return
    this.#hasChanged = false
    this.#tell({ event: 'overview', data: this.overview() })
  }

  #tell(event: DashboardEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

const describe = ({ space, ordinal, source, atMs }: Arrival): ArrivedOperation =>
  arrived(space, ordinal, source, atMs)
