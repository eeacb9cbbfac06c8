import { join } from 'node:path'
import { type Figures, sizeOf, type Sizes, type Subject } from '../../measure.ts'
import { Party } from '../../party.ts'

/** What is beside Hanse where notes are written, read and opened again on one machine. */
interface LocalSubject {
  readonly name: string
  readonly module: URL
  readonly without: string
  readonly isFloor?: true
}

const inMemory = 'sign, authorise, or write to disk before the end'

/** A node that talks to nobody. */
export const HANSE: LocalSubject = {
  name: 'Hanse',
  module: new URL('hanse-party.ts', import.meta.url),
  without: '',
}

export const LOCAL_PEERS: readonly LocalSubject[] = [
  {
    name: 'Hypercore',
    module: new URL('../../peers/local/hypercore-party.ts', import.meta.url),
    without: 'authorise, have keys or merge; nor sync to disk before it returns',
  },
  {
    name: 'OrbitDB',
    module: new URL('../../peers/local/orbitdb-party.ts', import.meta.url),
    without: 'authorise but by a list of writers, or sync to disk before it returns',
  },
  {
    name: 'Automerge',
    module: new URL('../../peers/local/automerge-party.ts', import.meta.url),
    without: inMemory,
  },
  { name: 'Yjs', module: new URL('../../peers/local/yjs-party.ts', import.meta.url), without: inMemory },
  { name: 'Loro', module: new URL('../../peers/local/loro-party.ts', import.meta.url), without: inMemory },
  {
    name: 'SQLite alone',
    module: new URL('sqlite-party.ts', import.meta.url),
    without: 'sign, authorise, keep history or merge',
    isFloor: true,
  },
]

/** Writes notes into an empty folder: what one operation holds, and the saving at the end, are in the rate. */
export async function writeNotes(
  module: URL,
  directory: string,
  count: number,
  perOperation: number,
): Promise<Figures> {
  return await withParty(module, async (party) => {
    await party.ask('open', { directory, expected: false })
    await party.mark()
    const { writeSeconds, saveSeconds } = await party.ask<{
      readonly writeSeconds: number
      readonly saveSeconds: number
    }>('write', { count, perOperation })
    const { cpuSeconds, peakMb } = await party.usage()
    const storedBytes = await party.ask<number>('close')
    return {
      registerPerSecond: count / (writeSeconds + saveSeconds),
      storedBytesEach: storedBytes / count,
      cpuSeconds,
      peakMb,
    }
  })
}

/** Subjects that fill a folder once, and each round open it in a new process and read. */
export function openingSubjects(isLeftOut: (name: string) => boolean): readonly Subject[] {
  return [HANSE, ...LOCAL_PEERS]
    .filter(({ name }) => !isLeftOut(name))
    .map(({ name, module, without, isFloor }) => ({
      name,
      without,
      ...(isFloor === true ? { isFloor } : {}),
      prepare: async (sizes, folder) => {
        await writeNotes(module, join(folder, 'notes'), sizeOf(sizes, 'operations'), 1)
      },
      run: async (sizes, folder) =>
        await withParty(module, async (party) => await openAndRead(party, sizes, join(folder, 'notes'))),
    }))
}

async function openAndRead(party: Party, sizes: Sizes, directory: string): Promise<Figures> {
  const [notes, reads] = [sizeOf(sizes, 'operations'), sizeOf(sizes, 'reads')]
  const lists = reads / 100
  const idle = await party.usage()
  await party.mark()
  const openSeconds = await party.ask<number>('open', { directory, expected: true })
  const opened = await party.usage()
  const readSeconds = await party.ask<number>('read', { notes, reads })
  const listSeconds = await party.ask<number | null>('list', { notes, lists })
  const { cpuSeconds, peakMb } = await party.usage()
  const storedBytes = await party.ask<number>('close')
  return {
    openSeconds,
    openCpuSeconds: opened.cpuSeconds,
    openPeakMb: opened.peakMb,
    idleMb: idle.residentMb,
    readsPerSecond: reads / readSeconds,
    ...(listSeconds === null ? {} : { listsOf100PerSecond: lists / listSeconds }),
    cpuSeconds,
    peakMb,
    storedBytesEach: storedBytes / notes,
  }
}

async function withParty<T>(module: URL, work: (party: Party) => Promise<T>): Promise<T> {
  const party = await Party.start(module)
  try {
    return await work(party)
  } finally {
    await party.stop()
  }
}
