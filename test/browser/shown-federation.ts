import { compareBytes } from '../../src/core/bytes.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { type Operation, signOperation } from '../../src/core/operation/operation.ts'
import type { Signer } from '../../src/core/signature.ts'
import { HttpServer } from '../../src/http/http-server.ts'
import type { HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { signerNamed } from '../cast.ts'
import { createFederation, type Federation, until, untilEqual } from '../node/federation.ts'

/** A text that is harm where it is ever read as HTML. */
export const HARMFUL =
  '<img src=x onerror="document.title=\'harmed\'"><script>document.title="harmed"</script>'

/** Alice's node, served over HTTP, with all that a dashboard has to show: peers, a fork, conflicts, what waits and what was refused. */
export interface ShownFederation {
  readonly alice: HanseNode
  readonly server: HttpServer
  readonly notes: Space
  /** Bob's copy of the same space. */
  readonly bobsNotes: Space
  readonly harmful: Space
  stop(): Promise<void>
}

/** Starts it. */
export async function startShownFederation(): Promise<ShownFederation> {
  const federation = createFederation()
  const alice = await federation.start('alice')
  const notes = alice.createSpace({ name: 'field-notes' })
  const plan = alice.createSpace({ name: 'release plan' })
  const harmful = alice.createSpace({ name: HARMFUL })
  alice.createSpace({ name: 'archive' })
  harmful.put('a', HARMFUL)
  harmful.edit('b', { [HARMFUL]: HARMFUL })
  writeBeginning(notes, plan)
  const bob = await join(federation, 'bob', alice, [notes, plan])
  const carol = await join(federation, 'carol', alice, [notes])
  const mallory = await join(federation, 'mallory', alice, [notes])
  const [bobsNotes, bobsPlan] = [bob.space(notes.id), bob.space(plan.id)]
  bobsNotes.edit('stations/north', { status: 'running', battery: 78 })
  carol.space(notes.id).append('log/visits', 'Replaced the rain gauge')
  await untilEqual(notes, bobsNotes)
  meet(notes, bobsNotes)
  await untilEqual(notes, bobsNotes)
  await untilEqual(plan, bobsPlan)
  agents(alice, notes)
  const server = await HttpServer.start({
    node: alice,
    version: '0.1.0',
    listen: { host: '127.0.0.1', port: 0 },
  })
  await misbehave(notes, mallory, bob)
  return {
    alice,
    server,
    notes,
    bobsNotes,
    harmful,
    async stop() {
      await server.stop()
      await federation.stopAll()
    },
  }
}

function writeBeginning(notes: Space, plan: Space): void {
  notes.edit('stations/north', { name: 'North ridge', status: 'planned', height: 1_204 })
  notes.edit('stations/south', { name: 'South shore', status: 'running', height: 12 })
  notes.link('stations/north', 'relays-to', 'stations/south', { band: '868 MHz' })
  notes.tag('stations/north', ['wind', 'rain', 'solar'])
  notes.append('log/visits', 'Mast raised, guy wires tight')
  notes.append('log/visits', { who: 'Ines', found: ['loose bolt', 'nest'], hours: 3.5 })
  notes.put('settings/interval', 60)
  notes.put('settings/interval', 30)
  notes.put('settings/interval', 15)
  notes.increment('counts/readings', 18_204)
  notes.text('notes/readme').set('Bring the long ladder.\n\nThe lower path floods after two days of rain.')
  plan.put('version', '2.4.0')
  plan.edit('tasks/changelog', { title: 'Write the changelog', done: false, owner: 'bob' })
  plan.claim('release-manager', 'alice')
}

async function join(
  federation: Federation,
  name: string,
  host: HanseNode,
  spaces: readonly Space[],
): Promise<HanseNode> {
  const node = await federation.start(name)
  for (const space of spaces) {
    const joined = node.join(space.invite({ role: 'writer' }))
    await until(joined, () => joined.status().peers.some(({ inSync }) => inSync), `${name} in ${space.name}`)
    await until(
      space,
      () => space.delegations().some(({ audience }) => audience === node.did),
      `${name}'s token`,
    )
  }
  return node
}

/** Writes on both sides before either has seen the other. */
function meet(one: Space, other: Space): void {
  one.put('settings/interval', 10)
  other.put('settings/interval', 20)
  one.edit('stations/south', { status: 'storm damage' })
  other.edit('stations/south', { status: 'offline' })
}

/** Mallory forks; somebody without any right writes; one of bob's operations is ahead of every clock. */
async function misbehave(space: Space, mallory: HanseNode, bob: HanseNode): Promise<void> {
  const hers = mallory.space(space.id)
  const id = hers.put('stations/east', { name: 'East bank' })
  await untilEqual(space, hers)
  const last = operationOf(hers, id)
  const other = variant(last, mallory.author, 'East quay', {})
  const another = after(other, mallory.author, 'East quay, moved')
  const stranger = signerNamed('a stranger')
  const forged = variant(last, stranger, 'mine', {
    author: stranger.publicKey,
    seq: 0,
    prev: null,
    deps: [...last.header.deps, last.header.prev as Uint8Array].sort(compareBytes),
    caps: [],
  })
  const bobs = bob.space(space.id)
  const early = after(operationOf(bobs, bobs.status().localHead as string), bob.author, 'tomorrow', 300_000)
  await space.hosted.replica.receive([other, another, forged, early], mallory.peerId)
}

function operationOf({ hosted }: Space, id: string): Operation {
  const entry = hosted.store.find(new Uint8Array(Buffer.from(id, 'hex')))
  if (entry === undefined) throw new Error('it is not there')
  return hosted.operation(entry.ordinal)
}

function variant(
  { header }: Operation,
  signer: Signer,
  value: string,
  other: Partial<Operation['header']>,
): Operation {
  const changes = [setRegister('stations/east', value)]
  return signOperation({ ...header, path: '', ...other }, changes, signer.sign)
}

function after(before: Operation, signer: Signer, value: string, laterMs = 1): Operation {
  const { seq, lamport, time } = before.header
  const place = { seq: seq + 1, prev: before.id, deps: [], lamport: lamport + 1, time: time + laterMs }
  return variant(before, signer, value, { ...place, command: '/op/write' })
}

function agents(node: HanseNode, space: Space): void {
  const weekMs = 7 * 24 * 3_600_000
  const expiresMs = node.now() + weekMs
  node.agents.add({ name: 'scribe', reach: [{ space, role: 'writer', path: 'notes' }], expiresMs })
  node.agents.add({ name: 'reader', reach: [{ space, role: 'reader' }] })
  node.agents.add({ name: 'old', reach: [{ space, role: 'writer', path: 'log' }] })
  node.agents.revoke('old')
}
