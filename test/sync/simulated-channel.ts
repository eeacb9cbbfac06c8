import { decodeMessage, encodeMessage } from '../../protocols/sync/message-codec.ts'
import { toHex } from '../../src/core/bytes.ts'
import { SyncSession, type SyncEffect, type SyncEvent, type SyncReport } from '../../src/core/sync/session.ts'
import type { SyncMessage } from '../../src/core/sync/message.ts'
import type { SyncView } from '../../src/core/sync/view.ts'
import type { HostedSpace } from '../../src/node/space/hosted-space.ts'
import { spaceId } from '../cast.ts'

/** One message as it crossed the channel. */
export interface Crossing {
  readonly from: 0 | 1
  readonly kind: SyncMessage['kind']
  readonly bytes: number
}

/** What two sessions did to each other. */
export interface Conversation {
  /** The last report of each side. */
  readonly reports: readonly SyncReport[]
  readonly violations: readonly string[]
  readonly crossings: readonly Crossing[]
  /** Hexadecimal ids of the operations each side sent, in order. */
  readonly sent: readonly [readonly string[], readonly string[]]
  /** The messages each side sent, encoded, in order. */
  readonly wire: readonly [readonly Uint8Array[], readonly Uint8Array[]]
  /** Times the direction of talk changed: what latency is multiplied by. */
  readonly turns: number
}

/** Steps after which a conversation is called endless. */
const STEPS_MAX = 200_000

/**
 * Two replicas at the two ends of a channel that keeps order, as a stream does, but delivers either direction's next message
 * whenever `pick` says so. Every message goes through its bytes. `pick` is asked with 0 … n−1 possible deliveries.
 */
export async function converse(
  spaces: readonly [HostedSpace, HostedSpace],
  pick: (choices: number) => number = () => 0,
  starters: readonly (0 | 1)[] = [0],
  onStep: (step: number) => Promise<void> = async () => {},
  views: readonly [SyncView, SyncView] = [spaces[0].view(), spaces[1].view()],
): Promise<Conversation> {
  const sessions = views.map((view) => new SyncSession(view)) as [SyncSession, SyncSession]
  const inboxes: [Uint8Array[], Uint8Array[]] = [[], []]
  const admissions: [Extract<SyncEffect, { kind: 'admit' }>[], Extract<SyncEffect, { kind: 'admit' }>[]] = [
    [],
    [],
  ]
  const crossings: Crossing[] = []
  const reports: SyncReport[] = []
  const violations: string[] = []
  const sent: [string[], string[]] = [[], []]
  const wire: [Uint8Array[], Uint8Array[]] = [[], []]
  let turns = 0
  let lastFrom = -1

  const step = (side: 0 | 1, event: SyncEvent) => {
    for (const effect of sessions[side].step(event)) {
      switch (effect.kind) {
        case 'send': {
          const bytes = encodeMessage(effect.message)
          inboxes[side === 0 ? 1 : 0].push(bytes)
          wire[side].push(bytes)
          crossings.push({ from: side, kind: effect.message.kind, bytes: bytes.length })
          if (effect.message.kind === 'operations')
            sent[side].push(...effect.message.operations.map(({ id }) => toHex(id)))
          break
        }
        case 'admit':
          admissions[side].push(effect)
          break
        case 'finished':
          reports[side] = effect.report
          break
        case 'violation':
          violations.push(effect.fault.detail)
          break
      }
    }
  }

  for (const side of starters) step(side, { kind: 'start' })
  for (let count = 0; ; count++) {
    if (count > STEPS_MAX) throw new Error('the conversation does not end')
    await onStep(count)
    const ready = ([0, 1] as const).flatMap((side) => [
      ...(inboxes[side].length > 0 ? [() => deliver(side)] : []),
      ...(admissions[side].length > 0 ? [() => admit(side)] : []),
    ])
    if (ready.length === 0) break
    await (ready[pick(ready.length) % ready.length] as () => void | Promise<void>)()
  }
  return { reports, violations, crossings, sent, wire, turns }

  function deliver(side: 0 | 1): void {
    const bytes = inboxes[side].shift() as Uint8Array
    const from = side === 0 ? 1 : 0
    if (from !== lastFrom) turns++
    lastFrom = from
    const decoded = decodeMessage(bytes, spaceId, sessions[side].listed)
    if (!decoded.ok) throw new Error(`an honest message does not decode: ${decoded.fault.detail}`)
    step(side, { kind: 'message', message: decoded.value as SyncMessage })
  }

  async function admit(side: 0 | 1): Promise<void> {
    const { operations } = admissions[side].shift() as Extract<SyncEffect, { kind: 'admit' }>
    const { replica, store } = spaces[side]
    const absent = store.absentBodyCount()
    const outcomes = await replica.receive(operations, `side ${side === 0 ? 1 : 0}`)
    const bodies = Math.max(0, absent - store.absentBodyCount())
    step(side, {
      kind: 'admitted',
      gained: bodies + outcomes.filter(({ kind }) => kind === 'admitted').length,
    })
  }
}

/** Random picks from a seed (mulberry32), the same for the same seed. */
export function picksFrom(seed: number): (choices: number) => number {
  let state = seed >>> 0
  return (choices) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % choices
  }
}
