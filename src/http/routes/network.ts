import { multiaddr } from '@multiformats/multiaddr'
import { Type } from 'typebox'
import { HTTP_SYNC_SECONDS_MAX, SPACE_NAME_BYTES_MAX } from '../../core/limits.ts'
import { TRUST_PROFILES, type TrustProfile } from '../../core/changes/control.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { HanseNode } from '../../node/node.ts'
import type { NodeNetwork } from '../../node/network/node-network.ts'
import { goneSignal } from '../gone-signal.ts'
import type { HttpApp, HttpContext } from '../http-context.ts'
import { problems } from '../schemas/problem.ts'
import { SpaceParams } from '../schemas/space.ts'
import { syncNow } from '../sync-now.ts'

const tags = ['operator']
const closed = { additionalProperties: false }
const Seconds = Type.Integer({
  minimum: 1,
  maximum: HTTP_SYNC_SECONDS_MAX,
  default: 30,
  description: 'Give up after so many seconds.',
})

/** Spaces and peers, for whoever runs the node. */
export function registerNetworkRoutes(app: HttpApp, { node }: HttpContext): void {
  registerSpaces(app, node)
  app.get(
    '/v1/peers',
    {
      schema: {
        operationId: 'listPeers',
        summary: 'Peers connected now and known of each space, and what is held against them',
        tags,
        response: {
          200: Type.Object({
            online: Type.Boolean(),
            connections: Type.Array(Type.Unknown()),
            spaces: Type.Array(
              Type.Object({ id: Type.String(), name: Type.String(), peers: Type.Array(Type.Unknown()) }),
            ),
          }),
          ...problems,
        },
      },
    },
    ({ caller }) => {
      caller.requireOperator()
      const { network } = node
      const withStanding = <T extends { readonly peer: string }>(one: T) => ({
        ...one,
        ...network?.standingOf(one.peer),
      })
      return {
        online: network !== null,
        connections: (network?.connectedPeers() ?? []).map(withStanding),
        spaces: node.spaces().map((space) => ({
          id: space.id,
          name: space.name,
          peers: space.status().peers.map(withStanding),
        })),
      }
    },
  )
  app.post(
    '/v1/peers',
    {
      schema: {
        operationId: 'connectPeer',
        summary: 'Connect to a peer at an address',
        tags,
        body: Type.Object(
          {
            address: Type.String({
              maxLength: 512,
              description: 'A multiaddr: /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…',
            }),
            timeoutSeconds: Seconds,
          },
          closed,
        ),
        response: { 200: Type.Object({ peer: Type.String() }), ...problems },
      },
    },
    async ({ caller, body: { address, timeoutSeconds } }, reply) => {
      caller.requireOperator()
      const signal = AbortSignal.any([goneSignal(reply), AbortSignal.timeout(timeoutSeconds * 1000)])
      return { peer: await reach(online(node), address, signal) }
    },
  )
  app.post(
    '/v1/spaces/:space/sync',
    {
      schema: {
        operationId: 'syncNow',
        summary:
          'Compare a space with one peer, or all that are connected, and exchange what either side lacks',
        tags,
        params: SpaceParams,
        body: Type.Object(
          {
            peer: Type.Optional(
              Type.String({ maxLength: 512, description: 'Id or multiaddr. Default: every peer.' }),
            ),
            timeoutSeconds: Seconds,
          },
          closed,
        ),
        response: { 200: Type.Ref('SyncSummary'), ...problems },
      },
    },
    async ({ caller, params, body: { peer, timeoutSeconds } }, reply) => {
      caller.requireOperator()
      const space = node.space(params.space)
      const network = online(node)
      const signal = AbortSignal.any([goneSignal(reply), AbortSignal.timeout(timeoutSeconds * 1000)])
      const named = peer?.startsWith('/') === true ? await reach(network, peer, signal) : peer
      return await syncNow(space, named === undefined ? network.peersOf(space) : [named], signal)
    },
  )
}

function registerSpaces(app: HttpApp, node: HanseNode): void {
  app.post(
    '/v1/spaces',
    {
      schema: {
        operationId: 'createSpace',
        summary: 'Make a space whose owner is this node',
        tags,
        body: Type.Object(
          {
            name: Type.String({ minLength: 1, maxLength: SPACE_NAME_BYTES_MAX }),
            profile: Type.Optional(Type.Unsafe<TrustProfile>({ type: 'string', enum: [...TRUST_PROFILES] })),
            openReading: Type.Boolean({
              default: true,
              description: 'Whether every member reads everything.',
            }),
          },
          closed,
        ),
        response: { 201: Made, ...problems },
      },
    },
    async ({ caller, body: { profile, ...rest } }, reply) => {
      caller.requireOperator()
      const space = node.createSpace({ ...rest, ...(profile === undefined ? {} : { profile }) })
      return await reply.code(201).send({ id: space.id, name: space.name, did: space.did })
    },
  )
  app.post(
    '/v1/spaces/join',
    {
      schema: {
        operationId: 'joinSpace',
        summary: 'Join a space by an invite link; it is empty until the first sync',
        tags,
        body: Type.Object({ link: Type.String({ maxLength: 65_536 }) }, closed),
        response: { 201: Made, ...problems },
      },
    },
    async ({ caller, body }, reply) => {
      caller.requireOperator()
      const space = node.join(body.link)
      return await reply.code(201).send({ id: space.id, name: space.name, did: space.did })
    },
  )
}

const Made = Type.Object({
  id: Type.String(),
  name: Type.String({ description: 'Empty while nothing has arrived.' }),
  did: Type.String(),
})

function online({ network }: HanseNode): NodeNetwork {
  if (network !== null) return network
  throw new FaultError({ code: 'OFFLINE', detail: 'this node is offline: run it with "hanse up"' })
}

async function reach(network: NodeNetwork, text: string, signal: AbortSignal): Promise<string> {
  let address: ReturnType<typeof multiaddr>
  try {
    address = multiaddr(text)
  } catch {
    const detail = `${JSON.stringify(text)} is not an address: one looks like /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW...`
    throw new FaultError({ code: 'BAD_ADDRESS', detail })
  }
  try {
    return await network.reach(address, signal)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new FaultError({ code: 'UNREACHABLE', detail: `${text} could not be reached: ${why}` })
  }
}
