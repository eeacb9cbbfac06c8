import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, test } from 'vitest'
import type { SyncReport } from '../../src/core/sync/session.ts'
import { createFederation, until, untilEqual } from '../node/federation.ts'

const federation = createFederation()
const folders: string[] = []
afterEach(async () => {
  await federation.stopAll()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

test('a transfer that is cut in the middle goes on where it was: what was admitted is not sent again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hanse-resume-'))
  folders.push(folder)
  const alice = await federation.start('alice')
  const hers = alice.createSpace({ name: 'the square' })
  const filler = 'x'.repeat(2_000)
  for (let i = 0; i < 2_000; i++) hers.put(`notes/${i}`, `${i} ${filler}`)
  const total = hers.hosted.store.count()

  const bob = await federation.start('bob', { dataDirectory: join(folder, 'bob') })
  const his = bob.join(hers.invite({ role: 'writer' }))
  await until(his, () => his.hosted.store.count() > 300, 'part of it arrived')
  await bob.stop()

  const again = await federation.start('bob', { dataDirectory: join(folder, 'bob') })
  const [space] = again.spaces()
  if (space === undefined) throw new Error('the space is gone')
  const kept = space.hosted.store.count()
  expect(kept).toBeGreaterThan(300)
  expect(kept).toBeLessThan(total)
  const reports: SyncReport[] = []
  space.addEventListener('sync', ({ detail }) => reports.push(detail.report))
  again.network?.meet(
    alice.addresses.map((address) => multiaddr(address)),
    [],
  )
  await until(space, () => space.hosted.store.count() >= total, 'the rest arrived')
  await untilEqual(hers, space)
  expect(reports.reduce((sum, { received }) => sum + received, 0)).toBe(total - kept)
})
