import { Type } from 'typebox'

export const SpaceParams = Type.Object({
  space: Type.String({ description: 'Id of the space, an unambiguous beginning of it, or its name.' }),
})

export const SpaceSchema = Type.Object(
  {
    id: Type.String({ description: 'Hexadecimal.' }),
    name: Type.String(),
    did: Type.String({ description: 'did:key of the space.' }),
    operations: Type.Integer(),
    readable: Type.Union([Type.Array(Type.String()), Type.Null()], {
      description:
        'At and below which paths your token reads; [""] is everything. Null: in another way than by paths.',
    }),
    writable: Type.Boolean({
      description: 'Whether your token writes at the top; below it may where this is false.',
    }),
    cursor: Type.String({ description: 'Of all that is here now: hand it to /changes or /events.' }),
  },
  { $id: 'Space', title: 'Space' },
)
