import { expect, test } from 'vitest'
import { HeadClaims } from '../../src/node/space/head-claims.ts'

const head = new Uint8Array(32).fill(7)

test('a head that one session asks for is left to it, until it stalls, lets go, or the clock is set back', () => {
  let nowMs = 1_000_000
  const claims = new HeadClaims()
  const [one, other] = [claims.session(() => nowMs), claims.session(() => nowMs)]
  expect([one.claim(head), other.claim(head), one.claim(head)]).toEqual([true, false, true])
  one.release()
  expect(other.claim(head)).toBe(true)
  nowMs += 4_999
  expect(one.claim(head)).toBe(false)
  nowMs += 1
  expect(one.claim(head)).toBe(true)
  nowMs -= 3_600_000
  expect(other.claim(head)).toBe(true)
})
