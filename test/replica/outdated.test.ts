import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { encodeChange } from '../../src/core/changes/change.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { CELL_TYPES } from '../../src/core/types/cell.ts'
import { OUTDATED_KINDS_MAX } from '../../src/core/limits.ts'
import { OUTDATED_NOTE, readOutdated } from '../../src/node/replica/outdated.ts'
import { PeerBook } from '../../src/node/peer-book.ts'
import { HostedSpace } from '../../src/node/space/hosted-space.ts'
import { describeStatus } from '../../src/node/space/status.ts'
import { watchOutdated } from '../../src/node/space/watch-outdated.ts'
import { bob, carol, createHome, forge, type Home, NOW_MS, verifier } from '../cast.ts'

const unknown = (type: string, version = 1) =>
  encodeChange({ type, version, path: 'notes/x', payload: { anything: 1 } })

const countsIn = ({ hosted }: Home) => readOutdated(hosted.store.note(OUTDATED_NOTE))

/** The kinds that a space tells of, as they come. */
function listen(hosted: HostedSpace): string[] {
  const told: string[] = []
  watchOutdated(hosted, ({ type, version }) => void told.push(`${type} ${version}`))
  return told
}

describe('changes of a type or version that is not known here', () => {
  it('are admitted without effect beside the others of their body, and counted by type and version', async () => {
    const home = await createHome()
    const told = listen(home.hosted)
    const body = [unknown('poem'), setRegister('notes/a', 1), unknown('poem'), unknown('register', 9)]
    const first = forge({ author: bob, body })
    const [outcome] = await home.hosted.replica.receive([first], 'a peer')
    expect(outcome?.kind).toBe('admitted')
    expect(home.hosted.store.cells({ prefix: 'notes', limit: 9 }).map(({ key }) => key.path)).toEqual([
      'notes/a',
    ])
    expect(countsIn(home)).toEqual([
      { type: 'poem', version: 1, changes: 2 },
      { type: 'register', version: 9, changes: 1 },
    ])
    await home.hosted.replica.receive(
      [forge({ author: bob, prev: first, body: [unknown('poem')] })],
      'a peer',
    )
    await home.hosted.replica.receive([first], 'a peer')
    expect(countsIn(home)[0]).toEqual({ type: 'poem', version: 1, changes: 3 })
    expect(told).toEqual(['poem 1', 'register 9'])
    const { outdated } = describeStatus(home.hosted, new PeerBook(), bob.publicKey, NOW_MS)
    expect(outdated).toEqual(countsIn(home))
  })

  it('are kept as they came and passed on, and are counted there too: a later version of any type, or a type of no version', async () => {
    const body = [...CELL_TYPES.map((type) => unknown(type, 2)), unknown('poem')]
    const written = forge({ author: bob, body })
    const one = await createHome([written])
    const passedOn = one.hosted.operation(one.hosted.store.count() - 1)
    expect(passedOn).toEqual(written)
    const other = await createHome([passedOn])
    for (const home of [one, other]) {
      expect(countsIn(home)).toHaveLength(CELL_TYPES.length + 1)
      expect(home.hosted.store.cells({ prefix: '', limit: 9 })).toEqual([])
    }
  })

  it('are counted when their body arrives, and told once in the life of a space, also after a restart', async () => {
    const home = await createHome()
    const told = listen(home.hosted)
    const late = forge({ author: carol, body: [unknown('poem')] })
    await home.hosted.replica.receive([{ ...late, body: null }], 'a peer')
    expect([countsIn(home), told]).toEqual([[], []])
    await home.hosted.replica.receive([late], 'a peer')
    expect(told).toEqual(['poem 1'])
    const again = new HostedSpace(home.hosted.store, verifier, () => NOW_MS)
    const toldAgain = listen(again)
    await again.replica.receive([forge({ author: bob, body: [unknown('poem'), unknown('song')] })], 'a peer')
    expect(toldAgain).toEqual(['song 1'])
  })

  it('are told apart up to a bound, and counted together beyond', async () => {
    const kinds = Array.from({ length: OUTDATED_KINDS_MAX + 3 }, (_, i) => unknown(`type-${i}`))
    const home = await createHome([forge({ author: bob, body: [...kinds, unknown('type-0')] })])
    const counts = countsIn(home)
    expect(counts.length).toBe(OUTDATED_KINDS_MAX + 1)
    expect(counts[0]).toEqual({ type: 'type-0', version: 1, changes: 2 })
    expect(counts.at(-1)).toEqual({ type: '', version: 0, changes: 3 })
  })

  it('are as if never counted where the note is damaged', () => {
    expect(readOutdated(undefined)).toEqual([])
    expect(readOutdated(Uint8Array.of(255))).toEqual([])
    expect(readOutdated(encodeCanonical([['poem', 1, 2], ['poem'], 7]))).toEqual([
      { type: 'poem', version: 1, changes: 2 },
    ])
  })
})
