import { Type } from 'typebox'
import { CAPS_MAX, PATH_BYTES_MAX } from '../../core/limits.ts'
import { ROLES, type Role } from '../../node/space/roles.ts'

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()])

export const RoleName = Type.Unsafe<Role>({
  type: 'string',
  enum: [...ROLES],
  description: 'reader; writer, who reads too; admin, who gives on and revokes too.',
})
export const Did = Type.String({ pattern: '^did:key:z[1-9A-HJ-NP-Za-km-z]+$', maxLength: 128 })
export const Hex64 = Type.String({ pattern: '^[0-9a-f]{64}$' })

/** What is given, and for how long. */
export const Terms = {
  role: RoleName,
  path: Type.String({ default: '', maxLength: PATH_BYTES_MAX, description: 'Only at and below it.' }),
  expiresMs: Type.Optional(
    Type.Integer({ minimum: 1, description: 'Milliseconds since 1970. Default: never.' }),
  ),
  depth: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: CAPS_MAX - 1,
      description: 'How often it may be passed on; 0: not at all.',
    }),
  ),
}

export const DelegationSchema = Type.Object(
  {
    digest: Type.String({ description: 'Hexadecimal: name it so to revoke it.' }),
    issuer: Type.String({ description: 'did:key of who gave it.' }),
    audience: Type.String({ description: 'did:key of who has it.' }),
    command: Type.String(),
    path: Nullable(Type.String({ description: 'Null: its policy has another form.' })),
    notBeforeMs: Nullable(Type.Integer()),
    expiresMs: Nullable(Type.Integer()),
    depth: Nullable(Type.Integer()),
    state: Type.String({ description: 'active, pending, expired, revoked or unfounded.' }),
    revokedBy: Nullable(Type.String()),
    rotation: Type.Boolean(),
    publishedBy: Type.String({ description: 'Id of the operation that published it.' }),
  },
  { $id: 'Delegation', title: 'Delegation' },
)

const Impact = Type.Object({ author: Type.String(), path: Type.String(), operations: Type.Integer() })

const report = {
  tokens: Type.Array(Type.String(), { description: 'Digests of the delegations that end.' }),
  outOfReach: Type.Array(Type.String(), { description: 'Of those you are not above, and that go on.' }),
  endedBelow: Type.Array(Type.Object({ token: Type.String(), audience: Type.String() })),
  revocations: Type.Array(Type.String(), {
    description: 'Ids of the operations that revoke; none in a dry run.',
  }),
  openInvites: Type.Array(Type.String()),
  masked: Type.Array(Impact, { description: 'What loses its effect, as far as you may read there.' }),
  revived: Type.Array(Impact, { description: 'What gets its effect back.' }),
}

export const RevocationSchema = Type.Object(report, { $id: 'Revocation', title: 'Revocation' })

export const ContainmentSchema = Type.Object(
  {
    ...report,
    tainted: Type.Array(
      Type.Object({ id: Type.String(), author: Type.String(), path: Type.String(), time: Type.Integer() }),
      { description: 'What others did after having seen it, as far as you may read there.' },
    ),
    taintedCount: Type.Integer(),
  },
  { $id: 'Containment', title: 'Containment' },
)

export const AgentSchema = Type.Object(
  {
    name: Type.String(),
    did: Type.String(),
    operator: Type.Boolean(),
    state: Type.String({ description: 'active, expired or revoked.' }),
    createdMs: Type.Integer(),
    expiresMs: Nullable(Type.Integer()),
    revokedMs: Nullable(Type.Integer()),
    grants: Type.Array(
      Type.Object({ space: Type.String(), role: RoleName, path: Type.String(), token: Type.String() }),
    ),
  },
  { $id: 'Agent', title: 'Agent' },
)
