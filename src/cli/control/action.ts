import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import type { HanseNode } from '../../node/node.ts'

/** The door of a running node that programs and browsers come through. */
export interface HttpDoor {
  /** Such as `http://127.0.0.1:7420`. */
  readonly origin: string
  /** A link that makes whoever opens it first the node's operator in their browser. */
  createLink(): string
}

/** What an action works with: a node, which may live in this process or serve many. */
export interface ActionContext {
  readonly node: HanseNode
  /** True in `hanse up`: the node stays after the action. */
  readonly isRunning: boolean
  /** Null where HTTP is not served. */
  readonly http: HttpDoor | null
  /** Aborts when whoever asked is gone, or the node stops. */
  readonly signal: AbortSignal
  /** Tells whoever asked something before the end; waits while they are slow to read. */
  readonly emit: (event: unknown) => Promise<void>
}

/** Types of arguments, by the names that a shape uses. */
interface ArgumentTypes {
  readonly text: string
  readonly texts: readonly string[]
  readonly integer: number
  readonly boolean: boolean
}

type Kind = keyof ArgumentTypes
/** Arguments of an action by name; those whose kind ends with `?` may be left out. */
export type Shape = Readonly<Record<string, Kind | `${Kind}?`>>

/** The arguments that a shape describes. */
export type ArgumentsOf<S extends Shape> = {
  readonly [Name in keyof S as S[Name] extends Kind ? Name : never]: ArgumentTypes[S[Name] & Kind]
} & {
  readonly [Name in keyof S as S[Name] extends Kind ? never : Name]?:
    | (S[Name] extends `${infer K extends Kind}?` ? ArgumentTypes[K] : never)
    | undefined
}

/**
 * What a command does with a node, wherever that runs: the same function answers on the control socket and inside the command's own
 * process. Arguments, events and outcome are JSON (with integers beyond 2^53 - 1 as bigints).
 */
export interface Action<S extends Shape = Shape, Outcome = unknown, Event = unknown> {
  readonly name: string
  readonly shape: S
  readonly run: (
    context: Omit<ActionContext, 'emit'> & { readonly emit: (event: Event) => Promise<void> },
    args: ArgumentsOf<S>,
  ) => Outcome | Promise<Outcome>
}

/** Names an action; for the types' sake. */
export function defineAction<const S extends Shape, Outcome, Event = never>(
  action: Action<S, Outcome, Event>,
): Action<S, Outcome, Event> {
  return action
}

/** Checks arguments against a shape: every one is there and of its kind, and no other. */
export function readArguments<S extends Shape>(
  shape: S,
  value: unknown,
): Result<ArgumentsOf<S>, Fault<'BAD_REQUEST'>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return bad('the arguments are not an object')
  const given = value as Readonly<Record<string, unknown>>
  for (const name of Object.keys(given))
    if (!Object.hasOwn(shape, name)) return bad(`there is no argument ${JSON.stringify(name)}`)
  for (const [name, kind] of Object.entries(shape)) {
    const isOptional = kind.endsWith('?')
    const present = given[name]
    if (present === undefined && isOptional) continue
    if (!isOfKind(present, (isOptional ? kind.slice(0, -1) : kind) as Kind))
      return bad(`the argument ${name} is not of kind ${kind}`)
  }
  return ok(given as ArgumentsOf<S>)
}

function isOfKind(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case 'text':
      return typeof value === 'string'
    case 'texts':
      return Array.isArray(value) && value.every((item) => typeof item === 'string')
    case 'integer':
      return Number.isSafeInteger(value)
    case 'boolean':
      return typeof value === 'boolean'
  }
}

const bad = (detail: string) => fail('BAD_REQUEST', detail)
