import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { POLICY_DEPTH_MAX, POLICY_PATTERN_BYTES_MAX, POLICY_STATEMENTS_MAX } from '../../src/core/limits.ts'
import { covers, isCommand } from '../../src/core/ucan/command.ts'
import { escapeGlob, matchesGlob } from '../../src/core/ucan/glob.ts'
import {
  authorizePolicy,
  type PolicyArguments,
  type PolicySource,
  parsePolicy,
  pathPolicy,
} from '../../src/core/ucan/policy.ts'

const ARGS: PolicyArguments = {
  command: '/op/write',
  path: 'notes/monday',
  time: 1_700_000_000_000,
  bodySize: 12,
}
const TRUE = ['==', '.path', 'notes/monday']
const FALSE = ['==', '.path', 'elsewhere']

describe('a command', () => {
  test.each([
    ['/op', '/op'],
    ['/op', '/op/write'],
    ['/op', '/op/write/more'],
    ['/', '/op'],
    ['/', '/'],
  ])('%s covers %s', (granted, asked) => {
    expect(covers(granted, asked)).toBe(true)
  })

  test.each([
    ['/op', '/operator'],
    ['/op/write', '/op'],
    ['/op/write', '/op/writer'],
    ['/op', '/'],
    ['/cap', '/op'],
    ['/op/write', '/op/read'],
  ])('%s does not cover %s', (granted, asked) => {
    expect(covers(granted, asked)).toBe(false)
  })

  test('is lower case with a leading and no trailing slash', () => {
    for (const text of ['/', '/op', '/op/write', '/a-b_c.1/*'])
      expect([text, isCommand(text)]).toEqual([text, true])
    for (const text of [
      '',
      'op',
      '//',
      '/op/',
      '/op//w',
      '/Op',
      '/ö',
      '/op write',
      '/op\n',
      `/${'a'.repeat(64)}`,
    ]) {
      expect([text, isCommand(text)]).toEqual([text, false])
    }
  })
})

describe('a policy', () => {
  test('holds when all of its statements do', () => {
    expect(authorized([])).toBe(true)
    expect(authorized([TRUE, TRUE])).toBe(true)
    expect(authorized([TRUE, FALSE])).toBe(false)
    expect(authorized([['and', [TRUE, FALSE]]])).toBe(false)
    expect(authorized([['or', [FALSE, TRUE]]])).toBe(true)
    expect(authorized([['or', [FALSE, FALSE]]])).toBe(false)
    expect(authorized([['not', FALSE]])).toBe(true)
    expect(authorized([['not', TRUE]])).toBe(false)
    expect(authorized([['like', '.path', 'notes/*']])).toBe(true)
    expect(authorized([['not', ['like', '.path', 'notes/*']]])).toBe(false)
  })

  test('asks about command, path, time and body size', () => {
    expect(authorized([['==', '.command', '/op/write']])).toBe(true)
    expect(authorized([['==', '.time', 1_700_000_000_000]])).toBe(true)
    expect(authorized([['==', '.bodySize', 12]])).toBe(true)
    expect(authorized([['==', '.bodySize', '12']])).toBe(false)
  })

  test('sees four arguments, whatever else the object has', () => {
    const more = { ...ARGS, author: 'mallory' }
    const policy = parsePolicy([['==', '.author', 'mallory']])
    expect(policy.ok && authorizePolicy(policy.value, more)).toBe(false)
  })

  const unknowns: readonly (readonly [string, unknown])[] = [
    ['an operator of UCAN that we do not evaluate', ['!=', '.path', 'x']],
    ['a comparison of sizes', ['<', '.bodySize', 100]],
    ['a quantifier', ['any', '.path', TRUE]],
    ['an operator nobody knows', ['frobnicate']],
    ['an argument that is not there', ['==', '.author', 'alice']],
    ['an argument of the prototype', ['==', '.constructor', null]],
    ['a nested selector', ['==', '.path.length', 12]],
    ['an optional selector', ['==', '.path?', 'notes/monday']],
    ['the identity selector', ['==', '.', 'notes/monday']],
    ['a pattern over a number', ['like', '.time', '*']],
  ]
  test.each(unknowns)(
    'with %s fails closed: alone, denied, doubly denied, beside what holds',
    (_, unknown) => {
      for (const policy of [
        [unknown],
        [['not', unknown]],
        [['not', ['not', unknown]]],
        [['or', [TRUE, unknown]]],
        [['or', [unknown, TRUE]]],
        [['not', ['and', [FALSE, unknown]]]],
        [TRUE, ['not', ['or', [unknown]]]],
      ]) {
        expect([policy, parsePolicy(policy).ok]).toEqual([policy, true])
        expect([policy, authorized(policy)]).toEqual([policy, false])
      }
    },
  )

  test.each([
    ['no array', {}],
    ['a statement that is text', ['==']],
    ['a statement without operator', [[]]],
    ['a comparison without operand', [['==', '.path']]],
    ['a comparison with two operands', [['==', '.path', 1, 2]]],
    ['a selector that is no text', [['==', 1, 1]]],
    ['a pattern that is no text', [['like', '.path', 1]]],
    ['a connective over one statement', [['and', TRUE]]],
    ['a connective over nothing', [['or']]],
    ['a denial of a list', [['not', [TRUE]]]],
  ])('with %s is malformed', (_, source) => {
    expect(parsePolicy(source)).toMatchObject({ ok: false, fault: { code: 'CAP_FORM' } })
  })

  test('has at most 16 statements, nested ones included', () => {
    const many = (count: number): PolicySource => Array.from({ length: count }, () => TRUE)
    expect(parsePolicy(many(POLICY_STATEMENTS_MAX)).ok).toBe(true)
    expect(parsePolicy(many(POLICY_STATEMENTS_MAX + 1)).ok).toBe(false)
    expect(parsePolicy([['and', many(POLICY_STATEMENTS_MAX - 1)]]).ok).toBe(true)
    expect(parsePolicy([['and', many(POLICY_STATEMENTS_MAX)]]).ok).toBe(false)
  })

  test('nests at most 4 connectives', () => {
    const nested = (depth: number): unknown => (depth === 0 ? TRUE : ['not', nested(depth - 1)])
    expect(parsePolicy([nested(POLICY_DEPTH_MAX)]).ok).toBe(true)
    expect(parsePolicy([nested(POLICY_DEPTH_MAX + 1)]).ok).toBe(false)
  })

  test('has patterns of at most 128 bytes of UTF-8', () => {
    expect(parsePolicy([['like', '.path', 'a'.repeat(POLICY_PATTERN_BYTES_MAX)]]).ok).toBe(true)
    expect(parsePolicy([['like', '.path', 'a'.repeat(POLICY_PATTERN_BYTES_MAX + 1)]]).ok).toBe(false)
    expect(parsePolicy([['like', '.path', 'ä'.repeat(POLICY_PATTERN_BYTES_MAX / 2 + 1)]]).ok).toBe(false)
  })
})

