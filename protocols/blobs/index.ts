export type { Asked, AskFault } from './asking.ts'
export { BLOBS_PROTOCOL, type PieceRequest } from './codec.ts'
export type { BlobHost } from './host.ts'
export { blobs, type BlobService } from './service.ts'
