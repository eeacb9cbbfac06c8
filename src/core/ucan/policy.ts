import { equalBytes, utf8 } from '../bytes.ts'
import { encodeCanonical } from '../canonical-cbor.ts'
import { POLICY_DEPTH_MAX, POLICY_PATTERN_BYTES_MAX, POLICY_STATEMENTS_MAX } from '../limits.ts'
import { type Fault, fail, ok, type Result } from '../result.ts'
import { escapeGlob, matchesGlob } from './glob.ts'

/** A policy as a token carries it: an array of statements such as `['==', '.path', 'notes']`, all of which must hold. */
export type PolicySource = readonly unknown[]

/** A policy after `parsePolicy`: within the limits, all of its statements must hold. */
export type Policy = readonly Statement[]

/** One statement of the part of UCAN 1.0 that Hanse evaluates; `unsupported` is well-formed UCAN outside it, and never holds. */
export type Statement =
  | { readonly kind: 'equal'; readonly name: string; readonly value: unknown }
  | { readonly kind: 'like'; readonly name: string; readonly pattern: string }
  | { readonly kind: 'and'; readonly statements: readonly Statement[] }
  | { readonly kind: 'or'; readonly statements: readonly Statement[] }
  | { readonly kind: 'not'; readonly statement: Statement }
  | { readonly kind: 'unsupported'; readonly operator: string }

/** Everything a policy may ask about an operation: all of it is in the header. */
export interface PolicyArguments {
  readonly command: string
  readonly path: string
  /** The operation's signed time, ms since 1970. */
  readonly time: number
  /** Bytes of the operation's body. */
  readonly bodySize: number
}

/** `.name`: the only selectors we evaluate. */
const NAME_SELECTOR = /^\.([A-Za-z_][A-Za-z0-9_]*)$/

/**
 * Reads a policy. Operators and selectors outside our part of UCAN become `unsupported`, so that tokens of other software
 * still decode; such a policy refuses everything.
 *
 * Conditions: every statement is an array that begins with text; `==` and `like` have a text selector and one operand (for
 * `like` text of at most 128 bytes), `and` and `or` one array of statements, `not` one statement; at most 16 statements,
 * nested ones included, and 4 connectives inside each other.
 */
export function parsePolicy(source: unknown): Result<Policy, Fault<'CAP_FORM'>> {
  if (!Array.isArray(source)) return fail('CAP_FORM', 'a policy is an array of statements')
  return parseStatements(source, { left: POLICY_STATEMENTS_MAX }, 0)
}

/**
 * True when all of `policy` holds for the operation. Fails closed: one unsupported statement, one selector that names none
 * of the four arguments, or one `like` on what is no text, anywhere in the policy, inside `not` and unreached branches of
 * `or` too, and nothing holds.
 */
export function authorizePolicy(policy: Policy, args: PolicyArguments): boolean {
  // All of none: most tokens limit nothing.
  if (policy.length === 0) return true
  const { command, path, time, bodySize } = args
  return evaluatePolicy(policy, { command, path, time, bodySize })
}

/** `authorizePolicy` over any arguments: what the official vectors need. */
export function evaluatePolicy(policy: Policy, args: Readonly<Record<string, unknown>>): boolean {
  return (
    policy.every((statement) => isDecidable(statement, args)) &&
    policy.every((statement) => holds(statement, args))
  )
}

/**
 * The policy that limits an operation's path to `prefix` itself and everything below it, by whole segments. The empty prefix
 * gives the empty policy, which limits nothing. `prefix` is taken literally: its asterisks are no wildcards.
 */
export function pathPolicy(prefix: string): PolicySource {
  if (prefix === '') return []
  return [
    [
      'or',
      [
        ['==', '.path', prefix],
        ['like', '.path', `${escapeGlob(prefix)}/*`],
      ],
    ],
  ]
}

/** What is left of the statement limit, counted down while reading. */
interface Budget {
  left: number
}

function parseStatements(
  source: readonly unknown[],
  budget: Budget,
  depth: number,
): Result<Policy, Fault<'CAP_FORM'>> {
  const statements: Statement[] = []
  for (const element of source) {
    const statement = parseStatement(element, budget, depth)
    if (!statement.ok) return statement
    statements.push(statement.value)
  }
  return ok(statements)
}

