import { describe, expect, it } from 'vitest'
import { Party, withTwo } from '../../bench/party.ts'

const ECHO = new URL('echo-party.ts', import.meta.url)

describe('two processes of a workload', () => {
  it('are counted at the socket, both directions, on both sides, and by turns', async () => {
    await withTwo({ source: ECHO, receiver: ECHO }, async (source, receiver) => {
      const port = await source.ask<number>('listen')
      await receiver.ask('exchange', { port, times: 1, bytes: 7 })
      await receiver.mark()
      await receiver.ask('exchange', { port, times: 5, bytes: 1_000 })
      expect(await receiver.usage()).toMatchObject({ bytesIn: 5_000, bytesOut: 5_000, turns: 5 })
      expect(await source.usage()).toMatchObject({ bytesIn: 5_007, bytesOut: 5_007 })
    })
  })

  it('tell the CPU since the mark and the memory of their own', async () => {
    const party = await Party.start(ECHO)
    const before = await party.usage()
    await party.mark()
    const after = await party.usage()
    expect(after.cpuSeconds).toBeLessThan(before.cpuSeconds)
    expect(after.peakMb).toBeGreaterThan(10)
    await party.stop()
    expect(() => process.kill(party.pid ?? 0, 0)).toThrow('ESRCH')
  })

  it('pass on what they throw, and that they ended', async () => {
    const party = await Party.start(ECHO)
    await expect(party.ask('fail')).rejects.toThrow('as it was told to')
    await expect(party.ask('sing')).rejects.toThrow('no command sing')
    await expect(party.ask('die')).rejects.toThrow('a party ended: 3')
    await party.stop()
  })
})
