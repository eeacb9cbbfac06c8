import { compareBytes, utf8 } from '../bytes.ts'
import { isAtOrBelow, ROOT_PATH } from '../path.ts'
import { matchesGlob, splitAtStars } from './glob.ts'
import { isDecidable, type Policy, type PolicyArguments, type Statement } from './policy.ts'

/**
 * Where something is allowed, as prefixes: at and below each of these paths and nowhere else, none below another, ascending by
 * bytes. `['']` is everywhere, `[]` nowhere. Null: allowed in a way that prefixes cannot say.
 */
export type PathPrefixes = readonly string[] | null

export const EVERYWHERE: PathPrefixes = [ROOT_PATH]
const NOWHERE: PathPrefixes = []

/**
 * The prefixes at and below which all of `policies` hold, for one command and body size at any time: what roles say (`pathPolicy`,
 * and `and`, `or`, `not` around it and around `.command` and `.bodySize`). Null where they say something else.
 */
export function prefixesOf(
  policies: readonly Policy[],
  use: Pick<PolicyArguments, 'command' | 'bodySize'>,
): PathPrefixes {
  const args = { ...use, path: ROOT_PATH, time: 0 }
  const isDead = policies.some((policy) => policy.some((statement) => !isDecidable(statement, args)))
  return isDead ? NOWHERE : allOf(policies.flat().map((statement) => regionOf(statement, use)))
}

/** Where both allow something. */
export function intersectPrefixes(a: PathPrefixes, b: PathPrefixes): PathPrefixes {
  if (a?.length === 0 || b?.length === 0) return NOWHERE
  if (a === null || b === null) return null
  const below = (some: readonly string[], others: readonly string[]) =>
    some.filter((path) => others.some((other) => isAtOrBelow(path, other)))
  return normalise([...below(a, b), ...below(b, a)])
}

/** Where one of them allows something. */
export function unitePrefixes(all: readonly PathPrefixes[]): PathPrefixes {
  if (all.some(isEverywhere)) return EVERYWHERE
  const known: string[] = []
  for (const prefixes of all) {
    if (prefixes === null) return null
    known.push(...prefixes)
  }
  return normalise(known)
}

/** True where nothing is left out. */
export function isEverywhere(prefixes: PathPrefixes): boolean {
  return prefixes?.[0] === ROOT_PATH
}

type Use = Pick<PolicyArguments, 'command' | 'bodySize'>

function regionOf(statement: Statement, use: Use): PathPrefixes {
  switch (statement.kind) {
    case 'equal':
      return statement.name === 'command' || statement.name === 'bodySize'
        ? constant(Object.is(use[statement.name], statement.value))
        : null
    case 'like':
      if (statement.name === 'command') return constant(matchesGlob(statement.pattern, use.command))
      return statement.name === 'path' && statement.pattern === '*' ? EVERYWHERE : null
    case 'and':
      return allOf(statement.statements.map((inner) => regionOf(inner, use)))
    case 'or':
      return anyOf(statement.statements, use)
    case 'not': {
      const inner = regionOf(statement.statement, use)
      if (isEverywhere(inner)) return NOWHERE
      return inner?.length === 0 ? EVERYWHERE : null
    }
    case 'unsupported':
      return NOWHERE
  }
}

const constant = (holds: boolean): PathPrefixes => (holds ? EVERYWHERE : NOWHERE)

const allOf = (regions: readonly PathPrefixes[]): PathPrefixes =>
  regions.reduce(intersectPrefixes, EVERYWHERE)

/** An `or`, in which `path == p` and `path like p/*` together make the prefix p. */
function anyOf(statements: readonly Statement[], use: Use): PathPrefixes {
  if (statements.length === 0) return EVERYWHERE
  const exactly = new Set<string>()
  const below = new Set<string>()
  const regions: PathPrefixes[] = []
  for (const statement of statements) {
    const under = prefixOfGlob(statement)
    if (statement.kind === 'equal' && statement.name === 'path' && typeof statement.value === 'string')
      exactly.add(statement.value)
    else if (under !== null) below.add(under)
    else regions.push(regionOf(statement, use))
  }
  const isPaired = exactly.size === below.size && [...exactly].every((path) => below.has(path))
  return unitePrefixes([...regions, isPaired ? normalise([...exactly]) : null])
}

/** The p of `path like p/*`, with no other wildcard in it. */
function prefixOfGlob(statement: Statement): string | null {
  if (statement.kind !== 'like' || statement.name !== 'path') return null
  const [literal, rest, ...more] = splitAtStars(statement.pattern)
  if (literal === undefined || rest !== '' || more.length > 0) return null
  return literal.length > 1 && literal.endsWith('/') ? literal.slice(0, -1) : null
}

function normalise(paths: readonly string[]): readonly string[] {
  const unique = [...new Set(paths)]
  const outermost = unique.filter(
    (path) => !unique.some((other) => other !== path && isAtOrBelow(path, other)),
  )
  return outermost.toSorted((a, b) => compareBytes(utf8(a), utf8(b)))
}
