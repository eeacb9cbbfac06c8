import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Space } from '../../src/node/space/space.ts'
import { createFederation, until } from '../node/federation.ts'

const federation = createFederation()
const dataDirectory = mkdtempSync(join(tmpdir(), 'hanse-spread-'))

afterEach(async () => {
  await federation.stopAll()
  rmSync(dataDirectory, { recursive: true, force: true })
})

test('what a comparison has brought goes on to peers who were equal before, without the interval', async () => {
  const alice = await federation.start('alice', { dataDirectory })
  const home = alice.createSpace({ name: 'home' })
  const invite = () => home.invite({ role: 'reader', addresses: false })
  const bob = await federation.start('bob', { peers: alice.addresses })
  const carol = await federation.start('carol', { peers: bob.addresses })
  const dave = await federation.start('dave', { peers: carol.addresses })
  const [nearby, away, farthest] = [bob, carol, dave].map((node) => node.join(invite()))
  if (nearby === undefined || away === undefined || farthest === undefined) throw new Error('nobody joined')
  const spaces = [home, nearby, away, farthest]
  const isPublished = ({ hosted }: Space) =>
    hosted.pendingTokens().every(({ digest }) => home.hosted.store.token(digest) !== undefined)
  const areEqual = () => new Set(spaces.map((space) => space.status().clockRoot)).size === 1
  await until(
    home,
    () => home.hosted.store.count() > 1 && spaces.every(isPublished) && areEqual(),
    'all equal',
  )
  // Alice writes while she is offline; when she comes back, only a comparison brings it to bob.
  await alice.stop()
  const offline = await federation.start('alice', { dataDirectory, online: false })
  offline.space(home.id).put('notes/alone', 'of alice')
  await offline.stop()
  await federation.start('alice', { dataDirectory, peers: bob.addresses })
  await until(farthest, () => farthest.get('notes/alone')?.value === 'of alice', 'dave reads it')
  expect(away.get('notes/alone')?.value).toBe('of alice')
})
