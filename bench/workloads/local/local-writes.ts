import { createNode } from '../../../src/node/node.ts'
import type { ItemEdit } from '../../../src/node/space/item-edit.ts'
import { type Figures, seconds, sizeOf, type Sizes, type Subject, type Workload } from '../../measure.ts'
import { inFolder } from '../in-folder.ts'
import { notePath, noteText } from './store.ts'
import { HANSE, LOCAL_PEERS, writeNotes } from './subjects.ts'

/** One write of each type but registers, which all subjects write alike; `i` tells them apart. */
const EDITS: Readonly<Record<string, (i: number) => ItemEdit>> = {
  map: (i) => ({ kind: 'edit', path: `people/${i % 1_000}`, set: { name: `name ${i}`, born: i } }),
  edge: (i) => ({ kind: 'link', path: `people/${i % 1_000}`, label: 'knows', to: `people/${i}` }),
  log: (i) => ({ kind: 'append', path: `events/${i % 10}`, value: { did: 'something', n: i } }),
  set: (i) => ({ kind: 'tag', path: `people/${i % 1_000}`, add: [`tag ${i % 50}`] }),
  counter: (i) => ({ kind: 'count', path: `hits/${i % 100}`, by: 1 }),
  claim: (i) => ({ kind: 'claim', path: `releases/${i}`, value: i }),
}

/** Signed, authorised, on disk before the next: writes per second by type, `perOperation` of them in one operation. */
async function writeAll(sizes: Sizes, perOperation: number): Promise<Figures> {
  const writes = sizeOf(sizes, 'writes')
  const figures: Record<string, number> = {}
  for (const [type, editOf] of Object.entries(EDITS)) {
    await inFolder(async (dataDirectory) => {
      const node = await createNode({ dataDirectory, online: false })
      const space = node.createSpace({ name: 'bench' })
      const taken = await seconds(() => {
        for (let i = 0; i < writes; i += perOperation)
          space.write(Array.from({ length: Math.min(perOperation, writes - i) }, (_, j) => editOf(i + j)))
      })
      await node.stop()
      figures[`${type}PerSecond`] = writes / taken
    })
  }
  return figures
}

/** Operations that are synced together, in {@link writeTogether}. */
const TOGETHER = 100

/** Registers, each an operation of its own, of which so many are durable together. */
async function writeTogether(sizes: Sizes): Promise<Figures> {
  const writes = sizeOf(sizes, 'writes')
  return await inFolder(async (dataDirectory) => {
    const node = await createNode({ dataDirectory, online: false })
    const space = node.createSpace({ name: 'bench' })
    const taken = await seconds(() => {
      for (let first = 0; first < writes; first += TOGETHER)
        space.writeTogether(() => {
          for (let i = first; i < Math.min(first + TOGETHER, writes); i++) space.put(notePath(i), noteText(i))
        })
    })
    await node.stop()
    return { registersTogetherPerSecond: writes / taken }
  })
}

/** Registers, or what a peer has that is as near. OrbitDB has one write in each operation. */
function registers(perOperation: number): readonly Subject[] {
  return [HANSE, ...LOCAL_PEERS]
    .filter(({ name }) => perOperation === 1 || name !== 'OrbitDB')
    .map(({ name, module, without, isFloor }) => ({
      name,
      without,
      ...(isFloor === true ? { isFloor } : {}),
      run: async (sizes) =>
        await inFolder(
          async (folder) => await writeNotes(module, folder, sizeOf(sizes, 'writes'), perOperation),
        ),
    }))
}

function workload(name: string, question: string, perOperation: number): Workload {
  return {
    name,
    question,
    sizes: { writes: 5_000 },
    quick: { writes: 500 },
    subjects: [
      ...registers(perOperation),
      { name: 'Hanse, other types', without: '', run: async (sizes) => await writeAll(sizes, perOperation) },
      ...(perOperation === 1
        ? [{ name: `Hanse, ${TOGETHER} synced together`, without: '', run: writeTogether }]
        : []),
    ],
    compared: { registerPerSecond: 'more', storedBytesEach: 'less' },
  }
}

export const LOCAL_WRITE_WORKLOADS: readonly Workload[] = [
  workload(
    'local-writes',
    'How many writes a second does a space take, by type, each an operation that is durable before the next?',
    1,
  ),
  workload('local-writes-grouped', 'The same with 100 writes in one operation.', 100),
]
