import type { SyncSpace } from '../../../protocols/sync/index.ts'
import type { Signer } from '../../core/signature.ts'
import { receiptBytes } from '../../core/sync/receipt.ts'
import type { HostedSpace } from '../space/hosted-space.ts'

/** The parts of a space in the sync protocol that are about reading: what this node shows, and what it lets others read. */
export function readingOf(
  hosted: HostedSpace,
  reader: () => Signer,
  now: () => number,
): Pick<SyncSpace, 'reading' | 'createView' | 'prove' | 'ownScope' | 'signReceipt'> {
  return {
    reading: hosted.reading.rules,
    createView: (scopes) => hosted.view({ ...scopes, author: reader().publicKey }),
    prove: (binding) => hosted.reading.prove(reader(), binding, now()),
    ownScope: () => hosted.reading.scopeOf(reader().publicKey, now()),
    signReceipt: (clockRoot, timeMs) => reader().sign(receiptBytes(hosted.id, clockRoot, timeMs)),
  }
}
