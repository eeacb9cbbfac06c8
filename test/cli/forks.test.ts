import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { encodeForkProof } from '../../src/core/fork-proof.ts'
import { formatDid } from '../../src/core/principal.ts'
import { Replica } from '../../src/node/replica/replica.ts'
import { openSqliteSpaceStore } from '../../src/storage/sqlite/open.ts'
import { beginning, forge, mallory, NOW_MS, spaceId, spaceKey, verifier } from '../cast.ts'
import { Machine } from './hanse.ts'
import { containing, matching } from './matchers.ts'

const machine = new Machine()
afterAll(async () => machine.remove())

const left = forge({ author: mallory, body: [setRegister('mallory/x', 'left')] })
const right = forge({ author: mallory, body: [setRegister('mallory/x', 'right')] })

interface Fork {
  readonly author: string
  readonly operations: readonly string[]
  readonly proof: string
}

describe('hanse forks', () => {
  let alice: string
  beforeAll(async () => {
    alice = await machine.init('alice')
    const file = join(alice, 'spaces', `${toHex(spaceId)}.sqlite`)
    const opened = openSqliteSpaceStore({ file, spaceId, spaceKey: spaceKey.publicKey, create: true })
    if (!opened.ok) throw new Error(opened.fault.detail)
    const replica = new Replica({ store: opened.value, verifier, now: () => NOW_MS })
    await replica.receive([...beginning, left, right], 'the test')
    opened.value.close()
  })

  it('lists who has forked where, for people and programs', async () => {
    const forks = await machine.json<readonly Fork[]>(alice, 'forks')
    expect(forks).toMatchObject([
      { author: formatDid(mallory.publicKey), seq: 0, prev: null, heads: 2, frozen: true, contained: false },
    ])
    expect(Object.keys(forks[0] ?? {})).not.toContain('proof')
    const { stdout, code } = await machine.hanse(alice, ['forks', 'the square'])
    expect({ stdout, code }).toEqual({
      code: 0,
      stdout: matching(/AUTHOR +SEQ +OPERATIONS[^]*2 of 2 +yes +no/),
    })
  })

  it('gives proofs that are checked without node, space or data directory', async () => {
    const [fork] = await machine.json<readonly Fork[]>(alice, 'forks', '--proof')
    const file = join(machine.folder, 'proof')
    writeFileSync(file, `${fork?.proof ?? ''}\n`)
    const nowhere = join(machine.folder, 'nowhere')
    expect(await machine.json(nowhere, 'forks', 'check', file)).toEqual({
      space: toHex(spaceId),
      author: fork?.author,
      seq: 0,
      prev: null,
      operations: fork?.operations,
    })
    const piped = await machine.hanse(nowhere, ['forks', 'check', '-'], { input: fork?.proof ?? '' })
    expect(piped).toMatchObject({ code: 0, stdout: matching(/The proof holds/) })
    expect((await machine.hanse(alice, ['forks', '--proof'])).stdout).toContain(fork?.proof)
  })

  it('says why a proof proves nothing, with exit code 1, and 2 where it is none', async () => {
    const check = async (input: string) => machine.hanse(alice, ['forks', 'check', '-'], { input })
    const twice = Buffer.from(encodeForkProof(left, left)).toString('base64url')
    expect(await check(twice)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: containing('one operation is no fork'),
    })
    const forged = { ...right, signature: left.signature }
    expect(await check(Buffer.from(encodeForkProof(left, forged)).toString('base64url'))).toMatchObject({
      code: 1,
      stderr: matching(/signature of operation .* does not hold/),
    })
    expect(await check('not base64url!')).toMatchObject({ code: 2, stderr: containing('not a fork proof') })
    expect(await check('')).toMatchObject({ code: 2 })
    expect(await check('A'.repeat(100_000))).toMatchObject({ code: 2 })
    expect(await machine.hanse(alice, ['forks', 'check', 'no/such/file'])).toMatchObject({ code: 2 })
  })
})
