import { SPACE_TOPIC_TAG } from './domain-tags.ts'
import { HASH_BYTES, sha256 } from './hash.ts'

/**
 * The topic under which a space's peers register with introducers: sha256(tag ‖ space id), 32 bytes. Whoever knows the
 * space can compute it; an introducer that only sees topics learns neither the id nor anything signed with it.
 * Throws when the id is not 32 bytes (a bug of the caller).
 */
export function spaceTopic(spaceId: Uint8Array): Uint8Array {
  if (spaceId.length !== HASH_BYTES)
    throw new Error(`space id of ${spaceId.length} bytes, expected ${HASH_BYTES}`)
  return sha256(SPACE_TOPIC_TAG, spaceId)
}
