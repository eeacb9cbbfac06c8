import type { Command } from '@commander-js/extra-typings'
import { BODY_BYTES_MAX } from '../../core/limits.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import { defineAction } from '../control/action.ts'
import { shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { formatValue, parseValue } from '../../core/value-json.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { collect } from './collect.ts'
import { readInput } from './read-input.ts'

/** What was written. */
interface Written {
  readonly id: string
  readonly path: string
  readonly type: 'register' | 'map'
}

export const putAction = defineAction({
  name: 'put',
  // The value travels as JSON text, by the conventions of DAG-JSON.
  shape: { space: 'text?', path: 'text', value: 'text' },
  run: ({ node }, { space: given, path, value }): Written => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    return { id: space.put(path, orThrow(parseValue(value))), path, type: 'register' }
  },
})

export const editAction = defineAction({
  name: 'edit',
  /** `values`: one JSON text for each of `fields`. */
  shape: { space: 'text?', path: 'text', fields: 'texts', values: 'texts', remove: 'texts' },
  run: ({ node }, { space: given, path, fields, values, remove }): Written => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const set = Object.fromEntries(
      fields.map((field, index) => [field, orThrow(parseValue(values[index] ?? 'null'))]),
    )
    const present = (space.get(path, 'map')?.value ?? {}) as Readonly<Record<string, unknown>>
    if (fields.length === 0 && !remove.some((field) => Object.hasOwn(present, field))) {
      throw new FaultError({
        code: 'NOT_FOUND',
        detail: `the map at ${JSON.stringify(path)} has no such field: see "hanse get"`,
      })
    }
    return { id: space.edit(path, set, remove) as string, path, type: 'map' }
  },
})

/** `hanse put`: writes a value, or some fields of a map. */
export function registerPut(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('put')
    .argument('<path>', 'where, e.g. notes/today')
    .argument('[value]', 'JSON where it is JSON, else text; - reads standard input')
    .description('write a value, or some fields of a map')
    .option('--text', 'take the value as text, even where it is JSON')
    .option('--file <file>', 'read the value from a file; one that is not text becomes bytes')
    .option('--field <name=value>', 'set a field of the map at the path; may be repeated', collect)
    .option('--remove <name>', 'remove a field of the map at the path; may be repeated', collect)
    .addHelpText(
      'after',
      '\nExamples:\n  hanse put notes/today "buy milk"\n  hanse put settings/theme \'{"dark": true}\'\n  hanse put people/ada --field name=Ada --field born=1815 --remove nickname\n  date | hanse put notes/date -',
    )
    .action(async (path, value, { text, file, field = [], remove = [] }, self) => {
      const { session, space } = shell.open(self)
      const sources = [value !== undefined, file !== undefined, field.length + remove.length > 0].filter(
        Boolean,
      ).length
      if (sources !== 1) {
        const detail =
          sources === 0
            ? 'there is nothing to write: give a value, --file, --field or --remove'
            : 'give one of a value, --file, and --field with --remove'
        throw new FaultError({ code: 'USAGE', detail })
      }
      const toJson = (given: string) => (text === true ? JSON.stringify(given) : toJsonText(given))
      const written =
        field.length + remove.length > 0
          ? await session.execute(editAction, { space, path, ...splitFields(field, toJson), remove })
          : await session.execute(putAction, {
              space,
              path,
              value: await readValue(value, file, shell, toJson),
            })
      shell.print(written, ({ id }) => `${printable(path)} written by operation ${shortId(id)}`)
    })
}

const FILE_ADVICE = 'which is the most one operation holds: "hanse blob put" takes a file of any size'

async function readValue(
  value: string | undefined,
  file: string | undefined,
  shell: Shell,
  toJson: (text: string) => string,
): Promise<string> {
  if (value !== undefined && value !== '-') return toJson(value)
  const bytes =
    value === '-'
      ? await readInput(shell.input, BODY_BYTES_MAX)
      : await readInput(file as string, BODY_BYTES_MAX, FILE_ADVICE)
  try {
    return toJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    return formatValue(bytes)
  }
}

/** JSON as it was given where it is JSON, else the text as a JSON string. */
function toJsonText(given: string): string {
  return formatValue(orThrow(parseValue(given)))
}

function splitFields(
  pairs: readonly string[],
  toJson: (text: string) => string,
): { readonly fields: readonly string[]; readonly values: readonly string[] } {
  const fields: string[] = []
  const values: string[] = []
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at < 1)
      throw new FaultError({
        code: 'USAGE',
        detail: `--field ${JSON.stringify(pair)} must be of the form name=value`,
      })
    const name = pair.slice(0, at)
    if (fields.includes(name))
      throw new FaultError({
        code: 'USAGE',
        detail: `the field ${JSON.stringify(name)} is set twice: set it once`,
      })
    fields.push(name)
    values.push(toJson(pair.slice(at + 1)))
  }
  return { fields, values }
}
