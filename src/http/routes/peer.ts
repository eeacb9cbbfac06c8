import { Type } from 'typebox'
import { PEER_MESSAGE_BYTES_MAX } from '../../core/limits.ts'
import { FastifyServerTransport } from '../../peer/fastify-server-transport.ts'
import { Peer } from '../../peer/peer.ts'
import type { Caller } from '../../node/agents/caller.ts'
import type { SpaceAccess } from '../../node/agents/space-access.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { HttpApp, HttpContext } from '../http-context.ts'
import { problems } from '../schemas/problem.ts'
import { SpaceParams } from '../schemas/space.ts'

/** Peers of a space over HTTP (docs/transports.md). */
export function registerPeerRoutes(app: HttpApp, { stopping }: HttpContext): void {
  const transports = new Map<string, Promise<FastifyServerTransport>>()
  const peers: Peer[] = []
  const transportOf = async ({ space }: SpaceAccess): Promise<FastifyServerTransport> => {
    const made = transports.get(space.id) ?? start(space)
    transports.set(space.id, made)
    return await made
  }
  const start = async (space: SpaceAccess['space']): Promise<FastifyServerTransport> => {
    const transport = new FastifyServerTransport('http')
    const peer = new Peer(space, [transport])
    peers.push(peer)
    await peer.start()
    return transport
  }
  stopping.addEventListener('abort', () => {
    for (const peer of peers) void peer.stop()
  })
  const clientOf = (name: string, access: SpaceAccess) => ({
    name,
    mayRead: (path: string) => access.mayRead(path),
  })

  app.get(
    '/v1/spaces/:space/peer/events',
    {
      // A stream without its events would only take a place.
      exposeHeadRoute: false,
      schema: {
        operationId: 'openPeerStream',
        summary: 'Open the stream of a peer: server-sent events connect, sync, data, error',
        description: 'docs/transports.md says what a peer does with them; the library has a client.',
        tags: ['peers'],
        params: SpaceParams,
        querystring: Type.Object({
          peer: Type.String({ pattern: '^[A-Za-z0-9-]{8,64}$', description: 'Id of your peer, unique.' }),
        }),
        response: { 200: Type.String({ description: 'text/event-stream' }), ...problems },
      },
    },
    async ({ caller, params, query }, reply) => {
      const access = accessOf(caller, params.space)
      await (await transportOf(access)).open(reply, query.peer, clientOf(caller.did, access))
    },
  )
  app.post(
    '/v1/spaces/:space/peer/messages',
    {
      bodyLimit: PEER_MESSAGE_BYTES_MAX,
      schema: {
        operationId: 'postPeerMessage',
        summary: 'Tell the peer at the other end of your stream something',
        tags: ['peers'],
        params: SpaceParams,
        body: Type.Object(
          {
            session: Type.String({ maxLength: 128, description: 'From the event `connect` of your stream.' }),
            type: Type.Union([Type.Literal('sync'), Type.Literal('data')]),
            cursor: Type.Optional(Type.Unknown({ description: 'How far you are: author → head.' })),
            message: Type.Optional(Type.Unknown({ description: 'A message of type changes or eose.' })),
          },
          { additionalProperties: false },
        ),
        response: { 204: Type.Null(), ...problems },
      },
    },
    async ({ caller, params, body }, reply) => {
      const access = accessOf(caller, params.space)
      await (await transportOf(access)).take(body, clientOf(caller.did, access))
      return await reply.code(204).send(null)
    },
  )
}

/** A stream of a peer goes on for long, and a browser's session ends without its knowing; so a peer shows a token, whose end ends the stream. */
function accessOf(caller: Caller, space: string): SpaceAccess {
  if (!caller.isNode) return caller.space(space)
  const detail =
    'a peer comes with an agent token and not with the session of a browser: "hanse agent add NAME --can read"'
  throw new FaultError({ code: 'NOT_ALLOWED', detail })
}
