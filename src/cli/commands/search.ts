import type { Command } from '@commander-js/extra-typings'
import { SEARCH_HITS_MAX, SEARCH_STALL_MS } from '../../core/limits.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { IndexProgress } from '../../node/query/query-message.ts'
import type { SearchHit } from '../../node/query/space-queries.ts'
import { defineAction } from '../control/action.ts'
import { printable } from '../output/printable.ts'
import { ProgressBar } from '../output/progress-bar.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { readLimit } from './list.ts'

export const searchAction = defineAction<
  {
    readonly space: 'text?'
    readonly words: 'text'
    readonly path: 'text'
    readonly limit: 'integer'
    readonly raw: 'boolean'
  },
  readonly SearchHit[],
  IndexProgress
>({
  name: 'search',
  shape: { space: 'text?', words: 'text', path: 'text', limit: 'integer', raw: 'boolean' },
  run: async ({ node, signal, emit }, { space: given, words, path, limit, raw }) => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    return await space.search(words, {
      path,
      limit,
      raw,
      signal,
      onProgress: (progress) => void emit(progress).catch(() => {}),
    })
  },
})

/** `hanse search`: where words are, the best first. */
export function registerSearch(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('search')
    .argument('<words...>', 'all of them have to be there; stor* is any word that begins so')
    .description('find words in texts, values, entries, edges and tags')
    .option('--path <path>', 'only at or below this path', '')
    .option('--limit <n>', 'at most so many', '20')
    .option('--raw', 'take the words as an expression of SQLite FTS5: "a OR b", "NEAR(a b)"')
    .action(async (words, { path, limit: text, raw = false }, self) => {
      const limit = readLimit(text)
      if (limit > SEARCH_HITS_MAX) {
        throw new FaultError({
          code: 'USAGE',
          detail: `--limit must be at most ${SEARCH_HITS_MAX}, not ${limit}`,
        })
      }
      const { session, space } = shell.open(self)
      const bar = new ProgressBar(shell.isJson ? null : shell.stderr, shell.errorStyle)
      const hits = await session
        .execute(
          searchAction,
          { space, words: words.join(' '), path, limit, raw },
          {
            silenceMs: 2 * SEARCH_STALL_MS,
            onEvent: ({ done, total }) => bar.show('Indexing', done, total),
          },
        )
        .finally(() => bar.end())
      shell.print(hits, () => hits.flatMap((hit) => formatHit(hit, shell)))
      if (hits.length === 0) shell.remark('Nothing has all of these words.')
    })
}

function formatHit({ path, type, field, snippet }: SearchHit, shell: Shell): readonly string[] {
  const { faint, strong } = shell.style
  const isNamed = type === 'map' || type === 'edge'
  const place = `${printable(path) || '(root)'}${isNamed ? `  ${printable(field)}` : ''}`
  const text = printable(snippet.replaceAll(/\s+/g, ' ')).replaceAll(/⟦([^⟧]*)⟧/g, (_match, word: string) =>
    strong(word),
  )
  return [`${place}  ${faint(type)}`, `    ${text}`]
}
