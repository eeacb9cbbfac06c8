import { parseClockText } from '../../core/clock-text.ts'
import { formatJson } from '../../core/json.ts'
import { REMOTE_RUN_MS_MAX } from '../../core/limits.ts'
import { parsePath } from '../../core/path.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import { faultOf } from '../fault-of.ts'
import type { Delta, ItemName } from '../history/delta.ts'
import type { HanseNode } from '../node.ts'
import type { Admission } from '../replica/admission-step.ts'
import type { Space } from '../space/space.ts'
import { compareClocks } from './compare-clocks.ts'
import { pullFromFiles, pushToFolder } from './files-remote.ts'
import { HttpClient } from './http-client.ts'
import { askVersion, pullFromNode, pushToNode, type RemoteVersion, tagOf } from './node-remote.ts'
import { syncWithPeer } from './peer-remote.ts'
import type { RemoteRecord, RemoteRun } from './remote-record.ts'
import { parseRemoteUrl } from './remote-url.ts'
import type { HttpRunContext, RunContext } from './run-context.ts'
import {
  type OnRunProgress,
  type RunDirection,
  type RunReport,
  RunTally,
  watchingConflicts,
} from './run-report.ts'

/** How a run is to be done. */
export interface RunOptions {
  readonly direction: RunDirection
  readonly trigger: RemoteRun['trigger']
  /** In place of the remote's own path. */
  readonly path?: string | undefined
  /** True: everything is asked for and sent again, e.g. bodies that an earlier run left out by path. */
  readonly isAll?: boolean
  readonly onProgress?: OnRunProgress
  readonly signal?: AbortSignal
}

/** Operations beyond which scheduled runs are not counted by item: that walks over the log. */
const COUNTED_OPERATIONS_MAX = 100_000

/**
 * Pulls from a remote, pushes to it, or both, and remembers what came of it. Nothing here is overwritten unmerged: what comes is merged like
 * what any peer sends, and what has met is told as conflicts. One that failed has its reason in `error`, and keeps what it had done. Rejects
 * only where the caller gave up.
 */
export async function runRemote(
  node: HanseNode,
  record: RemoteRecord,
  options: RunOptions,
): Promise<RunReport> {
  const space = node.space(record.spaceId)
  return await node.remotes.exclusively(record, async () => await run(node, space, record, options))
}

/** A client for a remote over HTTP; close it. */
export function clientOf(node: HanseNode, record: RemoteRecord): HttpClient {
  const { caFile } = record
  return new HttpClient({ token: node.remotes.tokenOf(record), ...(caFile === null ? {} : { caFile }) })
}

async function run(
  node: HanseNode,
  space: Space,
  record: RemoteRecord,
  { direction, trigger, path = record.path, isAll = false, onProgress, signal: given }: RunOptions,
): Promise<RunReport> {
  orThrow(parsePath(path))
  const tally = new RunTally()
  const bound = AbortSignal.timeout(REMOTE_RUN_MS_MAX)
  const signal = given === undefined ? bound : AbortSignal.any([given, bound])
  const isThorough = trigger === 'demand'
  const context: RunContext = {
    node,
    space,
    path,
    tally,
    onProgress: onProgress ?? (() => {}),
    signal,
    isThorough,
    isAll,
  }
  const before = formatJson(space.exchange.clock())
  const atMs = node.now()
  let error: unknown = null
  const late = new LateContent(space)
  try {
    await watchingConflicts(space, tally, async () => await reach(context, record, direction))
  } catch (thrown) {
    given?.throwIfAborted()
    error = thrown
  }
  late.close()
  publishRights(node, space)
  if (tally.gained > 0 && (isThorough || space.hosted.store.count() <= COUNTED_OPERATIONS_MAX))
    tally.items('here', late.addedTo(await space.history.since(orThrow(parseClockText(before)), path)))
  const fault = error === null ? null : faultOf(error)
  if (fault?.code === 'BUG') node.log(`a bug of ours, in a run with ${record.name}: ${String(error)}`)
  const report = tally.report(record, direction, fault)
  remember(node, record, report, atMs, trigger)
  return report
}