function parseStatement(
  source: unknown,
  budget: Budget,
  depth: number,
): Result<Statement, Fault<'CAP_FORM'>> {
  if (--budget.left < 0) return fail('CAP_FORM', `a policy has at most ${POLICY_STATEMENTS_MAX} statements`)
  if (!Array.isArray(source) || typeof source[0] !== 'string') {
    return fail('CAP_FORM', 'a policy statement is an array that begins with its operator')
  }
  const [operator, ...operands] = source as [string, ...unknown[]]
  switch (operator) {
    case '==':
    case 'like':
      return parseComparison(operator, operands)
    case 'and':
    case 'or':
    case 'not':
      return parseConnective(operator, operands, budget, depth + 1)
    default:
      return ok({ kind: 'unsupported', operator })
  }
}

function parseComparison(
  operator: '==' | 'like',
  operands: readonly unknown[],
): Result<Statement, Fault<'CAP_FORM'>> {
  const [selector, operand] = operands
  if (operands.length !== 2 || typeof selector !== 'string') {
    return fail('CAP_FORM', `${operator} takes a selector and one operand`)
  }
  if (operator === 'like') {
    if (typeof operand !== 'string' || utf8(operand).length > POLICY_PATTERN_BYTES_MAX) {
      return fail('CAP_FORM', `the pattern of like is text of at most ${POLICY_PATTERN_BYTES_MAX} bytes`)
    }
  }
  const name = NAME_SELECTOR.exec(selector)?.[1]
  if (name === undefined) return ok({ kind: 'unsupported', operator: `${operator} ${selector}` })
  return ok(
    operator === '=='
      ? { kind: 'equal', name, value: operand }
      : { kind: 'like', name, pattern: operand as string },
  )
}

function parseConnective(
  operator: 'and' | 'or' | 'not',
  operands: readonly unknown[],
  budget: Budget,
  depth: number,
): Result<Statement, Fault<'CAP_FORM'>> {
  if (depth > POLICY_DEPTH_MAX) {
    return fail('CAP_FORM', `a policy nests at most ${POLICY_DEPTH_MAX} connectives`)
  }
  const [operand] = operands
  if (operands.length !== 1) return fail('CAP_FORM', `${operator} takes one operand`)
  if (operator === 'not') {
    const inner = parseStatement(operand, budget, depth)
    return inner.ok ? ok({ kind: 'not', statement: inner.value }) : inner
  }
  if (!Array.isArray(operand)) return fail('CAP_FORM', `${operator} takes an array of statements`)
  const inner = parseStatements(operand, budget, depth)
  return inner.ok ? ok({ kind: operator, statements: inner.value }) : inner
}

/** True when `statement` and all inside it have a truth value for these arguments. */
export function isDecidable(statement: Statement, args: Readonly<Record<string, unknown>>): boolean {
  switch (statement.kind) {
    case 'equal':
      return Object.hasOwn(args, statement.name)
    case 'like':
      return Object.hasOwn(args, statement.name) && typeof args[statement.name] === 'string'
    case 'and':
    case 'or':
      return statement.statements.every((inner) => isDecidable(inner, args))
    case 'not':
      return isDecidable(statement.statement, args)
    case 'unsupported':
      return false
  }
}

/** The truth value of a decidable statement. An empty `or` holds, as UCAN 1.0 says. */
function holds(statement: Statement, args: Readonly<Record<string, unknown>>): boolean {
  switch (statement.kind) {
    case 'equal':
      return equalBytes(encodeCanonical(args[statement.name]), encodeCanonical(statement.value))
    case 'like':
      return matchesGlob(statement.pattern, args[statement.name] as string)
    case 'and':
      return statement.statements.every((inner) => holds(inner, args))
    case 'or':
      return statement.statements.length === 0 || statement.statements.some((inner) => holds(inner, args))
    case 'not':
      return !holds(statement.statement, args)
    case 'unsupported':
      return false
  }
}
