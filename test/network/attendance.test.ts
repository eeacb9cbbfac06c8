import type { PeerId } from '@libp2p/interface'
import { expect, it } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { Attendance, type AttendanceInit, type Member } from '../../src/node/network/attendance.ts'
import { bob as author, createHome, forge } from '../cast.ts'
import { carol, dave, mallory } from './gossip-cast.ts'

/** A member of which gossip has carried what it is told, with three peers that share it; wishes to compare are noted. */
async function createScene() {
  const home = await createHome()
  const gone = new Set<string>()
  const proofs = new Map<string, string>()
  const wishes: { readonly peer: PeerId; readonly isDue: () => boolean }[] = []
  const compared: PeerId[] = []
  const member = {
    gossip: { hasGone: ({ id }: { readonly id: Uint8Array }) => gone.has(toHex(id)) },
    space: {
      hosted: home.hosted,
      peers: {
        get: (peer: string) => ({
          lastProof: proofs.has(peer) ? { clockRoot: proofs.get(peer) } : null,
        }),
      },
    },
    sync: {},
  } as unknown as Member
  const attendance = new Attendance({
    network: {},
    guard: {},
    peers: { sharers: () => [mallory, carol, dave] },
    scheduler: {
      noteCompared: (_space: unknown, peer: PeerId) => compared.push(peer),
      atMost: (_space: unknown, peer: PeerId, _ms: number, isDue: () => boolean) =>
        wishes.push({ peer, isDue }),
    },
    now: () => 0,
  } as unknown as AttendanceInit)
  let prev: Operation | null = null
  /** Admits one more operation; gives its id. */
  const admit = async () => {
    prev = forge({ author, prev })
    await home.hosted.replica.receive([prev], 'somebody')
    return toHex(prev.id)
  }
  /** Whom the last wishes are for that are due. */
  const due = () => {
    const peers = wishes.filter(({ isDue }) => isDue()).map(({ peer }) => peer)
    wishes.splice(0)
    return peers
  }
  return {
    attendance,
    member,
    admit,
    due,
    compared,
    gone,
    proofs,
    clockRoot: () => toHex(home.hosted.replica.clockRoot()),
  }
}

it('hands on what a comparison has brought to everybody else who shares the space', async () => {
  const { attendance, member, due, admit } = await createScene()
  await admit()
  attendance.onCompared(member, mallory, 1)
  expect(due()).toEqual([carol, dave])
})

it('hands nothing on that gossip has brought by the time a comparison is due, and all where one thing is missing', async () => {
  const { attendance, member, due, admit, gone } = await createScene()
  attendance.onCompared(member, mallory, 1)
  due()
  const [one, other] = [await admit(), await admit()]
  attendance.onCompared(member, mallory, 1)
  gone.add(one)
  gone.add(other)
  expect(due()).toEqual([])
  const third = await admit()
  await admit()
  attendance.onCompared(member, mallory, 1)
  gone.add(third)
  expect(due()).toEqual([carol, dave])
})

it('hands nothing on to a peer that a comparison has found equal meanwhile', async () => {
  const { attendance, member, due, admit, proofs, clockRoot } = await createScene()
  proofs.set(carol.toString(), clockRoot())
  await admit()
  attendance.onCompared(member, mallory, 1)
  proofs.set(dave.toString(), clockRoot())
  expect(due()).toEqual([carol])
})

it('tells the scheduler of every comparison, and hands nothing on where it brought nothing', async () => {
  const { attendance, member, due, admit, compared } = await createScene()
  await admit()
  attendance.onCompared(member, mallory, 0)
  expect(due()).toEqual([])
  expect(compared).toEqual([mallory])
})
