import { expect, test } from 'vitest'
import { pushWhatChanged } from '../../src/node/network/push-what-changed.ts'

/** A network of which a test says what it is, and that counts what it pushes. */
function createStub() {
  const events = new EventTarget()
  const state = { protocols: ['/b', '/a'], addresses: ['/ip4/127.0.0.1/tcp/1'], pushes: 0 }
  pushWhatChanged({
    addEventListener: events.addEventListener.bind(events),
    getMultiaddrs: () => state.addresses,
    getProtocols: () => state.protocols,
    logger: { forComponent: () => ({ error: () => {} }) },
    services: {
      identifyPush: {
        push: async () => {
          state.pushes++
        },
      },
    },
  } as unknown as Parameters<typeof pushWhatChanged>[0])
  const say = (type: string, id = '') =>
    events.dispatchEvent(Object.assign(new Event(type), { detail: { id } }))
  return { state, say }
}

test('a peer that has met this node as it is now is pushed nothing, and one that has met another is', () => {
  const { state, say } = createStub()
  say('self:peer:update')
  say('connection:open', 'one')
  state.protocols = ['/a', '/b']
  say('self:peer:update')
  expect(state.pushes).toBe(0)
  state.protocols = ['/a', '/b', '/c']
  say('self:peer:update')
  expect(state.pushes).toBe(1)
  say('connection:open', 'two')
  say('self:peer:update')
  expect(state.pushes).toBe(1)
  state.addresses = []
  say('self:peer:update')
  expect(state.pushes).toBe(2)
})

test('a connection that is gone is pushed nothing', () => {
  const { state, say } = createStub()
  say('connection:open', 'one')
  say('connection:close', 'one')
  state.protocols = []
  say('self:peer:update')
  expect(state.pushes).toBe(0)
})
