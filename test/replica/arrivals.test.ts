import { expect, test } from 'vitest'
import { HostedSpace } from '../../src/node/space/hosted-space.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { createHome, bob, forge, NOW_MS, verifier } from '../cast.ts'

test('batches of one peer are admitted in the order they were given, whichever is verified first', async () => {
  const { hosted } = await createHome()
  const held = Promise.withResolvers<void>()
  let checks = 0
  const slow = {
    ...verifier,
    acceptAll: async (claims: Parameters<typeof verifier.acceptAll>[0]) => {
      if (checks++ === 0) await held.promise
      return await verifier.acceptAll(claims)
    },
  }
  const { replica } = new HostedSpace(hosted.store, slow, () => NOW_MS)
  const first = forge({ author: bob, body: [setRegister('x', 1)] })
  const second = forge({ author: bob, prev: first, body: [setRegister('x', 2)] })
  const early = replica.receive([first], 'carol')
  const late = replica.receive([second], 'carol')
  // Another peer's does not wait for hers, and its parent is not there yet.
  const other = forge({ author: bob, prev: second, body: [setRegister('x', 3)] })
  expect(await replica.receive([other], 'dave')).toMatchObject([{ kind: 'waiting' }])
  expect(checks).toBe(3)
  held.resolve()
  expect([await early, await late]).toMatchObject([[{ kind: 'admitted' }], [{ kind: 'admitted' }]])
  expect(replica.held.size).toBe(0)
})
