import { Type } from 'typebox'
import { ENDORSED_OPERATIONS_MAX } from '../../core/limits.ts'
import type { SpaceAccess } from '../../node/agents/space-access.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { ContainmentReport, RevocationReport } from '../../node/space/revocation-report.ts'
import type { HttpApp } from '../http-context.ts'
import { Did, Hex64, Terms } from '../schemas/authority.ts'
import { PathQuery } from '../schemas/item.ts'
import { problems } from '../schemas/problem.ts'
import { SpaceParams } from '../schemas/space.ts'

const tags = ['delegations']
const params = SpaceParams
const closed = { additionalProperties: false }
const DryRun = Type.Boolean({ default: false, description: 'Tell what would happen, and do nothing.' })

/** Giving on, narrowing and taking back authority: each with the caller's own, so nobody gives what they have not got. */
export function registerDelegationRoutes(app: HttpApp): void {
  registerGiving(app)
  registerTaking(app)
}

function registerGiving(app: HttpApp): void {
  app.get(
    '/v1/spaces/:space/delegations',
    {
      schema: {
        operationId: 'listDelegations',
        summary:
          'The published delegations: all, or those by and to you where your token does not read everything',
        tags,
        params,
        response: { 200: Type.Object({ delegations: Type.Array(Type.Ref('Delegation')) }), ...problems },
      },
    },
    ({ caller, params: { space } }) => {
      const access = caller.space(space)
      const all = access.space.delegations()
      const isShown = ({ issuer, audience }: (typeof all)[number]) =>
        issuer === caller.did || audience === caller.did
      return { delegations: readsAll(access) ? all : all.filter(isShown) }
    },
  )
  app.post(
    '/v1/spaces/:space/delegations',
    {
      schema: {
        operationId: 'delegate',
        summary: 'Give somebody a role that you have, or less of it',
        tags,
        params,
        body: Type.Object({ to: Did, ...Terms }, closed),
        response: {
          201: Type.Object({
            token: Type.String({ description: 'Digest, hexadecimal: name it so to revoke it.' }),
          }),
          ...problems,
        },
      },
    },
    async ({ caller, params: { space }, body }, reply) => {
      const [token = ''] = caller.space(space).authority().grantAll([body])
      return await reply.code(201).send({ token })
    },
  )
  app.post(
    '/v1/spaces/:space/invites',
    {
      schema: {
        operationId: 'invite',
        summary: 'A link with which whoever has it joins under a role that you have, or less',
        tags,
        params,
        body: Type.Object(
          {
            ...Terms,
            addresses: Type.Boolean({
              default: true,
              description: 'Whether this node can be found by the link.',
            }),
          },
          closed,
        ),
        response: { 201: Type.Object({ link: Type.String() }), ...problems },
      },
    },
    async ({ caller, params: { space }, body }, reply) =>
      await reply.code(201).send({ link: caller.space(space).authority().invite(body) }),
  )
  app.get(
    '/v1/spaces/:space/rights',
    {
      schema: {
        operationId: 'explainRight',
        summary:
          'Whether you may do something, with every chain of delegations that reaches you and which link fails',
        description: 'About others only where your token reads everything.',
        tags,
        params,
        querystring: Type.Object({
          author: Type.Optional(Did),
          path: PathQuery,
          command: Type.String({ default: '/op/write', maxLength: 64 }),
        }),
        response: {
          200: Type.Object({
            author: Type.String(),
            command: Type.String(),
            path: Type.String(),
            allowed: Type.Boolean(),
            chains: Type.Array(
              Type.Object({
                chain: Type.Array(Type.Object({ digest: Type.String(), terms: Type.Unknown() })),
                code: Type.Union([Type.String(), Type.Null()], { description: 'Null where it allows it.' }),
                detail: Type.String(),
              }),
            ),
          }),
          ...problems,
        },
      },
    },
    ({ caller, params: { space }, query: { author = caller.did, path, command } }) => {
      const access = caller.space(space)
      if (author !== caller.did && !readsAll(access))
        throw new FaultError({
          code: 'NOT_ALLOWED',
          detail:
            'what others may do is told to whoever reads all of the space: leave author out to ask about yourself',
        })
      return access.space.explainRight(author, path, command)
    },
  )
}

function registerTaking(app: HttpApp): void {
  app.post(
    '/v1/spaces/:space/revocations',
    {
      schema: {
        operationId: 'revoke',
        summary: 'End delegations, and what was done under them outside the cut',
        description:
          'Without since and purge all that has an effect now keeps it. You must be above what you end. dryRun tells without doing.',
        tags,
        params,
        body: Type.Object(
          {
            target: Type.String({
              minLength: 1,
              maxLength: 128,
              description: 'Digest, or did:key for all that somebody has.',
            }),
            since: Type.Optional(Hex64),
            purge: Type.Boolean({ default: false }),
            dryRun: DryRun,
          },
          closed,
        ),
        response: { 200: Type.Ref('Revocation'), ...problems },
      },
    },
    ({ caller, params: { space }, body }) => {
      const access = caller.space(space)
      return asShownTo(access, access.authority().revoke(body))
    },
  )
  app.post(
    '/v1/spaces/:space/containments',
    {
      schema: {
        operationId: 'contain',
        summary: 'End all that somebody has from an operation on, and list what others built on it',
        tags,
        params,
        body: Type.Object({ author: Did, since: Hex64, dryRun: DryRun }, closed),
        response: { 200: Type.Ref('Containment'), ...problems },
      },
    },
    ({ caller, params: { space }, body }) => {
      const access = caller.space(space)
      const report = access.authority().contain(body)
      const tainted = report.tainted.filter(({ path }) => access.mayRead(path))
      return { ...asShownTo(access, report), tainted } satisfies ContainmentReport
    },
  )
  app.post(
    '/v1/spaces/:space/endorsements',
    {
      schema: {
        operationId: 'endorse',
        summary: 'Give operations that a revocation masks their effect back',
        tags,
        params,
        body: Type.Object(
          { operations: Type.Array(Hex64, { minItems: 1, maxItems: ENDORSED_OPERATIONS_MAX }) },
          closed,
        ),
        response: {
          201: Type.Object({ ids: Type.Array(Type.String(), { description: 'Of the endorsements.' }) }),
          ...problems,
        },
      },
    },
    async ({ caller, params: { space }, body }, reply) =>
      await reply.code(201).send({ ids: [...caller.space(space).authority().endorse(body.operations)] }),
  )
}

const readsAll = (access: SpaceAccess): boolean => access.readable()?.includes('') === true

/** What was done at paths that the caller may not read is not told. */
function asShownTo<T extends RevocationReport>(access: SpaceAccess, report: T): T {
  const isShown = ({ path }: { readonly path: string }) => access.mayRead(path)
  return { ...report, masked: report.masked.filter(isShown), revived: report.revived.filter(isShown) }
}
