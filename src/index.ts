export { type ClockOrder, compareClocks, mergeClocks } from './core/clock-order.ts'
export { type KnownLog, parseClockText, toClockJson } from './core/clock-text.ts'
export { decodeProof } from './core/state/proof-codec.ts'
export { checkProof, type Shown } from './core/state/proof.ts'
export { importOperationsFile, importSnapshotFile } from './node/exchange/import-file.ts'
export type { LineCounts, LineReport } from './node/exchange/import-operations.ts'
export type { SnapshotImport, SnapshotProgress } from './node/exchange/import-snapshot.ts'
export type { ExportedFile, SpaceExchange } from './node/exchange/space-exchange.ts'
export { FaultError } from './node/fault-error.ts'
export { createNode, HanseNode } from './node/node.ts'
export type { CreateSpaceOptions, NodeOptions } from './node/node-options.ts'
export type { ChangesOptions } from './node/feed/change-feed.ts'
export type { ChangeCause, ChangeRecord, FieldChange } from './node/feed/change-record.ts'
export type { ContainOptions, GrantOptions, InviteOptions, RevokeOptions } from './node/space/authority.ts'
export type { ContainmentReport, RevocationReport } from './node/space/revocation-report.ts'
export type { DelegationStatus } from './node/space/delegation-status.ts'
export type { Explanation } from './node/space/explain.ts'
export type { ClaimValue, EdgeValue, Item, LogValue } from './node/space/item.ts'
export type { LogEntry } from './node/space/log.ts'
export { prove, type ProveOptions, type StateProof } from './node/space/prove.ts'
export type { AskedPeer, FetchProgress } from './node/blobs/fetch-blob.ts'
export type {
  BlobEvents,
  BlobFetchOptions,
  BlobInfo,
  BlobPutOptions,
  BlobStatus,
  SpaceBlobs,
  WantInfo,
} from './node/blobs/space-blobs.ts'
export { Space } from './node/space/space.ts'
export type { PutOptions } from './node/space/put-options.ts'
export type { BlamedRange, SpaceText, TextEvent } from './node/space/space-text.ts'
export type { TextDelta, TextDeltaPart, TextSplice } from './core/types/text/delta.ts'
