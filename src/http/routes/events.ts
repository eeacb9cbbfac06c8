import { type Static, Type } from 'typebox'
import { isAtOrBelow } from '../../core/path.ts'
import type { CellType } from '../../core/types/cell.ts'
import type { SpaceAccess } from '../../node/agents/space-access.ts'
import type { ChangeRecord } from '../../node/feed/change-record.ts'
import type { HanseNode } from '../../node/node.ts'
import { EventQueue } from '../event-queue.ts'
import { type ServerEvent, sendEvents } from '../event-stream.ts'
import { sessionOf } from '../authenticate.ts'
import type { HttpApp, HttpContext } from '../http-context.ts'
import { at } from '../request-fault.ts'
import { followQuery, typesOf } from '../schemas/change.ts'
import { problems } from '../schemas/problem.ts'
import { SpaceParams } from '../schemas/space.ts'
import { StreamPlaces } from '../stream-places.ts'

const EventsQuery = Type.Object({
  ...followQuery,
  since: Type.String({
    maxLength: 16_384,
    default: 'now',
    description: 'A cursor, or now. The header Last-Event-ID goes before it.',
  }),
})

/** What happens in a space, as server-sent events. */
export function registerEventRoutes(app: HttpApp, { node, sessions, stopping }: HttpContext): void {
  const places = new StreamPlaces()
  app.get(
    '/v1/spaces/:space/events',
    {
      // A stream without its events would only take a place.
      exposeHeadRoute: false,
      schema: {
        operationId: 'followEvents',
        summary: 'What happens in a space, as it happens (server-sent events)',
        description: [
          'Events: `change` (a Change; its id is a cursor), `ready` (all that was there is told; its id is a cursor),',
          '`conflict` (a Conflict), `outdated` (a type of change that this node does not know), `connect`, `sync` and `eose`',
          '(a peer was reached, was compared with, has the same), `missed` (so many of those others were left out).',
          'After a break hand the last id back as Last-Event-ID, as browsers do by themselves: no change is lost, at worst told again.',
        ].join(' '),
        tags: ['changes'],
        params: SpaceParams,
        querystring: EventsQuery,
        headers: Type.Object({ 'last-event-id': Type.Optional(Type.String({ maxLength: 16_384 })) }),
        produces: ['text/event-stream'],
        response: { 200: Type.String(), ...problems },
      },
    },
    async (request, reply) => {
      const { caller, params, query, headers } = request
      const session = sessionOf(request)
      const access = caller.space(params.space)
      const lastId = headers['last-event-id']
      const since = lastId === undefined || lastId === '' ? query.since : lastId
      // What cannot be followed is a problem while there can still be one.
      at(since === lastId ? '/headers/last-event-id' : '/querystring', () =>
        access.space.changes({ since, path: query.path }),
      )
      const giveBack = places.take(caller.did)
      const isWelcome = () => !caller.isNode || sessions.has(session ?? '')
      try {
        await sendEvents(
          reply,
          (signal) => follow({ access, node, query: { ...query, since }, isWelcome, signal }),
          stopping,
        )
      } finally {
        giveBack()
      }
    },
  )
}

interface Following {
  readonly access: SpaceAccess
  readonly node: HanseNode
  readonly query: Static<typeof EventsQuery>
  /** False once the session of a browser has ended: looked at before each event. Tokens that end abort `signal`. */
  readonly isWelcome: () => boolean
  readonly signal: AbortSignal
}

async function* follow(following: Following): AsyncGenerator<ServerEvent, void, void> {
  const queue = new EventQueue()
  const over = new AbortController()
  const end = () => over.abort()
  following.signal.addEventListener('abort', end)
  over.signal.addEventListener('abort', () => queue.end())
  try {
    listen(following, queue, over.signal)
    void pump(following, queue, over.signal)
    for await (const event of queue.read()) {
      if (over.signal.aborted || !following.isWelcome()) return
      yield event
    }
  } finally {
    following.signal.removeEventListener('abort', end)
    end()
  }
}

/** Of records that the feed gives to several followers; so their text is made once (sendEvents). */
const events = new WeakMap<ChangeRecord, ServerEvent>()

function eventOf(record: ChangeRecord): ServerEvent {
  const known = events.get(record)
  if (known !== undefined) return known
  const event = { event: 'change', id: record.cursor, data: record }
  events.set(record, event)
  return event
}

/** Changes wait for a slow client: none is left out. */
async function pump({ access, query }: Following, queue: EventQueue, signal: AbortSignal): Promise<void> {
  const { since, path, type } = query
  let isReady = false
  try {
    const changes = access.space.changes({
      since,
      path,
      ...typesOf(type),
      mayRead: (one) => access.mayRead(one),
      signal,
      onEnd: (cursor) => {
        if (!isReady) queue.tell({ event: 'ready', id: cursor, data: { cursor } })
        isReady = true
      },
    })
    for await (const record of changes) await queue.put(eventOf(record))
    queue.end()
  } catch (error) {
    queue.end(error)
  }
}

/** What else the space tells. Peers are known by their ids alone, and nothing is said of how much there is. */
function listen({ access, node, query }: Following, queue: EventQueue, signal: AbortSignal): void {
  const { space } = access
  const tell = (event: string, data: unknown) => queue.tell({ event, data })
  const isWanted = ({ path, type }: { readonly path: string; readonly type: CellType }) =>
    isAtOrBelow(path, query.path) && query.type?.includes(type) !== false && access.mayRead(path)
  space.addEventListener(
    'conflict',
    ({ detail }) => {
      if (isWanted(detail)) tell('conflict', detail)
    },
    { signal },
  )
  space.addEventListener('outdated', ({ detail: { type, version } }) => tell('outdated', { type, version }), {
    signal,
  })
  space.addEventListener(
    'sync',
    ({ detail: { peer, report } }) => tell('sync', { peer, inSync: report.inSync }),
    { signal },
  )
  space.addEventListener('eose', ({ detail: { peer } }) => tell('eose', { peer }), { signal })
  node.addEventListener(
    'connect',
    ({ detail }) => {
      if (detail.space.id === space.id) tell('connect', { peer: detail.peer.toString() })
    },
    { signal },
  )
}
