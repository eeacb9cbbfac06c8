import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { PENDING_CONNECTIONS_MAX } from '../../src/core/limits.ts'
import { type PendingConnection, PendingConnections } from '../../src/core/pending-connections.ts'

/** A socket that tells when it was cut. */
function createSocket(
  cut: string[],
  name: string,
  host = '127.0.0.1',
): PendingConnection & { close(): void } {
  let onClose = () => {}
  return {
    remoteAddr: multiaddr(`/ip4/${host}/tcp/1`),
    abort: () => {
      cut.push(name)
      onClose()
    },
    addEventListener: (_type, listener) => {
      onClose = listener
    },
    close: () => onClose(),
  }
}

it('keeps as many half-open connections as the limit says, and lets the oldest go for one more', () => {
  const pending = new PendingConnections(PENDING_CONNECTIONS_MAX)
  const cut: string[] = []
  const sockets = Array.from({ length: PENDING_CONNECTIONS_MAX }, (_, i) => createSocket(cut, `mallory ${i}`))
  for (const socket of sockets) pending.begin(socket)
  expect(cut).toEqual([])
  pending.begin(createSocket(cut, 'alice'))
  expect(cut).toEqual(['mallory 0'])
  expect(pending.count).toBe(PENDING_CONNECTIONS_MAX)
})

it('lets the oldest of the host go that has most of them, and nobody’s who has few', () => {
  const pending = new PendingConnections(PENDING_CONNECTIONS_MAX)
  const cut: string[] = []
  pending.begin(createSocket(cut, 'alice', '203.0.113.1'))
  for (let i = 0; i < PENDING_CONNECTIONS_MAX; i++)
    pending.begin(createSocket(cut, `mallory ${i}`, `203.0.113.${2 + (i % 64)}`))
  expect(cut).toEqual(['mallory 0'])
  pending.begin(createSocket(cut, 'bob', '203.0.113.99'))
  expect(cut).toEqual(['mallory 0', 'mallory 1'])
})

it('counts no connection any more that is through its handshake or gone', () => {
  const pending = new PendingConnections(PENDING_CONNECTIONS_MAX)
  const cut: string[] = []
  const [alice, bob] = [createSocket(cut, 'alice'), createSocket(cut, 'bob')]
  pending.begin(alice)
  pending.begin(bob)
  pending.end(alice)
  bob.close()
  expect(pending.count).toBe(0)
  for (let i = 0; i < PENDING_CONNECTIONS_MAX; i++) pending.begin(createSocket(cut, `mallory ${i}`))
  expect(cut).toEqual([])
})
