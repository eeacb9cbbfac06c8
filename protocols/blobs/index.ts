export type { Asked } from './asking.ts'
export { BLOBS_PROTOCOL, type PieceRequest } from './codec.ts'
export type { BlobHost } from './host.ts'
export { blobs } from './service.ts'
