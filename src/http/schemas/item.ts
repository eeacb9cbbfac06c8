import { type Static, Type } from 'typebox'
import { DEPS_MAX, HTTP_PAGE_MAX, WRITE_EDITS_MAX } from '../../core/limits.ts'
import { CELL_TYPES, type CellType } from '../../core/types/cell.ts'
import { SpaceParams } from './space.ts'

/** Of everything about one path: it stands in the address as it is, each segment percent-encoded. */
export const PathParams = Type.Object({
  ...SpaceParams.properties,
  '*': Type.String({ description: 'Path in the space, such as notes/today.' }),
})

export const PathQuery = Type.String({ description: 'At or below this path.', default: '' })

export const TypeName = Type.Unsafe<CellType>({
  type: 'string',
  enum: [...CELL_TYPES],
  description: 'Type of an item.',
})

export const Limit = Type.Integer({
  minimum: 1,
  maximum: HTTP_PAGE_MAX,
  default: 100,
  description: 'At most so many.',
})

export const Recorded = Type.Boolean({
  default: false,
  description: 'Of the past: what was revoked since counts, as it did then.',
})

/** A place in a listing that goes on. */
export const Next = Type.Union([Type.String(), Type.Null()], {
  description: 'Hand it back as `after` for the next page; null: there is no more.',
})

export const Value = Type.Unknown({
  description: 'Any JSON. Bytes are {"/": {"bytes": "base64"}}, links {"/": "cid"}; integers up to 64 bits.',
})

export const OperationId = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'Id of an operation, hexadecimal.',
})

const Etag = Type.Union([Type.String(), Type.Null()], {
  description: 'Entity tag of what shows, for If-Match; null where nothing does, and for logs.',
})

export const ItemSchema = Type.Object(
  {
    path: Type.String(),
    type: TypeName,
    value: Type.Unknown({
      description:
        'By type. register, counter, text: the value. map: its fields. edge: [{label, to, value}]. log: its last entries. set: its members. blob: its reference. claim: who holds it.',
    }),
    etag: Etag,
    incomplete: Type.Optional(Type.Boolean({ description: 'Of a text: not all of it has arrived.' })),
    more: Type.Optional(Type.Boolean({ description: 'Of a log: it has earlier entries.' })),
  },
  { $id: 'Item', title: 'Item', description: 'An item as it shows.' },
)

/** How an operation is made: options of everything that writes. */
export const writeOptions = {
  after: Type.Optional(
    Type.Array(OperationId, {
      maxItems: DEPS_MAX,
      description:
        'Build on exactly these operations rather than on all that this node has: positions and deletions mean what showed there.',
    }),
  ),
  timeMs: Type.Optional(
    Type.Integer({ minimum: 0, description: "The author's clock, ms since 1970. Default: now." }),
  ),
}

export const WrittenSchema = Type.Object(
  {
    operation: Type.Union([Type.String(), Type.Null()], {
      description: 'Id of the signed operation; null where nothing had to change.',
    }),
    etag: Type.Optional(Etag),
  },
  { $id: 'Written', title: 'Written' },
)

export type WrittenJson = Static<typeof WrittenSchema>

/** The answer of what writes, for schemas of routes. */
export const Written = Type.Ref('Written')

const Names = Type.Array(Type.String(), { maxItems: WRITE_EDITS_MAX })
const Fields = Type.Record(Type.String(), Type.Unknown(), { description: 'Values by field.' })

export const Splices = Type.Array(
  Type.Object(
    {
      at: Type.Integer({ minimum: 0, description: 'Position in code points of what shows.' }),
      delete: Type.Optional(Type.Integer({ minimum: 0 })),
      insert: Type.Optional(Type.String()),
    },
    { additionalProperties: false },
  ),
  {
    minItems: 1,
    maxItems: WRITE_EDITS_MAX,
    description: 'One after the other, each of the text that the ones before it leave.',
  },
)

/** What can be done to one item, by kind, without the path. */
const EDITS = {
  put: { value: Value },
  edit: { set: Type.Optional(Fields), remove: Type.Optional(Names) },
  link: { label: Type.String(), to: Type.String(), value: Type.Optional(Value) },
  unlink: { label: Type.String(), to: Type.String() },
  append: { value: Value },
  tag: { add: Type.Optional(Names), remove: Type.Optional(Names) },
  count: { by: Type.Optional(Type.Integer({ description: 'Default 1.' })) },
  claim: { value: Value },
  text: { splices: Splices },
  delete: { type: TypeName },
}

type Kind = keyof typeof EDITS
export type EditJson = {
  [K in Kind]: { readonly kind: K } & Static<ReturnType<typeof Type.Object<(typeof EDITS)[K]>>>
}[Kind]

/** One schema for each kind, told apart by `kind`; `around` are properties that all of them have. */
function editSchema<T>(around: Record<string, unknown>, more: readonly object[] = []) {
  return Type.Unsafe<T>({
    type: 'object',
    discriminator: { propertyName: 'kind' },
    required: ['kind'],
    oneOf: [
      ...Object.entries(EDITS).map(([kind, properties]) =>
        Type.Object(
          { kind: Type.Literal(kind), ...properties, ...(around as object) },
          { additionalProperties: false },
        ),
      ),
      ...more,
    ],
  })
}

/** An edit of the item in the address; `release` gives back the caller's own claims. */
export const EditBody = editSchema<
  (EditJson | { readonly kind: 'release' }) & {
    readonly after?: readonly string[]
    readonly timeMs?: number
  }
>(writeOptions, [
  Type.Object({ kind: Type.Literal('release'), ...writeOptions }, { additionalProperties: false }),
])

export interface BatchEditJson {
  readonly path: string
  readonly ifMatch?: string
  readonly ifNoneMatch?: string
}

/** An edit among several of one operation. */
export const BatchEdit = editSchema<EditJson & BatchEditJson>({
  path: Type.String(),
  ifMatch: Type.Optional(
    Type.String({ description: 'As the header If-Match, for the item that this edit is about.' }),
  ),
  ifNoneMatch: Type.Optional(Type.String({ description: '* for: only where there is none.' })),
})
