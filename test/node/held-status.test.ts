import { describe, expect, it } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import {
  FUTURE_TOLERANCE_MS,
  HELD_AGE_MS_MAX,
  HELD_BYTES_MAX,
  HELD_BYTES_PER_PEER_MAX,
  HELD_OPERATIONS_MAX,
  HELD_OPERATIONS_PER_PEER_MAX,
} from '../../src/core/limits.ts'
import { formatDid } from '../../src/core/principal.ts'
import { describeHeld, heldTotals } from '../../src/node/space/held-status.ts'
import { bob, carol, createHome, forge, NOW_MS } from '../cast.ts'

const missing = forge({ author: bob, body: [setRegister('notes/a', 1)] })
const child = forge({ author: bob, prev: missing, body: [setRegister('notes/b', 2)] })
const early = forge({ author: carol, header: { time: NOW_MS + 3_600_000 } })

describe('what waits', () => {
  it('says who, for what, since and until when, and what it takes of which budget', async () => {
    const { hosted } = await createHome()
    const lane = hosted.replica.held
    expect(describeHeld(lane)).toEqual([])
    await hosted.replica.receive([child], 'one peer')
    await hosted.replica.receive([early], 'another')
    const bytes = child.headerBytes.length + child.header.bodySize
    const [waits, isEarly] = describeHeld(lane)
    expect(waits).toMatchObject({
      id: toHex(child.id),
      author: formatDid(bob.publicKey),
      command: '/op/write',
      code: 'MISSING_PARENT',
      waitsFor: [toHex(missing.id)],
      peer: 'one peer',
      sinceMs: NOW_MS,
      dueMs: null,
      droppedMs: NOW_MS + HELD_AGE_MS_MAX,
      bytes,
    })
    expect(isEarly).toMatchObject({
      code: 'FUTURE',
      waitsFor: [],
      dueMs: NOW_MS + 3_600_000 - FUTURE_TOLERANCE_MS,
      bytes: early.headerBytes.length,
    })
    expect(heldTotals(lane)).toEqual({
      operations: 2,
      bytes: bytes + early.headerBytes.length,
      max: { operations: HELD_OPERATIONS_MAX, bytes: HELD_BYTES_MAX },
      perPeerMax: { operations: HELD_OPERATIONS_PER_PEER_MAX, bytes: HELD_BYTES_PER_PEER_MAX },
      peers: [
        { peer: 'one peer', operations: 1, bytes },
        { peer: 'another', operations: 1, bytes: early.headerBytes.length },
      ],
    })
  })

  it('is gone from the list once what it waited for has come', async () => {
    const { hosted } = await createHome()
    await hosted.replica.receive([child], 'one peer')
    await hosted.replica.receive([missing], 'another')
    expect(heldTotals(hosted.replica.held)).toMatchObject({ operations: 0, bytes: 0, peers: [] })
  })
})
