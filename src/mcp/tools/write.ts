import { z } from 'zod'
import { MCP_EDITS_MAX } from '../../core/limits.ts'
import { spliceDelta } from '../../core/types/text/delta.ts'
import type { SpaceAccess } from '../../node/agents/space-access.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import { checkEdit } from '../../node/space/check-edit.ts'
import type { ItemEdit } from '../../node/space/item-edit.ts'
import type { ClaimValue } from '../../node/space/item.ts'
import { diffTexts } from '../../node/space/text-diff.ts'
import type { McpCaller } from '../mcp-caller.ts'
import { givenValue } from '../../node/given-value.ts'
import { noteOutput, pathInput, spaceInput, spaceOutput } from '../schemas.ts'
import { defineTool } from '../tool.ts'

/** What each action needs beside the path, and what it may have. */
const KEYS = {
  put: [['value'], []],
  edit: [[], ['set', 'remove']],
  text: [['text'], []],
  replace: [['find', 'with'], []],
  append: [['value'], []],
  link: [['label', 'to'], ['value']],
  tag: [[], ['add', 'remove']],
  count: [[], ['by']],
  claim: [['value'], []],
  release: [[], []],
} as const satisfies Record<string, readonly [readonly string[], readonly string[]]>

const editInput = z.strictObject({
  action: z.enum(Object.keys(KEYS) as [keyof typeof KEYS, ...(keyof typeof KEYS)[]]),
  path: pathInput,
  value: z
    .unknown()
    .optional()
    .describe('put, append, claim: any JSON value. link: what is said of the edge.'),
  set: z.record(z.string(), z.unknown()).optional().describe('edit: fields and their values.'),
  remove: z.array(z.string()).optional().describe('edit: fields to remove. tag: tags to remove.'),
  add: z.array(z.string()).optional().describe('tag: tags to add.'),
  by: z.int().optional().describe('count: how much to add; 1 where it is left out.'),
  text: z.string().optional().describe('text: all that the text should say.'),
  find: z.string().optional().describe('replace: what stands in the text exactly once.'),
  with: z.string().optional().describe('replace: what should stand there instead.'),
  label: z.string().optional().describe('link: what the edge says, such as "supports".'),
  to: z.string().optional().describe('link: path the edge leads to.'),
})

type GivenEdit = z.output<typeof editInput>

/** Edits of any types. */
export const write = defineTool({
  name: 'write',
  title: 'Write items',
  description: `Writes one or several edits as ONE signed operation: all of them, or none. Actions:
- put: replace the value at a path (the last writer wins); for small facts.
- edit: set and remove single fields of a map; others may change other fields at the same time. Prefer it for things with properties.
- text: make a text say something; replace: change one place of it. Others may type elsewhere at the same time.
- append: add an entry to a log. link: draw an edge. tag: add and remove members of a set. count: add to a counter.
- claim: take what a path names (a task, a name); the first claim holds. Look at "claims" in the result whether it is yours before you go on. release: give your own claim back (alone in its call).`,
  input: {
    edits: z
      .array(editInput)
      .min(1)
      .max(MCP_EDITS_MAX)
      .meta({
        examples: [
          [
            { action: 'edit', path: 'people/ada', set: { name: 'Ada', born: 1815 } },
            { action: 'link', path: 'people/ada', label: 'knows', to: 'people/charles' },
          ],
        ],
      }),
    space: spaceInput,
  },
  output: {
    space: spaceOutput,
    operation: z.string().nullable().describe('Id of the operation; null where nothing had to change.'),
    claims: z
      .array(z.looseObject({ path: z.string(), by: z.string(), yours: z.boolean() }))
      .optional()
      .describe('Who holds what you claimed or released, as far as is known here.'),
    note: noteOutput,
  },
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
  run: async ({ caller }, { edits, space }) => {
    const access = caller.space(space)
    const operation = await access.space.writeSoon(() => perform(access, edits))
    const claimed = edits.filter(({ action }) => action === 'claim' || action === 'release')
    const claims = claimed.map(({ path }) => holderOf(caller, access, path))
    return {
      space: access.space.name,
      operation,
      ...(claims.length === 0
        ? {}
        : { claims, note: 'Claims are provisional: an earlier one may still arrive from another node.' }),
    }
  },
})

