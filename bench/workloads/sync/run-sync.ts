import { setTimeout } from 'node:timers/promises'
import type { Figures, Sizes } from '../../measure.ts'
import { sizeOf } from '../../measure.ts'
import { Party, type Usage, withTwo } from '../../party.ts'
import type { Address, SyncSizes } from './entries.ts'

/** The commands of a source and a receiver are those of hanse-party.ts, for every peer. */
function both(module: URL) {
  return { source: module, receiver: module }
}

export function syncSizes(sizes: Sizes): SyncSizes {
  return {
    operations: sizeOf(sizes, 'operations'),
    authors: sizeOf(sizes, 'authors'),
    changes: sizeOf(sizes, 'changes'),
  }
}

/** Has one party do what needs no other. */
export async function askAlone(module: URL, command: string, value: unknown): Promise<void> {
  const party = await Party.start(module)
  try {
    await party.ask(command, value)
  } finally {
    await party.stop()
  }
}

/** Everything from a source to a receiver that has nothing. Bytes are those of the receiver's sockets, both directions. */
export async function coldSync(module: URL, sizes: SyncSizes, folder: string): Promise<Figures> {
  const { operations, changes } = sizes
  return await withTwo(both(module), async (source, receiver) => {
    const address = await source.ask<Address>('serve', { folder, sizes })
    await receiver.ask('openEmpty', { folder, sizes })
    await Promise.all([source.mark(), receiver.mark()])
    const { seconds } = await receiver.ask<{ readonly seconds: number }>('receiveAll', { address, sizes })
    const [given, taken] = await Promise.all([source.usage(), receiver.usage()])
    await receiver.ask('close')
    await source.ask('close')
    return {
      operationsPerSecond: operations / seconds,
      changesPerSecond: (operations * changes) / seconds,
      bytesPerOperation: wireBytes(taken) / operations,
      bytesPerChange: wireBytes(taken) / operations / changes,
      cpuSeconds: given.cpuSeconds + taken.cpuSeconds,
      cpuMicrosPerChange: (1e6 * (given.cpuSeconds + taken.cpuSeconds)) / operations / changes,
      receiverCpuSeconds: taken.cpuSeconds,
      receiverPeakMb: taken.peakMb,
      sourcePeakMb: given.peakMb,
    }
  })
}

/** How long an exchange is given to be over before the next is measured, in ms: identities, subscriptions, acknowledgements. */
const QUIET_MS = 1_000

/** Both hold the same; then the source has more, again and again, and the receiver catches up over the connection that is there. */
export async function catchUp(
  module: URL,
  sizes: SyncSizes,
  differences: readonly number[],
  folder: string,
): Promise<Figures> {
  return await withTwo(both(module), async (source, receiver) => {
    const address = await source.ask<Address>('hold', { folder, sizes, side: 'source' })
    await receiver.ask('hold', { folder, sizes, side: 'receiver' })
    const figures: Record<string, number> = {}
    let operations = sizes.operations
    let cpuSeconds = 0
    for (const difference of differences) {
      // The first of peers that compare only when they meet: the connection that is there is closed, and another is brought past its handshake.
      await receiver.ask('part')
      if (difference > 0) await source.ask('write', { sizes, first: operations, operations: difference })
      operations += difference
      await receiver.ask('connect', { address, sizes })
      await quiet()
      await Promise.all([source.mark(), receiver.mark()])
      const allowed = source.ask('allow')
      const ms = await receiver.ask<number>('catchUp', { sizes, address, operations, isNew: difference > 0 })
      await allowed
      // What is on its way when the receiver is content belongs to it.
      await quiet()
      const [given, taken] = await Promise.all([source.usage(), receiver.usage()])
      figures[`differ${difference}Ms`] = ms
      figures[`differ${difference}Bytes`] = wireBytes(taken)
      figures[`differ${difference}Turns`] = taken.turns
      cpuSeconds += given.cpuSeconds + taken.cpuSeconds
    }
    const { peakMb } = await receiver.usage()
    await receiver.ask('close')
    await source.ask('close')
    return { ...figures, cpuSeconds, receiverPeakMb: peakMb }
  })
}

const wireBytes = ({ bytesIn, bytesOut }: Usage) => bytesIn + bytesOut

const quiet = async () => await setTimeout(QUIET_MS)
