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
export type { Blame, Contribution, TextRange } from './node/history/blame.ts'
export type { Conflict, Contender, Loser } from './node/history/conflict.ts'
export type { WinningRule } from './node/history/conflict-rule.ts'
export type {
  ConflictChoice,
  ConflictOptions,
  ConflictPage,
  SpaceConflicts,
} from './node/history/conflicts.ts'
export type { EditDescription } from './node/history/describe-edit.ts'
export type { Difference, Writer } from './node/history/diff-rows.ts'
export type { StateOptions } from './node/history/item-state.ts'
export type { LineHunk } from './node/history/line-diff.ts'
export type { LoggedOperation, LogOptions } from './node/history/logged-operations.ts'
export type { SpaceHistory } from './node/history/space-history.ts'
export type { HistoryOptions, HistoryPage, Version } from './node/history/versions.ts'
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
export type { Kind, KindList } from './node/query/kinds.ts'
export type { IndexProgress, SqlParameters, SqlValue } from './node/query/query-message.ts'
export type {
  SearchHit,
  SearchOptions,
  SpaceQueries,
  SqlOptions,
  SqlResult,
} from './node/query/space-queries.ts'
export { Space } from './node/space/space.ts'
export type { PutOptions } from './node/space/put-options.ts'
export type { BlamedRange, SpaceText, TextEvent } from './node/space/space-text.ts'
export type { TextDelta, TextDeltaPart, TextSplice } from './core/types/text/delta.ts'
export type { AddTableOptions, SpaceTables, TableAdded, WatchOptions } from './node/tables/space-tables.ts'
export type { TableReport, TableStatus } from './node/tables/table-report.ts'