describe('a path policy', () => {
  test.each([
    ['notes', 'notes', true],
    ['notes', 'notes/monday', true],
    ['notes', 'notes/monday/more', true],
    ['notes', 'notesx', false],
    ['notes', 'note', false],
    ['notes', 'other/notes', false],
    ['notes', '', false],
    ['a*b', 'a*b/c', true],
    ['a*b', 'a*b', true],
    ['a*b', 'axb/c', false],
    ['a\\*b', 'a\\*b/c', true],
    ['a\\*b', 'a*b/c', false],
    ['*', 'anything/at', false],
    ['*', '*/below', true],
    ['dir\\', 'dir\\/file', true],
    ['', 'anything', true],
  ])('for %j on %j is %j', (prefix, path, allowed) => {
    const policy = parsePolicy(pathPolicy(prefix))
    expect(policy.ok && authorizePolicy(policy.value, { ...ARGS, path })).toBe(allowed)
  })
})

describe('a glob', () => {
  test.each([
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['*', 'any/thing', true],
    ['a*', 'a', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*c', 'axbxc', true],
    ['a*b*c', 'acb', false],
    ['**', 'x', true],
    ['*ab*ba*', 'aba', false],
    ['a*bc*cd', 'abcd', false],
    ['a*bc*cd', 'abccd', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['\\', '\\', true],
    ['a\\b', 'a\\b', true],
    ['*\\*', 'any*', true],
    ['[ab]?', '[ab]?', true],
    ['a.c', 'abc', false],
    ['😀*', '😀x', true],
  ])('%j on %j is %j', (pattern, text, matches) => {
    expect(matchesGlob(pattern, text)).toBe(matches)
  })

  test('agrees with a slow and obvious matcher', () => {
    const symbols = fc.constantFrom('a', 'b', '*', '\\')
    fc.assert(
      fc.property(
        fc.string({ unit: symbols, maxLength: 10 }),
        fc.string({ unit: symbols, maxLength: 10 }),
        (pattern, text) => {
          expect(matchesGlob(pattern, text)).toBe(matchesSlowly(pattern, text))
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('escaped, matches its text and nothing else', () => {
    const symbols = fc.constantFrom('a', '*', '\\')
    fc.assert(
      fc.property(
        fc.string({ unit: symbols, maxLength: 6 }),
        fc.string({ unit: symbols, maxLength: 6 }),
        (text, other) => {
          expect(matchesGlob(escapeGlob(text), text)).toBe(true)
          expect(matchesGlob(escapeGlob(text), other)).toBe(other === text)
        },
      ),
    )
  })

  test('with many stars ends on a text on which backtracking would not', () => {
    // Eight stars on a thousand characters: backtracking would take about 10^20 steps.
    expect(matchesGlob(`${'*a'.repeat(8)}*b`, 'a'.repeat(1024))).toBe(false)
    expect(matchesGlob(`${'*a'.repeat(60)}*b`, 'a'.repeat(1024))).toBe(false)
    expect(matchesGlob(`${'*ab'.repeat(40)}*c`, 'ab'.repeat(512))).toBe(false)
    expect(matchesGlob(`${'*'.repeat(128)}b`, 'a'.repeat(1024))).toBe(false)
  })
})

function authorized(source: PolicySource): boolean {
  const policy = parsePolicy(source)
  return policy.ok && authorizePolicy(policy.value, ARGS)
}

function matchesSlowly(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  if (pattern.startsWith('\\*')) return text.startsWith('*') && matchesSlowly(pattern.slice(2), text.slice(1))
  if (pattern.startsWith('*')) {
    return matchesSlowly(pattern.slice(1), text) || (text !== '' && matchesSlowly(pattern, text.slice(1)))
  }
  return pattern[0] === text[0] && matchesSlowly(pattern.slice(1), text.slice(1))
}
