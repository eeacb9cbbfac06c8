import { afterEach, expect, it, vi } from 'vitest'
import { bob, createHome } from '../cast.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

it('what one listener throws is thrown by itself, and keeps nothing from the others', async () => {
  const home = await createHome()
  const { replica } = home.hosted
  const late: (() => void)[] = []
  vi.spyOn(process, 'nextTick').mockImplementation((run) => void late.push(run as () => void))
  const told: string[] = []
  const failing = () => {
    told.push('first')
    throw new Error('a listener of somebody else')
  }
  replica.addEventListener('admitted', failing)
  replica.addEventListener('admitted', failing)
  replica.addEventListener('admitted', ({ detail: { own, entries } }) => {
    told.push(`second: ${own.length} of ${entries.length}`)
  })
  const write = () =>
    home.hosted.write([{ kind: 'put', path: 'docs/a', value: 1 }], { author: bob, timeMs: home.nowMs })
  write()
  expect(told).toEqual(['first', 'second: 1 of 1'])
  expect(late).toHaveLength(1)
  expect(() => late[0]?.()).toThrow('a listener of somebody else')
  replica.removeEventListener('admitted', failing)
  write()
  expect(told.slice(2)).toEqual(['second: 1 of 1'])
})
