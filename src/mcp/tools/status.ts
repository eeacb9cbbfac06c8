import { z } from 'zod'
import type { SpaceAccess } from '../../node/agents/space-access.ts'
import { formatTime } from '../model-json.ts'
import { spaceInput, spaceOutput } from '../schemas.ts'
import { defineTool } from '../tool.ts'

/** Where the caller's spaces stand. */
export const status = defineTool({
  name: 'status',
  title: 'Spaces and how they stand',
  description:
    'The spaces you reach: how much is in each, with how many other nodes it is in sync, what waits, and a cursor for changes_since and wait_for_change.',
  input: { space: spaceInput },
  output: {
    spaces: z.array(
      z.looseObject({
        space: spaceOutput,
        operations: z.number().describe('Signed operations that are here.'),
        authors: z.number(),
        peers_connected: z.number(),
        peers_in_sync: z.number().describe('Other nodes that have proved to hold the same as this one now.'),
        last_proof: z.string().nullable().describe('When the last such proof was made.'),
        waiting: z.number().describe('Operations that wait for others, or for the time they name.'),
        bodies_missing: z.number().describe('Operations whose content has not arrived yet.'),
        cursor: z.string().describe('Of all that is here now.'),
      }),
    ),
  },
  annotations: { readOnlyHint: true, idempotentHint: true },
  run: ({ caller }, { space }) => ({
    spaces: (space === undefined ? caller.spaces() : [caller.space(space)]).map(describe),
  }),
})

function describe({ space }: SpaceAccess) {
  const { operations, authors, peers, held, absentBodies } = space.status()
  const proofs = peers.flatMap(({ provedAtMs }) => provedAtMs ?? [])
  return {
    space: space.name,
    operations,
    authors,
    peers_connected: peers.filter(({ connected }) => connected).length,
    peers_in_sync: peers.filter(({ inSync }) => inSync).length,
    last_proof: proofs.length === 0 ? null : formatTime(Math.max(...proofs)),
    waiting: Object.values(held).reduce((sum, count) => sum + count, 0),
    bodies_missing: absentBodies,
    cursor: space.cursor(),
  }
}