/** Items whose content has come for operations that were here without it: a clock does not tell of those. */
class LateContent {
  readonly #space: Space
  readonly #items = new Map<string, ItemName>()
  readonly #onChange = ({ detail: { entries, touched } }: CustomEvent<Admission>) => {
    if (entries.length > 0) return
    for (const { path, type } of touched) this.#items.set(JSON.stringify([path, type]), { path, type })
  }

  constructor(space: Space) {
    this.#space = space
    space.addEventListener('change', this.#onChange)
  }

  close(): void {
    this.#space.removeEventListener('change', this.#onChange)
  }

  addedTo(delta: Delta): Delta {
    for (const { path, type } of [...delta.added, ...delta.updated, ...delta.deleted])
      this.#items.delete(JSON.stringify([path, type]))
    return { ...delta, added: [...delta.added, ...this.#items.values()] }
  }
}

async function reach(context: RunContext, record: RemoteRecord, direction: RunDirection): Promise<void> {
  const { node, tally, signal } = context
  const address = orThrow(parseRemoteUrl(record.url))
  if (address.form === 'peer') {
    tally.kind = 'peer'
    if (direction !== 'sync') tally.say('a peer is always synced with both ways')
    await syncWithPeer(context, address.peer)
    return
  }
  if (address.form === 'file') {
    tally.kind = 'files'
    await withFiles(context, record, direction, { form: 'file', place: address.folder })
    return
  }
  const client = clientOf(node, record)
  try {
    const http = { ...context, client, base: address.url }
    const isFiles = record.url.match(/\.(jsonl|jsonl\.zst|snapshot|hanse)$/) !== null
    const version = isFiles ? null : await askVersion(client, address.url, record.spaceId, signal)
    if (version === null) {
      tally.kind = 'files'
      await withFiles(context, record, direction, { form: 'http', client, place: address.url })
    } else {
      node.remotes.note(record, { kind: 'node', latencyMs: version.latencyMs, seenMs: node.now() }, true)
      await withNode(http, direction, version)
    }
  } finally {
    tally.bytesSent = Math.max(tally.bytesSent, client.bytesSent)
    tally.bytesReceived = Math.max(tally.bytesReceived, client.bytesReceived)
    client.close()
  }
}

async function withNode(
  context: HttpRunContext,
  direction: RunDirection,
  first: RemoteVersion,
): Promise<void> {
  const { client, base, space, signal, tally, path } = context
  if (direction !== 'push') await pullFromNode(context, first)
  if (direction !== 'pull') {
    const { behind } = await compareClocks(space.hosted.store, first.clock)
    if (direction === 'push' && behind > 0)
      tally.say(
        `this node is behind: the remote has ${behind} more; nothing of it is overwritten, pull to see it`,
      )
    const isFullyKnown = behind === 0
    await pushToNode(context, first)
    if (tally.sent > 0 && isFullyKnown && context.isThorough)
      tally.items('there', await space.history.since(first.clock, path))
  }
  const isEven = first.tag !== null && first.tag === tagOf(space.hosted)
  const last = isEven ? first : await askVersion(client, base, space.id, signal)
  if (last === null) return
  const { ahead, behind } = await compareClocks(space.hosted.store, last.clock)
  tally.ahead = ahead
  tally.behind = behind
}

async function withFiles(
  context: RunContext,
  record: RemoteRecord,
  direction: RunDirection,
  at: Parameters<typeof pullFromFiles>[1],
): Promise<void> {
  const { node, tally } = context
  if (direction !== 'push') {
    const { tag } = node.remotes.state(record)
    const next = await pullFromFiles(context, at, tag)
    node.remotes.note(record, { tag: next }, true)
  }
  if (direction === 'pull') return
  if (at.form === 'file') return await pushToFolder(context, at.place)
  if (direction === 'sync') return tally.say('files on a web server are only pulled from')
  throw new FaultError({
    code: 'NOT_ALLOWED',
    detail: 'files on a web server are only pulled from: push to a folder (file:///...) and put it there',
  })
}

/** Whoever has joined and has the genesis now publishes what they joined with, as after a first sync. */
function publishRights(node: HanseNode, space: Space): void {
  try {
    space.publishPendingTokens()
  } catch (error) {
    if (!(error instanceof FaultError)) throw error
    node.log(`the rights of this node in ${space.name} are not published yet: ${error.message}`)
  }
}

function remember(
  node: HanseNode,
  record: RemoteRecord,
  report: RunReport,
  atMs: number,
  trigger: RemoteRun['trigger'],
): void {
  const { added, updated, deleted, gained, sent, bytesSent, bytesReceived, durationMs, error, kind } = report
  const refused = Object.values(report.refused).reduce((sum, count) => sum + count, 0)
  const { direction } = report
  const conflicts = report.conflicts.length
  const counts = {
    added,
    updated,
    deleted,
    gained,
    sent,
    refused,
    conflicts,
    bytesSent,
    bytesReceived,
    durationMs,
  }
  const ended =
    error === null ? { kind, syncedMs: atMs, seenMs: atMs, error: null } : { error: { ...error, atMs } }
  const isQuiet =
    trigger === 'schedule' &&
    gained === 0 &&
    sent === 0 &&
    node.remotes.state(record).error?.code === error?.code
  node.remotes.note(record, ended, isQuiet)
  node.remotes.addRun(record, { atMs, direction, trigger, ...counts, code: error?.code ?? null })
}
