import { afterAll, expect, test } from 'vitest'
import { formatDid } from '../../src/core/principal.ts'
import type { Conflict } from '../../src/node/history/conflict.ts'
import { signerNamed } from '../cast.ts'
import { createFederation } from '../node/federation.ts'

const federation = createFederation()
afterAll(async () => await federation.stopAll())

test('a space tells of a conflict, lists it, settles it, and remembers what it was', async () => {
  const node = await federation.start('the historian')
  const space = node.createSpace({ name: 'Fleet' })
  const guest = signerNamed('a guest')
  space.grant({ to: formatDid(guest.publicKey), role: 'writer' })
  const granted = space.log('', 1)[0]?.id as string
  const told: Conflict[] = []
  space.addEventListener('conflict', ({ detail }) => told.push(detail))
  const mine = space.put('a', 'mine', { timeMs: Date.now() - 1_000 })
  const theirs = space.put('a', 'theirs', { author: guest, after: [granted] })
  expect(told).toMatchObject([{ path: 'a', winner: { operation: theirs }, losers: [{ operation: mine }] }])
  expect(space.conflicts.list().conflicts).toEqual(told)
  const settled = space.conflicts.take('a', mine)
  expect(space.get('a')?.value).toBe('mine')
  expect(told).toHaveLength(1)
  expect(space.conflicts.list().conflicts).toEqual([])
  expect(space.history.at('a', `${settled}^`)?.value).toBe('theirs')
  expect([...space.history.log('a')].map(({ id }) => id)).toEqual([settled, theirs, mine])
  expect(space.history.of('a').versions[0]?.saw.toSorted()).toEqual([mine, theirs].toSorted())
})
