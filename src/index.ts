export type { AcceptedReceipt, LinkTraffic } from '../protocols/sync/index.ts'
export type { ElementRef } from './core/changes/change.ts'
export type { TrustProfile } from './core/changes/control.ts'
export { type ClockOrder, compareClocks, mergeClocks } from './core/clock-order.ts'
export { type HeadJson, type KnownLog, parseClockText, toClockJson } from './core/clock-text.ts'
export type { ClockEntry, Head } from './core/clock.ts'
export type { Entry, ForkProof } from './core/graph.ts'
export type { Header } from './core/operation/header.ts'
export type { Body, Operation } from './core/operation/operation.ts'
export type { Fault, Result } from './core/result.ts'
export type { Signer } from './core/signature.ts'
export type { SnapshotManifest } from './core/snapshot-record.ts'
export { decodeProof, type ProofFault } from './core/state/proof-codec.ts'
export { checkProof, type Proof, type Shown, type ShownField } from './core/state/proof.ts'
export type { OwnStanding, Standing } from './core/sync/message.ts'
export type { Receipt } from './core/sync/receipt.ts'
export type { SyncProgress, SyncReport } from './core/sync/session.ts'
export type { BlobReference } from './core/types/blob/change.ts'
export type { BlobId } from './core/types/blob/piece.ts'
export type { CellEdit, CellKey, CellType } from './core/types/cell.ts'
export type { TextDelta, TextDeltaPart, TextSplice } from './core/types/text/delta.ts'
export type { TextEdit } from './core/types/text/edit.ts'
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
export type { NodeSeeds } from './node/data-directory.ts'
export type { ExportedLine } from './node/exchange/export-operations.ts'
export {
  type FilledSpace,
  type FileTarget,
  importOperationsFile,
  importSnapshotFile,
} from './node/exchange/import-file.ts'
export type {
  ImportOperationsOptions,
  LineCounts,
  LineOutcome,
  LineReport,
} from './node/exchange/import-operations.ts'
export type { SnapshotImport, SnapshotProgress } from './node/exchange/import-snapshot.ts'
export type {
  ExportedFile,
  ExportFileOptions,
  OnProgress,
  SpaceExchange,
} from './node/exchange/space-exchange.ts'
export { FaultError } from './node/fault-error.ts'
export type { ChangesOptions } from './node/feed/change-feed.ts'
export type { ChangeCause, ChangeRecord, FieldChange } from './node/feed/change-record.ts'
export type { Blame, Contribution, TextRange } from './node/history/blame.ts'
export type { WinningRule } from './node/history/conflict-rule.ts'
export type { Conflict, Contender, Loser } from './node/history/conflict.ts'
export type {
  ConflictChoice,
  ConflictOptions,
  ConflictPage,
  SpaceConflicts,
} from './node/history/conflicts.ts'
export type { Delta, ItemName } from './node/history/delta.ts'
export type { EditDescription, ElementName } from './node/history/describe-edit.ts'
export type { Difference, Writer } from './node/history/diff-rows.ts'
export type { CellChoice } from './node/history/item-records.ts'
export type { StateOptions } from './node/history/item-state.ts'
export type { LineHunk } from './node/history/line-diff.ts'
export type { LoggedOperation, LogOptions } from './node/history/logged-operations.ts'
export type { SpaceHistory } from './node/history/space-history.ts'
export type { HistoryOptions, HistoryPage, MaskingVerdict, Version } from './node/history/versions.ts'
export type { CreateSpaceOptions, NodeOptions } from './node/node-options.ts'
export { createNode, HanseNode } from './node/node.ts'
export type { NodeEvents } from './node/node.ts'
export type { Kind, KindList, Kinds } from './node/query/kinds.ts'
export type { IndexProgress, SqlParameters, SqlValue } from './node/query/query-message.ts'
export type {
  SearchHit,
  SearchOptions,
  SpaceQueries,
  SqlOptions,
  SqlResult,
} from './node/query/space-queries.ts'
export type { Admission } from './node/replica/admission-step.ts'
export type { TextChange } from './node/replica/texts.ts'
export type { OutdatedKind } from './node/replica/outdated.ts'
export type { ContainOptions, GrantOptions, InviteOptions, RevokeOptions } from './node/space/authority.ts'
export type { DelegationStatus } from './node/space/delegation-status.ts'
export type { DelegationTerms } from './node/space/delegation-status.ts'
export type {
  Explanation,
  LinkExplanation,
  RightExplanation,
  TrialExplanation,
  VerdictExplanation,
} from './node/space/explain.ts'
export type { ItemEdit, ItemType } from './node/space/item-edit.ts'
export type { ClaimValue, EdgeValue, Item, LogValue } from './node/space/item.ts'
export type { EntryName } from './node/space/log-entries.ts'
export type { LogEntry } from './node/space/log.ts'
export { prove, type ProveOptions, type StateProof } from './node/space/prove.ts'
export type { PutOptions } from './node/space/put-options.ts'
export type { ContainmentReport, Impact, RevocationReport, Tainted } from './node/space/revocation-report.ts'
export type { Role } from './node/space/roles.ts'
export type { SpaceEvents } from './node/space/space-events.ts'
export type { EntriesOptions } from './node/space/space-items.ts'
export type { BlamedRange, SpaceText, TextEvent } from './node/space/space-text.ts'
export { Space } from './node/space/space.ts'
export type { PeerStatus, ReceiptStatus, SpaceStatus } from './node/space/status.ts'
export type { Comparison } from './node/tables/compare-rows.ts'
export type { Preference } from './node/tables/share-config.ts'
export type { Conflict as RowConflict } from './node/tables/share-store.ts'
export type { AddTableOptions, SpaceTables, TableAdded, WatchOptions } from './node/tables/space-tables.ts'
export type { TableReport, TableStatus } from './node/tables/table-report.ts'
