import type { PeerId } from '@libp2p/interface'
import type { SyncSpace } from '../../../protocols/sync/index.ts'
import type { Operation } from '../../core/operation/operation.ts'
import type { Fault } from '../../core/result.ts'
import type { Signer } from '../../core/signature.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import { readingOf } from './sync-reading.ts'

/** What a space in the sync protocol needs of the node around it. */
export interface SyncSpaceHost {
  /** Whose read capability is shown to peers. */
  readonly reader: () => Signer
  readonly now: () => number
  /** A place of a batch was no operation: counted, and held against the peer. */
  readonly onFault: (peer: PeerId, fault: Fault) => void
  /** An operation was refused, and is counted already: held against the peer. */
  readonly onRefused: (peer: PeerId, fault: Fault) => void
}

/** A hosted space as the sync protocol sees it. */
export function createSyncSpace(hosted: HostedSpace, host: SyncSpaceHost): SyncSpace {
  const lacksBody = ({ id }: Operation) => {
    const entry = hosted.store.find(id)
    return entry !== undefined && hosted.store.operation(entry.ordinal).body === null
  }
  return {
    spaceId: hosted.id,
    spaceKey: hosted.spaceKey,
    topic: hosted.topic,
    ...readingOf(hosted, host.reader, host.now),
    admit: async (operations, faults, peer) => {
      for (const fault of faults) host.onFault(peer, fault)
      // Not the difference of two counts: another batch may be under way.
      const absent = hosted.store.absentBodyCount() === 0 ? [] : operations.filter(lacksBody)
      const outcomes = await hosted.replica.receive(operations, peer.toString())
      const bodiesGained = absent.filter((operation) => !lacksBody(operation)).length
      for (const outcome of outcomes) if (outcome.kind === 'refused') host.onRefused(peer, outcome.fault)
      return bodiesGained + outcomes.filter(({ kind }) => kind === 'admitted').length
    },
  }
}

/** A scope that time alone has changed is found by what is admitted this long after it was last looked at, in ms. */
const LOOK_AGAIN_MS = 1_000

/** Calls back when this node may read something else than before: links that are open show the old proof. */
export function onOwnScope(
  hosted: HostedSpace,
  sync: SyncSpace,
  now: () => number,
  onChange: () => void,
): void {
  let scope = sync.ownScope()
  let tokens = hosted.tokens.size
  let lookedMs = now()
  const look = () => {
    const before = scope
    scope = sync.ownScope()
    tokens = hosted.tokens.size
    lookedMs = now()
    if (scope !== before) onChange()
  }
  // Told of whatever is published about reading, and of another key.
  hosted.reading.rules.watch(look)
  hosted.replica.addEventListener('admitted', () => {
    if (hosted.tokens.size !== tokens || Math.abs(now() - lookedMs) >= LOOK_AGAIN_MS) look()
  })
}
