import { z } from 'zod'
import { fit } from '../fit.ts'
import { shorten } from '../model-json.ts'
import { folderInput, noteOutput, spaceInput, spaceOutput, typeOutput } from '../schemas.ts'
import { defineTool } from '../tool.ts'

const HITS_MAX = 50
/** Characters of what is shown around a hit. */
const SNIPPET_CHARACTERS_MAX = 400

/** Where words are. */
export const search = defineTool({
  name: 'search',
  title: 'Search for words',
  description:
    'Items in which all of the words stand now, the best first, each with what is around them (the words between ⟦ and ⟧). A word that ends with * finds whatever begins with it.',
  input: {
    words: z
      .string()
      .min(1)
      .describe('Words; all of them must be there.')
      .meta({ examples: ['lighthouse keep*'] }),
    space: spaceInput,
    path: folderInput,
    limit: z.int().min(1).max(HITS_MAX).default(10),
  },
  output: {
    space: spaceOutput,
    hits: z.array(
      z.looseObject({
        path: z.string(),
        type: typeOutput,
        field: z.string().optional().describe('Field, tag or edge in which it is.'),
        snippet: z.string(),
      }),
    ),
    note: noteOutput,
  },
  annotations: { readOnlyHint: true, idempotentHint: true },
  run: async ({ caller, signal }, { words, space, path = '', limit }) => {
    const access = caller.space(space)
    const within = caller.readableBelow(access, path)
    const found = await access.space.search(words, {
      path,
      limit: limit + 1,
      signal,
      asker: caller.caller.isNode ? undefined : caller.caller.did,
      ...(within === null ? {} : { within }),
    })
    // Rights may have changed meanwhile; and where they are not said by paths, this is what keeps to them.
    caller.requireValid()
    const hits = found.flatMap((hit) =>
      access.mayRead(hit.path)
        ? [
            {
              path: hit.path,
              type: hit.type,
              ...(hit.field === '' ? {} : { field: shorten(hit.field) }),
              snippet: shorten(hit.snippet, SNIPPET_CHARACTERS_MAX),
            },
          ]
        : [],
    )
    const { taken, isCut } = fit(hits, limit)
    const note = isCut
      ? 'There are more hits: add a word, or search below a path.'
      : hits.length === 0
        ? 'Nothing has all of these words: try fewer, another form of them, or the beginning of one with *.'
        : null
    return { space: access.space.name, hits: [...taken], ...(note === null ? {} : { note }) }
  },
})
