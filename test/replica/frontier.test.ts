import { expect, test } from 'vitest'
import { setRegister } from '../../src/core/types/register/change.ts'
import { revokeDelegation } from '../../src/core/changes/verdict.ts'
import { toHex } from '../../src/core/bytes.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import type { Signer } from '../../src/core/signature.ts'
import {
  alice,
  bob,
  bobToken,
  carol,
  createHome,
  forge,
  GENESIS_MS,
  grants,
  type Home,
  mallory,
  NOW_MS,
} from '../cast.ts'

const root = forge({ author: mallory })
const left = forge({ author: mallory, prev: root, body: [setRegister('mallory/x', 'left')] })
const right = forge({ author: mallory, prev: root, body: [setRegister('mallory/x', 'right')] })
const honest = forge({ author: carol, body: [setRegister('docs/c', 1)] })

const frontierOf = ({ hosted }: Home) => hosted.replica.frontier().map(({ id }) => toHex(id))
const idsOf = (...operations: readonly Operation[]) => operations.map(({ id }) => toHex(id))

test('this node builds on the last operation of everybody who has not forked', async () => {
  const home = await createHome([root, left, honest])
  expect(home.hosted.replica.isFrozen(mallory.publicKey)).toBe(false)
  expect(frontierOf(home).toSorted()).toEqual(idsOf(left, honest).toSorted())
})

test('this node freezes an author whose fork is proved, and builds on neither branch', async () => {
  const home = await createHome([root, left, honest, right])
  expect(home.hosted.replica.isFrozen(mallory.publicKey)).toBe(true)
  expect(home.hosted.replica.isFrozen(carol.publicKey)).toBe(false)
  expect(frontierOf(home)).toEqual(idsOf(honest))
})

test('this node builds on nothing that is masked, whether the revocation came before it or after', async () => {
  const write = forge({ author: bob, body: [setRegister('docs/b', 1)], header: { time: GENESIS_MS + 1 } })
  const revoke = forge({
    author: alice,
    prev: grants,
    body: [revokeDelegation({ target: bobToken.digest, cut: [] })],
    header: { command: '/cap/revoke' },
  })
  for (const operations of [
    [revoke, write],
    [write, revoke],
  ]) {
    const home = await createHome()
    home.hosted.replica.frontier()
    for (const operation of operations) await home.hosted.replica.receive([operation], 'the test')
    expect(home.hosted.store.find(write.id)).toBeDefined()
    expect(frontierOf(home)).toEqual(idsOf(revoke))
  }
})

test('a key that has forked goes on writing nowhere: its owner takes a new one', async () => {
  const home = await createHome([root, left, right])
  const write = (author: Signer, path: string) => () =>
    home.hosted.write([{ kind: 'put', path, value: 1 }], {
      author,
      timeMs: NOW_MS,
    })
  expect(write(mallory, 'mallory/x')).toThrow(/two branches/)
  expect(write(carol, 'docs/c')).not.toThrow()
})

test('this node does not build on an operation whose body it may read and lacks, until others do or it comes', async () => {
  const withheld = forge({ author: mallory, prev: root, body: [setRegister('mallory/x', 'hidden')] })
  const home = await createHome([root, { ...withheld, body: null }, honest])
  expect(frontierOf(home).toSorted()).toEqual(idsOf(root, honest).toSorted())
  await home.hosted.replica.receive([withheld], 'the test')
  expect(frontierOf(home).toSorted()).toEqual(idsOf(withheld, honest).toSorted())

  const other = await createHome([root, { ...withheld, body: null }])
  other.hosted.replica.frontier()
  const onTop = forge({ author: carol, deps: [withheld], body: [setRegister('docs/c', 2)] })
  await other.hosted.replica.receive([onTop], 'the test')
  expect(frontierOf(other)).toEqual(idsOf(onTop))
})
