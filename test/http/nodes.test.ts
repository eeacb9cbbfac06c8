import { afterAll, beforeAll, expect, it } from 'vitest'
import { NODE_FRESH_MS } from '../../src/core/limits.ts'
import { ServedNode } from './served-node.ts'

let served: ServedNode
let nowMs = Date.now()

beforeAll(async () => {
  served = await ServedNode.start({ now: () => nowMs })
})
afterAll(async () => served.stop())

const node = (id: string) => ({
  id,
  kind: 'server',
  endpoints: ['https://192.0.2.7:7420'],
  capabilities: ['full_node'],
})

it('nodes that register learn of each other, and count as healthy while they are heard of', async () => {
  const writer = served.token('writer', 'writer', 'notes')
  const other = served.token('other', 'writer')
  const first = await served.ask(writer, 'POST', '/api/v1/nodes/register', node('one'))
  expect(first).toMatchObject({ status: 200, body: { nodes: [] } })
  const second = await served.ask(other, 'POST', '/v1/nodes/register', { ...node('two'), kind: 'light' })
  expect(second.body).toMatchObject({
    nodes: [{ id: 'one', kind: 'server', healthy: true, latencyMs: null }],
  })
  nowMs += NODE_FRESH_MS
  await served.ask(other, 'POST', '/v1/nodes/register', node('two'))
  const { body } = await served.ask(writer, 'GET', '/v1/nodes')
  expect(body).toMatchObject({
    nodes: [
      { id: 'two', healthy: true },
      { id: 'one', healthy: false },
    ],
  })
})

it('an entry is not taken over, and not made by those who only read', async () => {
  const mallory = served.token('mallory', 'writer')
  const reader = served.token('reader', 'reader')
  const take = await served.ask(mallory, 'POST', '/v1/nodes/register', node('one'))
  expect(take).toMatchObject({ status: 409, body: { code: 'TAKEN' } })
  expect(await served.ask(reader, 'POST', '/v1/nodes/register', node('three'))).toMatchObject({ status: 403 })
  expect(await served.ask(mallory, 'DELETE', '/v1/nodes/one')).toMatchObject({ status: 403 })
  const operator = served.node.agents.add({ name: 'op', reach: [], isOperator: true }).token
  expect(await served.ask(operator, 'DELETE', '/v1/nodes/one')).toMatchObject({ status: 204 })
})

it('this node never looks at what agents have registered, only at what its operator has', async () => {
  const mallory = served.token('knocker', 'writer')
  await served.ask(mallory, 'POST', '/v1/nodes/register', {
    ...node('inner'),
    endpoints: ['http://127.0.0.1:1'],
  })
  expect(served.node.remotes.nodes.looked()).toEqual([])
  const operator = served.node.agents.add({ name: 'op2', reach: [], isOperator: true }).token
  await served.ask(operator, 'POST', '/v1/nodes/register', node('known'))
  expect(served.node.remotes.nodes.looked().map(({ id }) => id)).toEqual(['known'])
  const folder = { ...node('folder'), endpoints: ['file:///etc'] }
  expect(await served.ask(operator, 'POST', '/v1/nodes/register', folder)).toMatchObject({
    body: { code: 'BAD_URL' },
  })
})
