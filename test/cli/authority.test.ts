import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Machine } from './hanse.ts'
import { containing, including, matching } from './matchers.ts'

const machine = new Machine()
afterAll(async () => machine.remove())

interface Delegation {
  readonly digest: string
  readonly audience: string
  readonly state: string
}

interface Report {
  readonly tokens: readonly string[]
  readonly revocations: readonly string[]
  readonly openInvites: readonly string[]
  readonly masked: readonly { readonly author: string; readonly path: string; readonly operations: number }[]
}

describe('taking back authority', () => {
  let alice: string
  let bob: string
  let bobDid: string
  const written: string[] = []

  // Alice runs a node; bob joins from a command line, writes, and syncs.
  beforeAll(async () => {
    ;[alice, bob] = await Promise.all([machine.init('alice'), machine.init('bob')])
    await machine.json(alice, 'space', 'create', 'Fleet')
    const node = await machine.up(alice)
    const { link } = await machine.json<{ link: string }>(alice, 'invite', '--path', 'notes', '--depth', '1')
    await machine.json(bob, 'join', link)
    bobDid = (await machine.json<{ did: string }>(bob, 'whoami')).did
    for (const name of ['one', 'two', 'three'])
      written.push((await machine.json<{ id: string }>(bob, 'put', `notes/${name}`, name)).id)
    await machine.json(bob, 'sync')
    expect(node.child.exitCode).toBeNull()
  })

  it('lists who has what from whom', async () => {
    const delegations = await machine.json<readonly Delegation[]>(alice, 'delegations')
    expect(delegations).toContainEqual(
      including({ audience: bobDid, command: '/op', state: 'active', revokedBy: null }),
    )
    expect((await machine.hanse(alice, ['delegations'])).stdout).toMatch(/TOKEN +FROM +TO +COMMAND/)
  })

  it('refuses who is not above, with what to do', async () => {
    const { audience: owner } = (await machine.json<readonly Delegation[]>(alice, 'delegations')).find(
      ({ audience }) => audience !== bobDid,
    ) as Delegation
    const refused = await machine.hanse(bob, ['revoke', owner])
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: matching(/^hanse: .*ask did:key:/) })
    expect(await machine.hanse(alice, ['revoke', 'abcdef'])).toMatchObject({
      code: 1,
      stderr: containing('see "hanse delegations"'),
    })
    expect(
      await machine.hanse(alice, ['revoke', bobDid, '--purge', '--since', written[0] ?? '']),
    ).toMatchObject({
      stderr: containing('not both'),
    })
  })

  it('shows first what would lose its effect, and does nothing', async () => {
    const since = (written[1] ?? '').slice(0, 12)
    const report = await machine.json<Report>(alice, 'revoke', bobDid, '--since', since, '--dry-run')
    expect(report.revocations).toEqual([])
    expect(report.masked).toEqual([
      { author: bobDid, path: 'notes/three', operations: 1 },
      { author: bobDid, path: 'notes/two', operations: 1 },
    ])
    expect(await machine.json(alice, 'get', 'notes/two')).toMatchObject({ value: 'two' })
    const { stdout } = await machine.hanse(alice, ['revoke', bobDid, '--since', since, '--dry-run'])
    expect(stdout).toMatch(/would lose effect/)
    expect(stdout).toMatch(/notes\/three +1/)
  })

  it('takes the effect of what came after, explains it, and mends what was hit by mistake', async () => {
    const since = written[1] ?? ''
    const report = await machine.json<Report & { tainted: unknown[] }>(
      alice,
      'contain',
      bobDid,
      '--since',
      since,
    )
    expect(report.revocations.length).toBe(report.tokens.length)
    // The link that he came by would let him in again.
    const [invite] = report.openInvites
    expect(await machine.json(alice, 'revoke', (invite ?? '').slice(0, 12))).toMatchObject({
      tokens: [invite],
    })
    expect(await machine.json(alice, 'revoke', bobDid, '--dry-run')).toMatchObject({ openInvites: [] })
    expect((await machine.hanse(alice, ['get', 'notes/two'])).code).toBe(1)
    expect(await machine.json(alice, 'get', 'notes/one')).toMatchObject({ value: 'one' })
    const explained = await machine.json<{
      readonly maskedBy: readonly { readonly operation: string }[]
      readonly chain: readonly { readonly terms: { readonly audience: string } }[]
    }>(alice, 'explain', since)
    expect(explained).toMatchObject({ verdict: 'masked', code: 'REVOKED', author: bobDid })
    expect(explained.maskedBy.map(({ operation }) => operation)).toContain(report.revocations[0])
    expect(explained.chain.map(({ terms }) => terms.audience).at(-1)).toBe(bobDid)
    expect(await machine.json(alice, 'endorse', written[2] ?? '')).toMatchObject({
      endorsements: [matching(/./)],
    })
    expect(await machine.json(alice, 'get', 'notes/three')).toMatchObject({ value: 'three' })
    expect(await machine.json(alice, 'log', 'notes/two')).toMatchObject([{ masked: true }])
    // Bob is told why nobody talks to him any more.
    expect(await machine.hanse(bob, ['sync'])).toMatchObject({
      code: 1,
      stderr: matching(/does not let this node read the space \(CAP_REVOKED\): ask an admin/),
    })
    const answer = await machine.hanse(alice, ['explain', '--author', bobDid, '--path', 'notes'])
    expect(answer).toMatchObject({ code: 1, stdout: matching(/may not[^]*CAP_REVOKED/) })
  })
})
