import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Figures } from '../../measure.ts'
import { Party, withTwo } from '../../party.ts'
import type { Address } from '../sync/entries.ts'

const memoryParty = new URL('memory-party.ts', import.meta.url)
const floorParty = new URL('floor-party.ts', import.meta.url)

const PRINT_PEAK = 'console.log(process.resourceUsage().maxRSS / 1024)'

/** The most resident memory of processes that hold nothing, in MB, each with one thing more than a party that does nothing. */
export async function measureMemory(folder: string): Promise<Figures> {
  const plain = await promisify(execFile)(process.execPath, ['-e', PRINT_PEAK])
  return {
    javascriptMb: Number(plain.stdout),
    partyMb: await peakOf([]),
    sqliteMb: await peakOf(['sqlite']),
    threadsMb: await peakOf(['threads']),
    libp2pMb: await peakOf(['libp2p']),
    composedMb: await peakOf(['composed']),
    allOfTheseMb: await peakOf(['composed', 'sqlite', 'threads']),
    idleHanseMb: await peakOf(['node']),
    receivingMb: await peakOfReceiving(folder),
  }
}

async function peakOf(things: readonly string[]): Promise<number> {
  const party = await Party.start(memoryParty)
  try {
    for (const thing of things) await party.ask(thing)
    return (await party.usage()).peakMb
  } finally {
    await party.stop()
  }
}

/** TCP, Noise and yamux, and everything comes, is unpacked and thrown away. */
async function peakOfReceiving(folder: string): Promise<number> {
  return await withTwo({ source: floorParty, receiver: floorParty }, async (source, receiver) => {
    const address = await source.ask<Address>('serve', { folder })
    await receiver.ask('openReceiving')
    await receiver.ask('receiveOnly', { address })
    const { peakMb } = await receiver.usage()
    await receiver.ask('close')
    await source.ask('close')
    return peakMb
  })
}
