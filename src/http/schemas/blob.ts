import { Type } from 'typebox'

export const BlobSchema = Type.Object(
  {
    path: Type.String(),
    hash: Type.String({
      description: 'Of the content (docs/protocol.md, blobs), hexadecimal; its entity tag.',
    }),
    size: Type.Integer({ description: 'Bytes.' }),
    mediaType: Type.Union([Type.String(), Type.Null()]),
    name: Type.Union([Type.String(), Type.Null()]),
    complete: Type.Boolean({ description: 'Whether all of the content is on this node.' }),
    wanted: Type.Boolean({ description: 'Whether this node fetches it.' }),
  },
  { $id: 'Blob', title: 'Blob' },
)

export const WantSchema = Type.Object(
  {
    hash: Type.String(),
    size: Type.Integer(),
    paths: Type.Array(Type.String(), { description: 'At which it is, the first few.' }),
    sinceMs: Type.Integer({ description: 'Milliseconds since 1970.' }),
    asked: Type.Boolean({ description: 'False: it is fetched because it is small.' }),
  },
  { $id: 'Want', title: 'Want' },
)
