import { describe, expect, it } from 'vitest'
import { compareBytes, toHex } from '../../src/core/bytes.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { revokeDelegation } from '../../src/core/changes/verdict.ts'
import { decodeForkProof, verifyForkProof } from '../../src/core/fork-proof.ts'
import { formatDid } from '../../src/core/principal.ts'
import { describeForks } from '../../src/node/space/fork-status.ts'
import { alice, bob, createHome, forge, grants, mallory, malloryToken, spaceId, verifier } from '../cast.ts'

const base = forge({ author: mallory, body: [setRegister('mallory/x', 0)] })
const left = forge({ author: mallory, prev: base, body: [setRegister('mallory/x', 1)] })
const right = forge({ author: mallory, prev: base, body: [setRegister('mallory/x', 2)] })
const further = forge({ author: mallory, prev: right })
const ids = [left.id, right.id].sort(compareBytes).map(toHex)

describe('the forks that a node knows of', () => {
  it('are none where nobody has forked', async () => {
    const { hosted } = await createHome([base, left, forge({ author: bob })])
    expect([...describeForks(hosted.replica, true)]).toEqual([])
  })

  it('come with place, operations, heads, and what follows here', async () => {
    const { hosted } = await createHome([base, left, right, further])
    expect([...describeForks(hosted.replica, false)]).toEqual([
      {
        author: formatDid(mallory.publicKey),
        seq: 1,
        prev: toHex(base.id),
        operations: ids,
        heads: 2,
        keptHeads: 2,
        frozen: true,
        contained: false,
      },
    ])
  })

  it('are contained once some of the author’s operations have lost their effect, and keep fewer heads', async () => {
    const revokes = forge({
      author: alice,
      prev: grants,
      deps: [left],
      body: [revokeDelegation({ target: malloryToken.digest, cut: [left.id] })],
      header: { command: '/cap/revoke' },
    })
    const { hosted } = await createHome([base, left, right, further, revokes])
    expect([...describeForks(hosted.replica, false)]).toMatchObject([
      { heads: 2, keptHeads: 1, frozen: true, contained: true },
    ])
  })

  it('come with proofs that hold by themselves', async () => {
    const { hosted } = await createHome([base, left, right])
    const [fork] = describeForks(hosted.replica, true)
    const decoded = decodeForkProof(new Uint8Array(Buffer.from(fork?.proof ?? '', 'base64url')))
    if (!decoded.ok) throw new Error(decoded.fault.detail)
    const proven = verifyForkProof(decoded.value, verifier.verifySync)
    expect(proven).toMatchObject({ ok: true, value: { author: mallory.publicKey, space: spaceId, seq: 1 } })
  })
})
