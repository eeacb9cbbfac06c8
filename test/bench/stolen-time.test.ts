import { expect, it } from 'vitest'
import { parseCpuTimes, stolenPart } from '../../bench/stolen-time.ts'

it('reads what was at work and what was taken, and nothing of what is no such line', () => {
  const text = 'cpu  100 20 30 4000 50 6 7 80 9 1\ncpu0 1 2 3 4 5 6 7 8 0 0\n'
  expect(parseCpuTimes(text)).toEqual({ busy: 163, stolen: 80 })
  for (const other of ['', 'cpu', 'cpu  1 2 3 4', 'intr 1 2 3 4 5 6 7 8'])
    expect(parseCpuTimes(other)).toBeNull()
})

it('tells which part of the time that was wanted was taken', () => {
  const before = { busy: 1_000, stolen: 50 }
  expect(stolenPart(before, { busy: 1_300, stolen: 150 })).toBe(0.25)
  expect(stolenPart(before, before)).toBeNull()
  expect(stolenPart(null, before)).toBeNull()
})
