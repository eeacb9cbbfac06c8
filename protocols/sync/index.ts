export type { SyncHost, SyncSpace } from './host.ts'
export { SYNC_PROTOCOL, sync, type SyncService } from './service.ts'
export type { AcceptedReceipt } from './link-reading.ts'
export type { LinkTraffic } from './link.ts'
