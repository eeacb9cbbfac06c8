import { toHex } from '../../src/core/bytes.ts'
import { SHORT_DIGEST_BYTES } from '../../src/core/limits.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { CHILDREN, GRANDCHILDREN } from '../../src/core/sync/walk.ts'
import type { SyncSpace } from '../../protocols/sync/index.ts'
import type { WireMessage } from '../../protocols/sync/message-codec.ts'
import { closeFrame, openFrame } from '../frames.ts'
import type { NodeHooks } from '../node.ts'
import type { Random } from '../random.ts'
import { type Actor, MALLORYS, type Stage } from './stage.ts'

/** Has nothing of one honest author, or has it, says so, and never sends it. */
export function createWithholder(random: Random): Actor {
  let stage: Stage | null = null
  const victim = random.below(64)
  const isSecretive = random.chance(0.5)
  const isVictims = ({ header: { author } }: Operation) => {
    const isHit = stage !== null && !stage.isOver() && toHex(author) === stage.authorAt(victim)
    if (isHit) stage?.note()
    return isHit
  }
  // In the place of each it sends the first operation of the space, so that the number is right.
  const space = (own: SyncSpace): SyncSpace => ({
    ...own,
    createView: (scopes) => {
      const view = own.createView(scopes)
      const operation = (ordinal: number) => {
        const wanted = view.operation(ordinal)
        return isVictims(wanted) ? view.operation(0) : wanted
      }
      return { ...view, operation }
    },
  })
  return {
    grant: MALLORYS,
    hooks: isSecretive ? { takes: (operation) => !isVictims(operation) } : { space },
    begin(begun) {
      stage = begun
    },
  }
}

/** Lies about where it stands: roots, digests of the clock, heads that do not exist. */
export function createFingerprintLiar(random: Random): Actor {
  return createFrameLiar(random, 0.5, (message) => {
    switch (message.kind) {
      case 'compare': {
        const standing = { ...message.standing }
        const wrong = random.pick([
          'clockRoot',
          'stateRoot',
          'authors',
          'operations',
          'absentBodies',
        ] as const)
        if (wrong === 'clockRoot' || wrong === 'stateRoot') standing[wrong] = random.bytes(32)
        else standing[wrong] = random.below(1_000)
        return { ...message, standing }
      }
      case 'nodes': {
        const { differing, listing } = message
        // Digests of nothing, or marks of what does not differ; the form of both is right.
        const isListing = random.chance(0.5)
        return isListing
          ? { ...message, listing: withOtherDigests(listing, random) }
          : { ...message, differing: differing.map((byte) => byte & random.below(256)) }
      }
      case 'entries':
        return {
          ...message,
          entries: message.entries.map(({ author, heads }) => ({
            author,
            heads: heads.map(({ seq }) => ({ seq, id: random.bytes(32) })),
          })),
        }
      default:
        return message
    }
  })
}

/** Never has enough: every round brought it something, and its root is always another. */
export function createEndlessRounds(random: Random): Actor {
  return createFrameLiar(random, 1, (message) =>
    message.kind === 'compare'
      ? { ...message, admitted: 1, standing: { ...message.standing, clockRoot: random.bytes(32) } }
      : message,
  )
}

/** Sends frames again that it sent before, to whomever, and old gossip. */
export function createReplayer(random: Random): Actor {
  const old: Uint8Array[] = []
  let stage: Stage | null = null
  return {
    grant: MALLORYS,
    hooks: {
      onFrame: (_to, frame) => {
        old.push(frame)
        if (stage === null || stage.isOver() || !random.chance(0.05)) return [frame]
        stage.note()
        return [frame, random.pick(old)]
      },
    },
    begin(begun) {
      stage = begun
      begun.act(10_000, ({ hosted }) => {
        for (let i = 0; i < 5; i++) {
          const ordinal = random.below(hosted.store.count())
          begun.whisper(random.pick(begun.victims), hosted.operation(ordinal))
        }
      })
    },
  }
}

/** Flips bytes of frames and of gossip. */
export function createCorrupter(random: Random): Actor {
  let stage: Stage | null = null
  const flip = (bytes: Uint8Array): Uint8Array => {
    const flipped = new Uint8Array(bytes)
    const at = random.below(flipped.length)
    flipped[at] = (flipped[at] as number) ^ (1 << random.below(8))
    return random.chance(0.2) ? flipped.subarray(0, random.below(flipped.length)) : flipped
  }
  return {
    grant: MALLORYS,
    hooks: {
      onFrame: (_to, frame) => {
        if (stage === null || stage.isOver() || !random.chance(0.1)) return [frame]
        stage.note()
        return [flip(frame)]
      },
    },
    begin(begun) {
      stage = begun
      begun.act(15_000, ({ hosted }) => {
        const { headerBytes, signature, body } = hosted.operation(random.below(hosted.store.count()))
        const parts = [headerBytes, signature, ...(body ?? [])]
        begun.whisperBytes(
          random.pick(begun.victims),
          flip(random.pick(parts.filter(({ length }) => length > 0))),
        )
        const operation = hosted.operation(random.below(hosted.store.count()))
        // The right id under a signature that is garbage: nobody may hold that against the id.
        begun.whisper(random.pick(begun.victims), { ...operation, signature: random.bytes(64) })
      })
    },
  }
}

/** Asks on, and reads nothing. */
export function createSlowReader(random: Random): Actor {
  let stage: Stage | null = null
  return {
    grant: MALLORYS,
    hooks: {
      isDeaf: () => {
        const isDeaf = stage !== null && !stage.isOver() && random.chance(0.7)
        if (isDeaf) stage?.note()
        return isDeaf
      },
    },
    begin(begun) {
      stage = begun
      // New links, so that it can stop reading them.
      begun.act(30_000, (node) => node.hangUpAll())
    },
  }
}

/** An actor that changes messages on their way out, with that probability. */
function createFrameLiar(
  random: Random,
  probability: number,
  lie: (message: WireMessage) => WireMessage,
): Actor {
  let stage: Stage | null = null
  const onFrame: NodeHooks['onFrame'] = (_to, frame) => {
    const node = stage?.node() ?? null
    if (stage === null || node === null || stage.isOver() || !random.chance(probability)) return [frame]
    const message = openFrame(frame, node.hosted.id)
    if (message === null) return [frame]
    const changed = lie(message)
    if (changed === message) return [frame]
    stage.note()
    return [closeFrame(changed)]
  }
  return {
    grant: MALLORYS,
    hooks: { onFrame },
    begin(begun) {
      stage = begun
    },
  }
}

/** The same places with other digests in them (docs/protocol.md §4.3), as in the first round of a run. */
function withOtherDigests(listing: Uint8Array, random: Random): Uint8Array {
  const lie = new Uint8Array(listing)
  for (let at = 0; at + 2 <= lie.length; ) {
    const count = ((lie[at] as number) << 8) | (lie[at + 1] as number)
    const digests = count === CHILDREN ? 16 : count === GRANDCHILDREN ? 256 : count
    const bytes = Math.min(digests * SHORT_DIGEST_BYTES, lie.length - at - 2)
    lie.set(random.bytes(bytes), at + 2)
    at += 2 + bytes
  }
  return lie
}
