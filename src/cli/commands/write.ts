import type { Command } from '@commander-js/extra-typings'
import { formatJson, parseJson } from '../../core/json.ts'
import { WRITE_INPUT_BYTES_MAX } from '../../core/limits.ts'
import { defineAction } from '../control/action.ts'
import { formatAmount, shortId } from '../output/human.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { decodeText } from './given-value.ts'
import { readEdits, splitEdits } from './read-edits.ts'
import { readInput } from './read-input.ts'

export const writeAction = defineAction({
  name: 'write',
  /** `edits`: one JSON text for each. */
  shape: { space: 'text?', edits: 'texts' },
  run: ({ node }, { space: given, edits }): { readonly id: string; readonly edits: number } => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const read = readEdits(edits.map((text, i) => ({ json: parseJson(text), where: `edit ${i + 1}` })))
    return { id: space.write(read), edits: read.length }
  },
})

/** `hanse write`: several edits as one operation. */
export function registerWrite(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('write')
    .argument('<file>', 'a JSON array of edits, or one edit a line; - reads standard input')
    .description('write several edits of any types as one operation: all of them, or none')
    .addHelpText(
      'after',
      `
Edits:
  {"put": PATH, "value": V}                       {"append": PATH, "value": V}
  {"edit": PATH, "set": {…}, "remove": […]}       {"tag": PATH, "add": […], "remove": […]}
  {"link": FROM, "label": L, "to": TO, "value": V}  {"unlink": FROM, "label": L, "to": TO}
  {"count": PATH, "by": N}                        {"claim": PATH, "value": V}
  {"delete": PATH, "type": T}                     {"text": PATH, "splices": [[POSITION, DELETED, INSERTED], …]}
What is deleted is what was there before: an edit does not see the others.`,
    )
    .action(async (file, _options, self) => {
      const advice = 'which is more than one operation holds: split it'
      const bytes = await readInput(file === '-' ? shell.input : file, WRITE_INPUT_BYTES_MAX, advice)
      const given = splitEdits(decodeText(bytes))
      // Read here too, where the lines are known.
      readEdits(given)
      const { session, space } = shell.open(self)
      const edits = given.map(({ json }) => formatJson(json))
      const written = await session.execute(writeAction, { space, edits })
      shell.print(
        written,
        ({ id, edits: count }) => `${formatAmount(count, 'edit')} written by operation ${shortId(id)}`,
      )
    })
}
