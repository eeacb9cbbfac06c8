import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PeerTransport, RemotePeer, TransportHost } from '../../src/peer/transport.ts'

/** Two transports that can reach each other once both are started. */
export interface TransportPair {
  readonly first: PeerTransport
  readonly second: PeerTransport
  /** Ends what the pair itself has started. */
  stop(): Promise<void>
}

/** A host that writes down what happens, and lets a test wait for it. */
class RecordingHost implements TransportHost {
  readonly peerId: string
  readonly schemaVersion = 1
  readonly log: string[] = []
  readonly connected: RemotePeer[] = []
  readonly received: unknown[] = []
  readonly cursors: unknown[] = []
  /** What there is to do for a message. */
  work: () => Promise<void> = async () => {}
  #waiting: { readonly fits: () => boolean; readonly done: () => void }[] = []

  constructor(peerId: string) {
    this.peerId = peerId
  }

  onConnect = (peer: RemotePeer) => {
    this.connected.push(peer)
    this.#note('connect')
  }

  onSync = (_peerId: string, cursor: unknown) => {
    this.cursors.push(cursor)
    this.#note('sync')
  }

  onReceive = async (_peerId: string, message: unknown) => {
    await this.work()
    this.received.push(message)
    this.#note('receive')
  }

  onDisconnect = () => this.#note('disconnect')

  get peer(): string {
    return this.connected.at(-1)?.id ?? ''
  }

  async until(fits: () => boolean): Promise<void> {
    if (fits()) return
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`waited in vain; so far: ${this.log.join(', ')}`)),
        15_000,
      )
      const done = () => {
        clearTimeout(late)
        resolve()
      }
      this.#waiting.push({ fits, done })
    })
  }

  #note(what: string): void {
    this.log.push(what)
    const ready = this.#waiting.filter(({ fits }) => fits())
    this.#waiting = this.#waiting.filter((one) => !ready.includes(one))
    for (const { done } of ready) done()
  }
}

/** What every transport promises (src/peer/transport.ts). Run it on your own: `makePair` gives two that reach each other, not started. */
export function describeTransport(name: string, makePair: () => Promise<TransportPair>): void {
  describe(`the transport ${name}`, () => {
    let pair: TransportPair
    let alice: RecordingHost
    let bob: RecordingHost

    beforeEach(async () => {
      pair = await makePair()
      alice = new RecordingHost('alice-00000001')
      bob = new RecordingHost('bob-0000000001')
      await pair.first.start(alice)
      await pair.second.start(bob)
      await alice.until(() => alice.connected.length > 0)
      await bob.until(() => bob.connected.length > 0)
    })

    afterEach(async () => {
      await pair.first.stop()
      await pair.second.stop()
      await pair.stop()
    })

    it('tells both ends of each other, first of all and once', () => {
      expect(alice.log).toEqual(['connect'])
      expect(bob.log).toEqual(['connect'])
      expect([alice.peer, bob.peer]).toEqual([bob.peerId, alice.peerId])
    })

    it('carries messages whole and in order, both ways at once', async () => {
      const messages = Array.from({ length: 50 }, (_, i) => ({ i, text: 'ü𝄞'.repeat(i * 40) }))
      const send = async (transport: PeerTransport, to: string) => {
        for (const message of messages) await transport.send(to, message)
      }
      await Promise.all([send(pair.first, alice.peer), send(pair.second, bob.peer)])
      await bob.until(() => bob.received.length === messages.length)
      await alice.until(() => alice.received.length === messages.length)
      expect(bob.received).toEqual(messages)
      expect(alice.received).toEqual(messages)
    })

    it('carries a message of a megabyte', async () => {
      const message = { text: 'x'.repeat(1_000_000) }
      await pair.second.send(bob.peer, message)
      await pair.first.send(alice.peer, message)
      await alice.until(() => alice.received.length === 1)
      await bob.until(() => bob.received.length === 1)
      expect([alice.received[0], bob.received[0]]).toEqual([message, message])
    })

    it('tells how far a peer is', async () => {
      const cursor = {
        'did:key:z6MkmqKV5XrB9HvZHKZvzpevs7nWpTymgv4piF8zNMNKebUy': { seq: 3, id: 'ab'.repeat(32) },
      }
      await pair.first.sync(alice.peer, cursor)
      await pair.second.sync(bob.peer, {})
      await bob.until(() => bob.cursors.length === 1)
      await alice.until(() => alice.cursors.length === 1)
      expect([bob.cursors, alice.cursors]).toEqual([[cursor], [{}]])
    })

    it('makes a sender wait while the other side is slow', async () => {
      const count = 500
      for (const [transport, to, host] of [
        [pair.first, alice.peer, bob],
        [pair.second, bob.peer, alice],
      ] as const) {
        host.work = async () => {
          await new Promise((resolve) => {
            setTimeout(resolve, 3)
          })
        }
        let most = 0
        for (let sent = 1; sent <= count; sent += 1) {
          await transport.send(to, { text: 'x'.repeat(100_000) })
          most = Math.max(most, sent - host.received.length)
        }
        await host.until(() => host.received.length === count)
        // Some may be on the way, but not all: 50 MB are more than sockets hold.
        expect(most).toBeLessThan(count / 2)
      }
    })

    it('ends a connection at both ends, and refuses to send over it then', async () => {
      const [to, from] = [alice.peer, bob.peer]
      pair.first.disconnect(to, 'TOO_MANY')
      await bob.until(() => bob.log.includes('disconnect'))
      await alice.until(() => alice.log.includes('disconnect'))
      expect([alice.log[0], bob.log[0]]).toEqual(['connect', 'connect'])
      const isAgain = () => bob.connected.length > 1
      if (!isAgain()) await expect(pair.second.send(from, {})).rejects.toThrow(/connect|session|ended/i)
    })

    it('stops whenever it is told to, also twice, and the other side notices', async () => {
      await pair.first.stop()
      await bob.until(() => bob.log.includes('disconnect'))
      await pair.first.stop()
      await expect(pair.first.send(alice.peer, {})).rejects.toThrow()
    })

    it('can be started again after it was stopped', async () => {
      await pair.first.stop()
      await bob.until(() => bob.log.includes('disconnect'))
      const again = new RecordingHost('alice-00000002')
      await pair.first.start(again)
      await again.until(() => again.connected.length > 0)
      await pair.first.send(again.peer, { hello: 'again' })
      await bob.until(() => bob.received.length === 1)
      expect(bob.received).toEqual([{ hello: 'again' }])
    })
  })
}
