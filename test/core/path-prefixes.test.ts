import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isAtOrBelow } from '../../src/core/path.ts'
import { intersectPrefixes, prefixesOf, unitePrefixes } from '../../src/core/ucan/path-prefixes.ts'
import { authorizePolicy, parsePolicy, pathPolicy, type PolicySource } from '../../src/core/ucan/policy.ts'
import { roleTerms } from '../../src/node/space/roles.ts'

const READ = { command: '/op/read', bodySize: 0 }
const parse = (source: PolicySource) => {
  const policy = parsePolicy(source)
  if (!policy.ok) throw new Error(policy.fault.detail)
  return policy.value
}
const prefixes = (...sources: readonly PolicySource[]) => prefixesOf(sources.map(parse), READ)

const SEGMENTS = ['a', 'b', 'a*', 'ab']
const path = fc.array(fc.constantFrom(...SEGMENTS), { maxLength: 3 }).map((segments) => segments.join('/'))
const inForm = fc.oneof(
  path.map(pathPolicy),
  fc.constantFrom<PolicySource>(
    [],
    [['==', '.command', '/op/read']],
    [['==', '.command', '/op/write']],
    [['like', '.command', '/op/*']],
    [['==', '.bodySize', 0]],
    [['like', '.path', '*']],
    [['or', []]],
    [['==', '.nonsense', 1]],
    [['all', '.path', []]],
  ),
)
const policy: fc.Arbitrary<PolicySource> = fc.letrec<{ policy: PolicySource }>((tie) => ({
  policy: fc.oneof(
    { depthSize: 'small' },
    inForm,
    fc.array(tie('policy'), { maxLength: 3 }).map((all) => [['or', all.map((one) => ['and', one])]]),
    fc.array(tie('policy'), { maxLength: 2 }).map((all) => all.flat()),
    tie('policy').map((inner) => [['not', ['and', inner]]]),
    fc.constantFrom<PolicySource>([['==', '.path', 'a']], [['like', '.path', 'a*']], [['==', '.time', 3]]),
  ),
})).policy

describe('the prefixes of policies', () => {
  test('say exactly what the policies allow, wherever they say anything', () => {
    let known = 0
    fc.assert(
      fc.property(fc.array(policy, { maxLength: 3 }), path, fc.nat(5), (sources, at, time) => {
        const policies = sources.flatMap((source) => {
          const parsed = parsePolicy(source)
          return parsed.ok ? [parsed.value] : []
        })
        const found = prefixesOf(policies, READ)
        if (found === null) return
        known++
        const allowed = policies.every((one) => authorizePolicy(one, { ...READ, path: at, time }))
        expect(found.some((prefix) => isAtOrBelow(at, prefix))).toBe(allowed)
      }),
      { numRuns: 3_000 },
    )
    expect(known).toBeGreaterThan(1_000)
  })

  test('of roles are the path of the role, or everywhere', () => {
    const of = (role: string, at: string, isOpen: boolean) => {
      const terms = roleTerms(role, at, isOpen)
      if (!terms.ok) throw new Error(terms.fault.detail)
      return prefixes(terms.value.policy)
    }
    expect(of('reader', '', true)).toEqual([''])
    expect(of('reader', 'docs', false)).toEqual(['docs'])
    expect(of('writer', 'notes/a*', true)).toEqual([''])
    expect(of('writer', 'notes/a*', false)).toEqual(['notes/a*'])
    expect(of('admin', '', false)).toEqual([''])
  })

  test('of a chain are where all its tokens agree, none below another', () => {
    expect(prefixes(pathPolicy('a'), pathPolicy('a/b'))).toEqual(['a/b'])
    expect(prefixes(pathPolicy('a'), pathPolicy('b'))).toEqual([])
    expect(unitePrefixes([['a/b', 'c'], ['a']])).toEqual(['a', 'c'])
    expect(intersectPrefixes(['a', 'c'], ['a/b', 'a/c', 'd'])).toEqual(['a/b', 'a/c'])
  })

  test('are unknown for what is no prefix, and nothing at all where a policy is dead', () => {
    expect(prefixes([['==', '.path', 'a']])).toBeNull()
    expect(prefixes([['like', '.path', 'a/*']])).toBeNull()
    expect(
      prefixes([
        [
          'or',
          [
            ['==', '.path', ''],
            ['like', '.path', '/*'],
          ],
        ],
      ]),
    ).toBeNull()
    expect(prefixes([['not', ['==', '.path', 'a']]])).toBeNull()
    expect(
      prefixes([
        [
          'or',
          [
            ['==', '.command', '/op/read'],
            ['==', '.nonsense', 1],
          ],
        ],
      ]),
    ).toEqual([])
    expect(unitePrefixes([null, ['a']])).toBeNull()
    expect(unitePrefixes([null, ['']])).toEqual([''])
    expect(intersectPrefixes(null, [])).toEqual([])
  })
})