function perform(access: SpaceAccess, edits: readonly GivenEdit[]): string | null {
  const { space, author } = access
  const [first] = edits
  if (edits.length === 1 && first?.action === 'release') return space.release(first.path, { author })
  const reader = new EditReader(access)
  const read = edits.flatMap((given, i): readonly ItemEdit[] => {
    try {
      const all = reader.read(given)
      for (const edit of all) orThrow(checkEdit(edit))
      return all
    } catch (error) {
      if (!(error instanceof FaultError)) throw error
      const where = `edit ${i + 1}, ${given.action} at ${JSON.stringify(given.path)}`
      throw new FaultError({ code: error.code, detail: `${where}: ${error.message}` })
    }
  })
  return read.length === 0 ? null : space.write(read, { author })
}

/** Reads the edits of one call, each of which builds on those before it. */
class EditReader {
  readonly #access: SpaceAccess
  /** What texts say after the edits so far. */
  readonly #texts = new Map<string, string>()

  constructor(access: SpaceAccess) {
    this.#access = access
  }

  /** Empty where there is nothing to do. Throws `BAD_EDIT`, `BAD_VALUE`, `NOT_ALLOWED`, `NOT_FOUND`. */
  read(given: GivenEdit): readonly ItemEdit[] {
    const { action, path } = given
    checkKeys(given)
    switch (action) {
      case 'put':
      case 'append':
      case 'claim':
        return [{ kind: action, path, value: givenValue(given.value) }]
      case 'edit': {
        const set = givenValue(given.set ?? {}) as Readonly<Record<string, unknown>>
        return [{ kind: 'edit', path, set, remove: given.remove ?? [] }]
      }
      case 'link': {
        const { label = '', to = '', value = null } = given
        return [{ kind: 'link', path, label, to, value: givenValue(value) }]
      }
      case 'tag':
        return [{ kind: 'tag', path, add: given.add ?? [], remove: given.remove ?? [] }]
      case 'count':
        return [{ kind: 'count', path, by: given.by ?? 1 }]
      case 'text':
        return this.#setText(path, given.text ?? '')
      case 'replace':
        return this.#setText(path, replaceOnce(this.#textAt(path), given.find ?? '', given.with ?? ''))
      case 'release':
        throw new FaultError({ code: 'BAD_EDIT', detail: 'release goes alone: make a call of its own of it' })
    }
  }

  #setText(path: string, after: string): readonly ItemEdit[] {
    const before = this.#textAt(path)
    this.#texts.set(path, after)
    const { space } = this.#access
    if (before === after && space.text(path).exists) return []
    const splices = spliceDelta(diffTexts(before, after))
    return [{ kind: 'text', path, splices: splices.length === 0 ? [[0, 0, '']] : splices }]
  }

  #textAt(path: string): string {
    this.#access.requireRead(path)
    return this.#texts.get(path) ?? this.#access.space.text(path).toString()
  }
}

function replaceOnce(text: string, find: string, replacement: string): string {
  const at = find === '' ? -1 : text.indexOf(find)
  if (at === -1)
    throw new FaultError({
      code: 'NOT_FOUND',
      detail: '"find" does not stand in the text: read it, and copy what stands there exactly',
    })
  if (text.includes(find, at + 1))
    throw new FaultError({
      code: 'AMBIGUOUS_TEXT',
      detail: '"find" stands in the text more than once: give more of what is around it',
    })
  return text.slice(0, at) + replacement + text.slice(at + find.length)
}

function checkKeys(given: GivenEdit): void {
  const { action } = given
  const [required, optional]: readonly [readonly string[], readonly string[]] = KEYS[action]
  const there = Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [key]))
  const missing = required.filter((key) => !there.includes(key))
  const others = there.filter((key) => !['action', 'path', ...required, ...optional].includes(key))
  if (missing.length > 0)
    throw new FaultError({
      code: 'BAD_EDIT',
      detail: `${action} needs ${missing.map((key) => JSON.stringify(key)).join(' and ')}`,
    })
  if (others.length > 0)
    throw new FaultError({
      code: 'BAD_EDIT',
      detail: `${action} takes no ${others.map((key) => JSON.stringify(key)).join(' and no ')}`,
    })
}

function holderOf(caller: McpCaller, access: SpaceAccess, path: string) {
  const claim = access.mayRead(path) ? access.space.get(path, 'claim') : undefined
  if (claim === undefined) return { path, by: 'nobody', yours: false }
  const by = caller.nameOf((claim.value as ClaimValue).author)
  return { path, by, yours: by === 'you' }
}
