import { Type } from 'typebox'

const Counts = Type.Record(Type.String(), Type.Integer())
const TextOrNull = Type.Union([Type.String(), Type.Null()])

export const SpaceStatusSchema = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    did: Type.String(),
    operations: Type.Integer(),
    authors: Type.Integer(),
    clockRoot: Type.String({ description: 'Of which operations are here: equal roots, equal sets.' }),
    stateRoot: Type.String({ description: 'Of what shows.' }),
    selection: Type.Union([Type.Array(Type.String()), Type.Null()]),
    absentBodies: Type.Integer(),
    blobs: Type.Unknown(),
    waitingTexts: Type.Array(Type.String()),
    unreadable: Type.Integer(),
    writing: Type.Union([Type.String(), Type.Null()], {
      description: 'Code of what keeps this node from writing.',
    }),
    localHead: TextOrNull,
    acknowledged: Type.Integer({ description: 'Peers who have signed that they hold the local head.' }),
    masked: Type.Integer(),
    clockBehindMs: Type.Union([Type.Integer(), Type.Null()]),
    held: Counts,
    refused: Counts,
    outdated: Type.Array(Type.Unknown()),
    forkedAuthors: Type.Array(Type.String()),
    peers: Type.Array(
      Type.Object({
        peer: Type.String(),
        connected: Type.Boolean(),
        inSync: Type.Boolean({
          description: 'Proved of the present state; false says that nothing is proved.',
        }),
        receipt: Type.Unknown(),
        provedAtMs: Type.Union([Type.Integer(), Type.Null()]),
        weLack: Type.Integer(),
        theyLack: Type.Integer(),
        refused: Counts,
        lastFault: TextOrNull,
      }),
    ),
  },
  { $id: 'SpaceStatus', title: 'SpaceStatus' },
)

export const SyncSummarySchema = Type.Object(
  {
    peers: Type.Array(Type.Unknown(), {
      description: 'Of each peer: reached, and what was exchanged, or why not.',
    }),
    inSync: Type.Boolean({ description: 'Every peer is proved equal, and there was one.' }),
    gained: Type.Integer({ description: 'Operations that are new here.' }),
    refused: Counts,
    bytesSent: Type.Integer(),
    bytesReceived: Type.Integer(),
    durationMs: Type.Integer(),
  },
  { $id: 'SyncSummary', title: 'SyncSummary' },
)
