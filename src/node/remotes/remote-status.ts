import { CONFLICTS_PAGE_MAX } from '../../core/limits.ts'
import type { Fault } from '../../core/result.ts'
import { orThrow } from '../fault-error.ts'
import { faultOf } from '../fault-of.ts'
import type { Delta } from '../history/delta.ts'
import type { HanseNode } from '../node.ts'
import { compareClocks } from './compare-clocks.ts'
import type { NodeKind } from './node-registry.ts'
import { askVersion } from './node-remote.ts'
import {
  modeOf,
  type RemoteKind,
  type RemoteRecord,
  type RemoteSchedule,
  type RemoteState,
} from './remote-record.ts'
import { parseRemoteUrl } from './remote-url.ts'
import { clientOf } from './run-remote.ts'

/** A remote as it is shown; its token never is. */
export interface RemoteDescription {
  readonly name: string
  /** Hexadecimal. */
  readonly space: string
  readonly url: string
  readonly path: string
  readonly kind: RemoteKind | null
  readonly hasToken: boolean
  readonly caFile: string | null
  readonly mode: ReturnType<typeof modeOf>
  readonly schedule: RemoteSchedule
  /** What this node makes itself known as there; null: it does not. */
  readonly registerAs: NodeKind | null
  /** When it last did, ms since 1970, while this process runs; what kept it from it since. */
  readonly registeredMs: number | null
  readonly registerError: Fault | null
  readonly addedMs: number
}

/** Where this node stands with a remote. */
export interface RemoteStanding extends RemoteDescription {
  readonly state: 'not-synced' | 'syncing' | 'synced' | 'conflict' | 'failed'
  /** Operations that are here alone, and there alone; null where the remote was not asked or does not say. */
  readonly localOnly: number | null
  readonly behind: number | null
  /** Items that differ by what is here alone; null as above. */
  readonly localItems: Delta | null
  /** Operations here that wait for others. */
  readonly pending: number
  /** Open conflicts in the space, at most CONFLICTS_PAGE_MAX are counted. */
  readonly conflicts: number
  readonly syncedMs: number | null
  readonly error: RemoteState['error']
  readonly latencyMs: number | null
  readonly seenMs: number | null
}

export function describeRemote(node: HanseNode, record: RemoteRecord): RemoteDescription {
  const { name, spaceId, url, path, caFile, schedule, addedMs, registerAs = null } = record
  const { registeredMs, registerError } = node.remotes.state(record)
  const hasToken = node.remotes.tokenOf(record) !== undefined
  const mode = modeOf(schedule)
  return {
    name,
    space: spaceId,
    url,
    path,
    kind: kindOf(node, record),
    hasToken,
    caFile,
    mode,
    schedule,
    registerAs,
    registeredMs,
    registerError,
    addedMs,
  }
}

function kindOf(node: HanseNode, record: RemoteRecord): RemoteKind | null {
  const address = parseRemoteUrl(record.url)
  if (address.ok && address.value.form === 'peer') return 'peer'
  if (address.ok && address.value.form === 'file') return 'files'
  return node.remotes.state(record).kind
}

/** Asks a node at the other end for its clock and compares. `isOffline`: tells only what is known here. */
export async function standingOf(
  node: HanseNode,
  record: RemoteRecord,
  { signal, isOffline = false }: { readonly signal: AbortSignal; readonly isOffline?: boolean },
): Promise<RemoteStanding> {
  const space = node.space(record.spaceId)
  const compared = isOffline ? null : await compareWith(node, record, signal)
  const { syncedMs, error, latencyMs, seenMs } = node.remotes.state(record)
  const conflicts = space.conflicts.list('', { limit: CONFLICTS_PAGE_MAX }).conflicts.length
  const pending = space.hosted.replica.held.size
  const found = compared ?? { ahead: null, behind: null, items: null }
  const isEven = found.ahead === 0 && found.behind === 0
  const state = node.remotes.isRunning(record)
    ? 'syncing'
    : error !== null
      ? 'failed'
      : syncedMs === null
        ? 'not-synced'
        : conflicts > 0
          ? 'conflict'
          : isEven || compared === null
            ? 'synced'
            : 'not-synced'
  return {
    ...describeRemote(node, record),
    state,
    localOnly: found.ahead,
    behind: found.behind,
    localItems: found.items,
    pending,
    conflicts,
    syncedMs,
    error,
    latencyMs,
    seenMs,
  }
}

/** Null where the remote is not of a kind that says what it has, or was not reached. */
async function compareWith(node: HanseNode, record: RemoteRecord, signal: AbortSignal) {
  const address = orThrow(parseRemoteUrl(record.url))
  if (address.form !== 'http') return null
  const space = node.space(record.spaceId)
  const client = clientOf(node, record)
  try {
    const version = await askVersion(client, address.url, record.spaceId, signal)
    if (version === null) return null
    const { latencyMs, clock } = version
    node.remotes.note(record, { kind: 'node', latencyMs, seenMs: node.now() }, true)
    const difference = await compareClocks(space.hosted.store, clock)
    const items = difference.ahead > 0 ? await space.history.since(clock, record.path) : NO_ITEMS
    return { ...difference, items }
  } catch (error) {
    signal.throwIfAborted()
    node.remotes.note(record, { error: { ...faultOf(error), atMs: node.now() } }, true)
    return null
  } finally {
    client.close()
  }
}

const NO_ITEMS: Delta = { added: [], updated: [], deleted: [] }
