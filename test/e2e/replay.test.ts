import { afterEach, expect, test } from 'vitest'
import { TOKENS_PER_OPERATION_MAX } from '../../src/core/limits.ts'
import { didOf } from '../../src/demo/people.ts'
import { Replay } from '../../src/demo/replay.ts'
import { parseHistory } from '../../src/node/exchange/history-file.ts'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import type { GrantOptions } from '../../src/node/space/authority.ts'

let node: HanseNode | undefined

afterEach(async () => {
  await node?.stop()
  node = undefined
})

test('replays a history of more people than one operation can grant', async () => {
  const people = TOKENS_PER_OPERATION_MAX + 2
  // Each commit on the one before, each by somebody else: the last ones build on nothing that has seen their grant.
  const lines = Array.from({ length: people }, (_, i) => ({
    i,
    parents: i === 0 ? [] : [i - 1],
    author: i,
    time: 1_500_000_000 + i,
    changes: [[`files/${i}`, 'abcdef012345']],
  }))
  const history = parseHistory(lines.map((line) => JSON.stringify(line)).join('\n'), 'many.jsonl')
  node = await createNode({ listen: [], mdns: false, dht: false })
  const timeMs = history.commits[0]?.timeMs ?? 0
  const space = node.createSpace({ name: 'many', timeMs })
  space.grantAll(
    Array.from({ length: people }, (_, person): GrantOptions => ({ to: didOf(person), role: 'writer' })),
    timeMs,
  )

  const replay = new Replay(space, history, 0, 1)
  replay.start()

  expect(replay.arrived).toBe(people)
  expect([...space.list('files')]).toHaveLength(people)
})
