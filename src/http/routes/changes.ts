import { once } from 'node:events'
import { type Static, Type } from 'typebox'
import { parseClockText } from '../../core/clock-text.ts'
import { formatJson } from '../../core/json.ts'
import { HTTP_WAIT_MS_MAX } from '../../core/limits.ts'
import { parsePath } from '../../core/path.ts'
import { PageSize } from '../../node/agents/page-size.ts'
import type { SpaceAccess } from '../../node/agents/space-access.ts'
import { orThrow } from '../../node/fault-error.ts'
import type { ChangeRecord } from '../../node/feed/change-record.ts'
import type { ItemName } from '../../node/history/delta.ts'
import type { HttpApp, HttpContext } from '../http-context.ts'
import { goneSignal } from '../gone-signal.ts'
import { at } from '../request-fault.ts'
import { followQuery, typesOf } from '../schemas/change.ts'
import { Limit, TypeName } from '../schemas/item.ts'
import { problems } from '../schemas/problem.ts'
import { SpaceParams } from '../schemas/space.ts'

const ChangesQuery = Type.Object({
  ...followQuery,
  limit: Limit,
  since: Type.Optional(
    Type.String({
      maxLength: 16_384,
      description: 'A cursor of a change or of a page before, or now. Default: from the beginning.',
    }),
  ),
  waitMs: Type.Integer({
    minimum: 0,
    maximum: HTTP_WAIT_MS_MAX,
    default: 0,
    description: 'Wait so long for a change where there is none.',
  }),
})
const Names = Type.Array(Type.Object({ path: Type.String(), type: TypeName }))
const Version = Type.Record(Type.String(), Type.Unknown(), {
  description: 'A clock: the head of each author, by did:key.',
})

/** What has changed: operation by operation from a cursor on, or item by item since a version. */
export function registerChangeRoutes(app: HttpApp, { stopping }: HttpContext): void {
  app.get(
    '/v1/spaces/:space/changes',
    {
      schema: {
        operationId: 'listChanges',
        summary:
          'What happened to items from a cursor on, causes first, a page of whole operations at a time',
        tags: ['changes'],
        params: SpaceParams,
        querystring: ChangesQuery,
        response: {
          200: Type.Object({
            changes: Type.Array(Type.Ref('Change')),
            cursor: Type.String({
              description: 'Hand it back as `since`, whether or not there was anything.',
            }),
            more: Type.Boolean({ description: 'There is more already.' }),
          }),
          ...problems,
        },
      },
    },
    async ({ caller, params, query }, reply) => {
      const access = caller.space(params.space)
      const signal = AbortSignal.any([goneSignal(reply), stopping])
      return await changesOf(access, query, signal)
    },
  )
  app.post(
    '/v1/spaces/:space/delta',
    {
      schema: {
        operationId: 'computeDelta',
        summary: 'The items added, updated and deleted since a version',
        tags: ['changes'],
        params: SpaceParams,
        body: Type.Object(
          { fromVersion: Version, path: Type.Optional(Type.String()) },
          { additionalProperties: false },
        ),
        response: {
          200: Type.Object({
            added: Names,
            updated: Names,
            deleted: Names,
            fromVersion: Version,
            toVersion: Version,
          }),
          ...problems,
        },
      },
    },
    async ({ caller, params, body: { fromVersion, path = '' } }) => {
      const access = caller.space(params.space)
      const clock = at('/body/fromVersion', () => orThrow(parseClockText(formatJson(fromVersion))))
      at('/body/path', () => orThrow(parsePath(path)))
      const toVersion = access.space.exchange.clock()
      const { added, updated, deleted } = await access.space.history.since(clock, path)
      const within = (names: readonly ItemName[]) => names.filter((name) => access.mayRead(name.path))
      return {
        added: within(added),
        updated: within(updated),
        deleted: within(deleted),
        fromVersion,
        toVersion,
      }
    },
  )
}

interface ChangesPage {
  readonly changes: readonly ChangeRecord[]
  readonly cursor: string
  readonly more: boolean
}

async function changesOf(
  access: SpaceAccess,
  query: Static<typeof ChangesQuery>,
  signal: AbortSignal,
): Promise<ChangesPage> {
  const { waitMs } = query
  const waiting = AbortSignal.any([signal, AbortSignal.timeout(waitMs)])
  let since = query.since
  for (;;) {
    const page = await pageOf(access, query, since, signal)
    if (page.changes.length > 0 || waitMs === 0 || waiting.aborted) return page
    // What comes while the page is read is in the next one: a wait begins in the turn in which the page has ended.
    await once(access.space, 'change', { signal: waiting }).catch(() => {})
    since = page.cursor
  }
}

/** Whole operations: a page ends after the one with which it is full. */
async function pageOf(
  access: SpaceAccess,
  { path, type, limit }: Pick<Static<typeof ChangesQuery>, 'path' | 'type' | 'limit'>,
  since: string | undefined,
  signal: AbortSignal,
): Promise<ChangesPage> {
  const changes: ChangeRecord[] = []
  const size = new PageSize()
  let end = since ?? ''
  const following = at('/querystring', () =>
    access.space.changes({
      path,
      ...typesOf(type),
      ...(since === undefined ? {} : { since }),
      mayRead: (one) => access.mayRead(one),
      live: false,
      signal,
      onEnd: (cursor) => {
        end = cursor
      },
    }),
  )
  for await (const record of following) {
    const last = changes.at(-1)
    const isSame = last?.operation === record.operation && last.cause === record.cause
    if (last !== undefined && (changes.length >= limit || size.isFull) && !isSame)
      return { changes, cursor: last.cursor, more: true }
    changes.push(size.add(record))
  }
  return { changes, cursor: end, more: false }
}
