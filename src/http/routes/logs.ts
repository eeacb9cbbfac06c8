import { Type } from 'typebox'
import { PageSize } from '../../node/agents/page-size.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { EntryName } from '../../node/space/log-entries.ts'
import type { LogValue } from '../../node/space/item.ts'
import type { HttpApp } from '../http-context.ts'
import { readablePath } from '../readable-path.ts'
import { at } from '../request-fault.ts'
import { Limit, Next, PathParams } from '../schemas/item.ts'
import { problems } from '../schemas/problem.ts'

/** The entries of logs. */
export function registerLogRoutes(app: HttpApp): void {
  app.get(
    '/v1/spaces/:space/logs/*',
    {
      schema: {
        operationId: 'listEntries',
        summary: 'The entries of a log in order: from the first, after one, or the last so many',
        tags: ['logs'],
        params: PathParams,
        querystring: Type.Object({
          limit: Limit,
          after: Type.Optional(
            Type.String({
              maxLength: 80,
              description: 'An entry as ID or ID/INDEX; `next` of the page before.',
            }),
          ),
          last: Type.Boolean({
            default: false,
            description: 'The last `limit` entries rather than the first.',
          }),
        }),
        response: {
          200: Type.Object({
            entries: Type.Array(
              Type.Object({
                id: Type.String({ description: 'Of its operation.' }),
                index: Type.Integer(),
                author: Type.String(),
                time: Type.Integer(),
                value: Type.Unknown(),
              }),
            ),
            next: Next,
          }),
          ...problems,
        },
      },
    },
    ({ caller, params, query: { limit, after, last } }) => {
      const path = params['*']
      const { space } = readablePath(caller.space(params.space), path)
      if (last && after !== undefined)
        throw new FaultError({ code: 'BAD_REQUEST', detail: '/querystring: give one of last and after' })
      if (last) return { entries: latestThatFit(space.lastEntries(path, limit)), next: null }
      const from = after === undefined ? {} : { after: at('/querystring/after', () => readName(after)) }
      return pageOfEntries(
        at('/querystring/after', () => space.entries(path, from)),
        limit,
      )
    },
  )
}

function pageOfEntries(entries: Iterable<LogValue>, limit: number) {
  const page: LogValue[] = []
  const size = new PageSize()
  for (const entry of entries) {
    const end = page.at(-1)
    if (end !== undefined && (page.length === limit || size.isFull))
      return { entries: page, next: `${end.id}/${end.index}` }
    page.push(size.add(entry))
  }
  return { entries: page, next: null }
}

/** Of entries in order the last, as many as one page holds. */
export function latestThatFit(entries: readonly LogValue[]): readonly LogValue[] {
  const size = new PageSize()
  const first = entries.findLastIndex((entry) => {
    const isFull = size.isFull
    size.add(entry)
    return isFull
  })
  return entries.slice(first + 1)
}

function readName(text: string): EntryName {
  const [, id, index = '0'] = /^([0-9a-f]{64})(?:\/(\d{1,5}))?$/.exec(text) ?? []
  if (id !== undefined) return { id, index: Number(index) }
  throw new FaultError({
    code: 'BAD_ID',
    detail: `${JSON.stringify(text)} is no entry of a log: its id, or ID/INDEX`,
  })
}
