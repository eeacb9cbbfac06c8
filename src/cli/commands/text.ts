import type { Command } from '@commander-js/extra-typings'
import { TEXT_CHARACTERS_MAX } from '../../core/limits.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { BlamedRange, SpaceText } from '../../node/space/space-text.ts'
import { defineAction } from '../control/action.ts'
import { formatMoment, shortDid, shortId } from '../output/human.ts'
import { printable, printableLines } from '../output/printable.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { FILE_SILENCE_MS, withInputFile } from './input-file.ts'
import { readInput } from './read-input.ts'

/** A text as it shows. */
interface ShownText {
  readonly path: string
  readonly text: string
  /** Characters: Unicode code points. */
  readonly length: number
  /** True while content is missing that may change it. */
  readonly incomplete: boolean
}

/** What an edit came to. */
interface EditedText {
  readonly path: string
  /** The operation, or the last of those that it took; null where nothing had to be changed. */
  readonly id: string | null
  readonly length: number
}

export const textShowAction = defineAction({
  name: 'text show',
  shape: { space: 'text?', path: 'text' },
  run: ({ node }, { space, path }): ShownText => {
    const text = existing(chooseSpace(node, space).text(path))
    return { path, text: text.toString(), length: text.length, incomplete: text.isIncomplete }
  },
})

export const textEditAction = defineAction({
  name: 'text edit',
  shape: { space: 'text?', path: 'text', position: 'integer', deleted: 'integer', inserted: 'text' },
  run: ({ node }, { space: given, path, position, deleted, inserted }): EditedText => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const text = space.text(path)
    const id = text.apply([[position, deleted, inserted]])
    return { path, id, length: text.length }
  },
})

export const textSetAction = defineAction({
  name: 'text set',
  shape: { space: 'text?', path: 'text', file: 'text' },
  run: async ({ node }, { space: given, path, file }): Promise<EditedText> => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const text = space.text(path)
    const id = text.set(await readText(file))
    return { path, id, length: text.length }
  },
})

export const textBlameAction = defineAction({
  name: 'text blame',
  shape: { space: 'text?', path: 'text' },
  run: ({ node }, { space, path }): { readonly path: string; readonly ranges: readonly BlamedRange[] } => ({
    path,
    ranges: existing(chooseSpace(node, space).text(path)).blame(),
  }),
})

/** `hanse text`: texts that several people edit at once. */
export function registerText(program: Command<[], GlobalOptions>, shell: Shell): void {
  const text = program
    .command('text')
    .description('read and edit texts that several people may type in at once')
    .addHelpText(
      'after',
      '\nPositions and counts are characters (Unicode code points), from 0. What others type at the same time stays.\nExamples:\n  hanse text set notes/plan plan.md\n  hanse text insert notes/plan 0 "# Plan"\n  hanse text show notes/plan > plan.md',
    )
  text
    .command('show')
    .argument('<path>', 'where the text is')
    .description('print a text as it is')
    .action(async (path, _options, self) => {
      const { session, space } = shell.open(self)
      const shown = await session.execute(textShowAction, { space, path })
      if (shown.incomplete) shell.remark('Parts of this text have not arrived: it is not final.')
      // Into a file or a program goes what was written, to the last byte; a terminal must not be steered by it.
      if (shell.isJson || shell.stdout.isTTY) shell.print(shown, () => printableLines(shown.text))
      else shell.write(shown.text)
    })
  text
    .command('insert')
    .argument('<path>', 'where the text is; it is made where there is none')
    .argument('<position>', 'in front of which character', readCount)
    .argument('<text>', 'what to insert')
    .description('insert characters')
    .action(async (path, position, inserted, _options, self) => {
      const { session, space } = shell.open(self)
      const edited = await session.execute(textEditAction, { space, path, position, deleted: 0, inserted })
      shell.print(edited, formatEdited)
    })
  text
    .command('delete')
    .argument('<path>', 'where the text is')
    .argument('<position>', 'the first character to delete', readCount)
    .argument('<count>', 'how many', readCount)
    .description('delete characters; "hanse delete" deletes the whole text')
    .action(async (path, position, deleted, _options, self) => {
      const { session, space } = shell.open(self)
      const edited = await session.execute(textEditAction, { space, path, position, deleted, inserted: '' })
      shell.print(edited, formatEdited)
    })
  text
    .command('set')
    .argument('<path>', 'where the text is; it is made where there is none')
    .argument('<file>', 'a file with the whole text; - reads standard input')
    .description('make a text what a file says, by the fewest insertions and deletions of words')
    .action(async (path, file, _options, self) => {
      const { session, space } = shell.open(self)
      const edited = await withInputFile(shell, file, async (source) =>
        session.execute(textSetAction, { space, path, file: source }, { silenceMs: FILE_SILENCE_MS }),
      )
      shell.print(edited, formatEdited)
    })
  text
    .command('blame')
    .argument('<path>', 'where the text is')
    .description('show who wrote which stretch of a text')
    .action(async (path, _options, self) => {
      const { session, space } = shell.open(self)
      const blamed = await session.execute(textBlameAction, { space, path })
      shell.print(blamed, ({ ranges }) =>
        ranges.map(
          ({ from, to, author, operation, time, text: written }) =>
            `${shell.style.faint(`${formatMoment(time)}  ${shortDid(author)}  ${shortId(operation)}`)}  ${from}–${to}  ${printable(JSON.stringify(written))}`,
        ),
      )
    })
}

/** Bytes of one character in UTF-8, at most. */
const UTF8_BYTES_MAX = 4

function existing(text: SpaceText): SpaceText {
  if (text.exists) return text
  throw new FaultError({
    code: 'NOT_FOUND',
    detail: `there is no text at ${JSON.stringify(text.path)}: see "hanse list", or write one with "hanse text set"`,
  })
}

function readCount(given: string): number {
  if (/^\d{1,15}$/.test(given)) return Number(given)
  throw new FaultError({
    code: 'USAGE',
    detail: `${JSON.stringify(given)} must be a whole number from 0: positions and counts are characters`,
  })
}

async function readText(file: string): Promise<string> {
  const bytes = await readInput(file, UTF8_BYTES_MAX * TEXT_CHARACTERS_MAX, 'which is more than a text holds')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new FaultError({ code: 'BAD_FILE', detail: 'what was given is no UTF-8 text: store it as a blob' })
  }
}

function formatEdited({ path, id, length }: EditedText): string {
  return id === null
    ? `${printable(path)} says that already`
    : `${printable(path)} has ${length} characters now, by operation ${shortId(id)}`
}
