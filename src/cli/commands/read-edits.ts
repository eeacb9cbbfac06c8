import { parseJson } from '../../core/json.ts'
import { WRITE_EDITS_MAX } from '../../core/limits.ts'
import { fromJsonValue } from '../../core/value-json.ts'
import type { TextSplice } from '../../core/types/text/delta.ts'
import { FaultError } from '../../node/fault-error.ts'
import { checkEdit } from '../../node/space/check-edit.ts'
import type { ItemEdit } from '../../node/space/item-edit.ts'
import { chooseType } from './choose-type.ts'

/** An edit as `hanse write` takes it. */
export interface GivenEdit {
  /** As JSON, by the conventions of DAG-JSON. */
  readonly json: unknown
  /** Where it stands, for people: `line 3`, `edit 3`. */
  readonly where: string
}

/** Keys of an edit beside the first, which says what is done and where: those that must be there, and those that may. */
const KEYS = {
  put: [['value'], []],
  edit: [[], ['set', 'remove']],
  link: [['label', 'to'], ['value']],
  unlink: [['label', 'to'], []],
  append: [['value'], []],
  tag: [[], ['add', 'remove']],
  count: [[], ['by']],
  claim: [['value'], []],
  text: [['splices'], []],
  delete: [['type'], []],
} as const satisfies Record<string, readonly [readonly string[], readonly string[]]>
type Kind = keyof typeof KEYS

/** One JSON array of edits, or one edit a line; empty lines are passed over. `BAD_EDIT` with the line where it is neither. */
export function splitEdits(text: string): readonly GivenEdit[] {
  const edits = text.trimStart().startsWith('[') ? splitArray(text) : splitLines(text)
  if (edits.length === 0) throw badEdit('there is nothing to write')
  if (edits.length > WRITE_EDITS_MAX)
    throw badEdit(
      `one operation takes at most ${WRITE_EDITS_MAX} edits, and these are ${edits.length}: split them`,
    )
  return edits
}

function splitArray(text: string): readonly GivenEdit[] {
  let list: unknown
  try {
    list = parseJson(text)
  } catch (error) {
    throw badEdit(`this is no JSON array: ${messageOf(error)}`)
  }
  return (list as readonly unknown[]).map((json, i) => ({ json, where: `edit ${i + 1}` }))
}

function splitLines(text: string): readonly GivenEdit[] {
  return text.split('\n').flatMap((line, i) => {
    const where = `line ${i + 1}`
    if (line.trim() === '') return []
    try {
      return [{ json: parseJson(line), where }]
    } catch (error) {
      throw badEdit(`${where} is no JSON: ${messageOf(error)}`)
    }
  })
}

/** Reads edits strictly, each so that it can have an effect; a fault names the place. */
export function readEdits(given: readonly GivenEdit[]): readonly ItemEdit[] {
  return given.map(({ json, where }) => {
    try {
      const edit = readEdit(json)
      const checked = checkEdit(edit)
      if (checked.ok) return edit
      throw new FaultError(checked.fault)
    } catch (error) {
      if (error instanceof FaultError)
        throw new FaultError({ code: error.code, detail: `${where}: ${error.message}` })
      throw error
    }
  })
}

function readEdit(json: unknown): ItemEdit {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw badEdit('an edit is an object such as {"put":"notes/a","value":1}')
  const given = json as Readonly<Record<string, unknown>>
  const kinds = Object.keys(given).filter((key): key is Kind => Object.hasOwn(KEYS, key))
  const [kind, other] = kinds
  if (kind === undefined || other !== undefined)
    throw badEdit(`an edit has one of the keys ${Object.keys(KEYS).join(', ')}, with the path it is about`)
  const [required, optional]: readonly [readonly string[], readonly string[]] = KEYS[kind]
  for (const key of required)
    if (!Object.hasOwn(given, key)) throw badEdit(`${kind} needs ${JSON.stringify(key)}`)
  for (const key of Object.keys(given))
    if (key !== kind && !required.includes(key) && !optional.includes(key))
      throw badEdit(`${kind} has no key ${JSON.stringify(key)}`)
  const path = textOf(given, kind)
  switch (kind) {
    case 'put':
    case 'append':
    case 'claim':
      return { kind, path, value: valueOf(given['value']) }
    case 'edit': {
      const set = valueOf(given['set'] ?? {})
      if (typeof set !== 'object' || set === null || Object.getPrototypeOf(set) !== Object.prototype)
        throw badEdit('"set" is an object of fields')
      return { kind, path, set: set as Readonly<Record<string, unknown>>, remove: textsOf(given, 'remove') }
    }
    case 'link':
      return {
        kind,
        path,
        label: textOf(given, 'label'),
        to: textOf(given, 'to'),
        value: valueOf(given['value'] ?? null),
      }
    case 'unlink':
      return { kind, path, label: textOf(given, 'label'), to: textOf(given, 'to') }
    case 'tag':
      return { kind, path, add: textsOf(given, 'add'), remove: textsOf(given, 'remove') }
    case 'count': {
      const by = given['by'] ?? 1
      if (typeof by !== 'number') throw badEdit('"by" is a whole number within ±9007199254740991')
      return { kind, path, by }
    }
    case 'text':
      return { kind, path, splices: splicesOf(given['splices']) }
    case 'delete': {
      const type = chooseType(textOf(given, 'type'))
      if (type === undefined) throw new Error('bug: a type that is there was not read')
      return { kind, path, type }
    }
  }
}

function textOf(given: Readonly<Record<string, unknown>>, key: string): string {
  const text = given[key]
  if (typeof text !== 'string') throw badEdit(`${JSON.stringify(key)} is a text`)
  return text
}

function splicesOf(value: unknown): readonly TextSplice[] {
  const isSplice = (splice: unknown): splice is TextSplice =>
    Array.isArray(splice) &&
    splice.length === 3 &&
    Number.isSafeInteger(splice[0]) &&
    Number.isSafeInteger(splice[1]) &&
    typeof splice[2] === 'string'
  if (!Array.isArray(value) || !value.every(isSplice))
    throw badEdit('"splices" is a list of [position, count of deleted characters, inserted text]')
  return value
}

function textsOf(given: Readonly<Record<string, unknown>>, key: string): readonly string[] {
  const texts = given[key] ?? []
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === 'string'))
    throw badEdit(`${JSON.stringify(key)} is a list of texts`)
  return texts
}

function valueOf(json: unknown): unknown {
  try {
    return fromJsonValue(json)
  } catch (error) {
    throw new FaultError({ code: 'BAD_VALUE', detail: messageOf(error) })
  }
}

const badEdit = (detail: string) => new FaultError({ code: 'BAD_EDIT', detail })
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
