import { Type } from 'typebox'
import { CELL_TYPES, type CellType } from '../../core/types/cell.ts'
import { PathQuery, TypeName } from './item.ts'

/** What somebody who follows a space asks for. */
export const followQuery = {
  path: PathQuery,
  type: Type.Optional(
    Type.Array(TypeName, {
      maxItems: CELL_TYPES.length,
      description: 'Only of these types; may be repeated.',
    }),
  ),
}

/** The types asked for, as the feed takes them. */
export const typesOf = (types: readonly CellType[] | undefined) => (types === undefined ? {} : { types })

export const ChangeSchema = Type.Object(
  {
    cursor: Type.String({ description: 'Where to go on after this change.' }),
    cause: Type.Unsafe<string>({
      type: 'string',
      enum: ['written', 'arrived', 'revoked', 'restored'],
      description: 'It was written; its content came late; a revocation took its effect; it got it back.',
    }),
    operation: Type.String(),
    author: Type.String({ description: 'did:key' }),
    time: Type.Integer({ description: "Ms since 1970, as the author's clock said." }),
    path: Type.String(),
    type: TypeName,
    changes: Type.Array(
      Type.Object({
        field: Type.String(),
        action: Type.Unsafe<string>({ type: 'string', enum: ['set', 'remove', 'add', 'clear', 'edit'] }),
        value: Type.Optional(Type.Unknown()),
      }),
    ),
  },
  { $id: 'Change', title: 'Change', description: 'What one operation did to one item.' },
)
