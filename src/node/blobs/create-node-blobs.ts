import { BLOB_FETCH_KIB, BLOB_QUOTA_MIB } from '../../core/limits.ts'
import type { Result } from '../../core/result.ts'
import type { BlobStore } from '../../storage/blob-store.ts'
import { orThrow } from '../fault-error.ts'
import { NodeBlobs } from './node-blobs.ts'

/** The blobs of a node with these options, in its storage. */
export function createNodeBlobs(
  options: { readonly blobQuotaMib?: number | undefined; readonly blobFetchKib?: number | undefined },
  storage: { openBlobs(quotaBytes: number): Result<BlobStore> },
  node: { now(): number; log(message: string): void },
): NodeBlobs {
  const { blobQuotaMib = BLOB_QUOTA_MIB, blobFetchKib = BLOB_FETCH_KIB } = options
  return new NodeBlobs({
    open: () => orThrow(storage.openBlobs(blobQuotaMib * 1024 * 1024)),
    fetchBytesMax: blobFetchKib * 1024,
    now: () => node.now(),
    log: (message) => node.log(message),
  })
}
