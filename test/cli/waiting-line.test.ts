import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createStyle } from '../../src/cli/output/style.ts'
import { showWaiting } from '../../src/cli/output/waiting-line.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function terminal(isTTY: boolean) {
  let text = ''
  const stream = Object.assign(
    new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        text += chunk.toString()
        done()
      },
    }),
    { isTTY },
  ) as unknown as NodeJS.WriteStream
  return { stream, seen: () => text }
}

describe('the line for whoever waits', () => {
  it('is there from a second on, counts, and leaves no trace', () => {
    const { stream, seen } = terminal(true)
    const stop = showWaiting(stream, createStyle({}, {}))
    vi.advanceTimersByTime(900)
    expect(seen()).toBe('')
    vi.advanceTimersByTime(1_200)
    expect(seen()).toBe('\r\x1b[Kworking, 1.0 s; Ctrl-C ends it\r\x1b[Kworking, 2.0 s; Ctrl-C ends it')
    stop()
    stop()
    vi.advanceTimersByTime(5_000)
    expect(seen().endsWith('ends it\r\x1b[K')).toBe(true)
  })

  it('is not there for what is quick, nor where nobody looks', () => {
    const quick = terminal(true)
    showWaiting(quick.stream, createStyle({}, {}))()
    const pipe = terminal(false)
    showWaiting(pipe.stream, createStyle({}, {}))
    vi.advanceTimersByTime(5_000)
    expect([quick.seen(), pipe.seen()]).toEqual(['', ''])
  })
})
