import {
  PEER_IDS_REMEMBERED_MAX,
  PEER_MESSAGES_WAITING_MAX,
  PEER_REFUSED_MAX,
  PEER_SYNC_PAUSE_MS,
} from '../core/limits.ts'
import type { Space } from '../node/space/space.ts'
import { PEER_SCHEMA_VERSION, type PeerCursor, readPeerCursor, readPeerMessage } from './message.ts'
import { linesFrom, linesSince, receiveLines } from './operation-lines.ts'
import type { PeerName, PeerTally } from './peer-events.ts'
import type { PeerTransport, RemotePeer } from './transport.ts'

/** What a connected peer needs of the peer it is connected to. */
export interface ConnectedPeerInit {
  readonly space: Space
  readonly transport: PeerTransport
  readonly remote: RemotePeer
  readonly onSynced: (name: PeerName, sent: number) => void
  readonly onEose: (name: PeerName, tally: PeerTally) => void
  readonly onOutdated: (name: PeerName, requiredVersion: number) => void
  readonly onFault: (name: PeerName, code: string, detail: string) => void
}

/**
 * One connection. Invariants:
 * 1. what comes is dealt with one message after the other, in order, and what goes out is sent by one writer;
 * 2. after the other's first cursor it has been sent everything that it lacked, and then everything that is admitted here, in order; a slow
 *    reader gets more per message, not a queue;
 * 3. what it sent itself is not sent back, as far as PEER_IDS_REMEMBERED_MAX ids tell;
 * 4. whoever sends PEER_REFUSED_MAX operations that are refused, or too much that is forged, is disconnected.
 */
export class ConnectedPeer {
  readonly name: PeerName
  readonly #init: ConnectedPeerInit
  readonly #source: string
  readonly #mayRead: (path: string) => boolean
  readonly #fromThere = new Set<string>()
  readonly #tally = { admitted: 0, duplicates: 0, waiting: 0, refused: {} as Record<string, number> }
  #incoming: Promise<void> = Promise.resolve()
  #waitingMessages = 0
  #refused = 0
  /** The next operation, by order of admission, to be sent; null before the other has said how far it is. */
  #place: number | null = null
  #cursor: PeerCursor | null = null
  #isSending = false
  #isGone = false
  #nextAsk: NodeJS.Timeout | null = null

  constructor(init: ConnectedPeerInit) {
    this.#init = init
    this.name = { peerId: init.remote.id, transport: init.transport.name }
    const isOpen = () => init.space.hosted.description()?.openReading === true
    this.#mayRead = init.remote.mayRead ?? isOpen
    this.#source = `${init.transport.name}:${init.remote.id}`
  }

  /** Tells the other how far this side is. */
  ask(): void {
    const { transport, remote, space } = this.#init
    if (this.#isGone) return
    transport.sync(remote.id, space.exchange.clock()).catch((error: unknown) => this.#failed(error))
  }

  /** The other tells how far it is. */
  onSync(cursor: unknown): void {
    const read = readPeerCursor(cursor)
    if (!read.ok) {
      this.#end(read.fault.code, read.fault.detail)
      return
    }
    this.#cursor = read.value
    this.flush()
  }

  /** A message of the other; resolves when it has been dealt with. */
  async onReceive(message: unknown): Promise<void> {
    if (this.#isGone) return
    if (++this.#waitingMessages > PEER_MESSAGES_WAITING_MAX) {
      this.#end(
        'TOO_MANY',
        `more than ${PEER_MESSAGES_WAITING_MAX} messages wait: its transport does not wait for the answer`,
      )
      return
    }
    const turn = this.#incoming.then(async () => {
      try {
        if (!this.#isGone) await this.#take(message)
      } catch (error) {
        this.#failed(error)
      } finally {
        this.#waitingMessages--
      }
    })
    this.#incoming = turn
    await turn
  }

  /** Sends what the other lacks, as far as it is known and not under way already. */
  flush(): void {
    if (this.#isSending || this.#isGone) return
    this.#isSending = true
    this.#send()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#isSending = false
        if (this.#hasMore()) this.flush()
      })
  }

  close(): void {
    this.#isGone = true
    if (this.#nextAsk !== null) clearTimeout(this.#nextAsk)
  }

  #hasMore(): boolean {
    if (this.#isGone) return false
    return (
      this.#cursor !== null || (this.#place !== null && this.#place < this.#init.space.hosted.store.count())
    )
  }

  async #send(): Promise<void> {
    const { space, transport, remote } = this.#init
    const { store } = space.hosted
    while (this.#hasMore()) {
      const cursor = this.#cursor
      if (cursor !== null) {
        this.#cursor = null
        // What is admitted while this is sent is sent after it: the lines are those of one moment, which is not before this one.
        const place = store.count()
        let sent = 0
        for await (const changes of linesSince(space, cursor, this.#mayRead)) {
          if (this.#isGone) return
          await transport.send(remote.id, { type: 'changes', schemaVersion: PEER_SCHEMA_VERSION, changes })
          sent += changes.length
        }
        this.#place = Math.max(this.#place ?? 0, place)
        const here = space.exchange.clock()
        await transport.send(remote.id, { type: 'eose', schemaVersion: PEER_SCHEMA_VERSION, cursor: here })
        this.#init.onSynced(this.name, sent)
        continue
      }
      const { lines: changes, next } = linesFrom(space, this.#place ?? 0, this.#fromThere, this.#mayRead)
      if (changes.length > 0)
        await transport.send(remote.id, { type: 'changes', schemaVersion: PEER_SCHEMA_VERSION, changes })
      this.#place = next
    }
  }

  async #take(value: unknown): Promise<void> {
    const message = readPeerMessage(value)
    if (!message.ok) {
      const { fault } = message
      if (fault.code === 'OUTDATED') this.#init.onOutdated(this.name, fault.requiredVersion)
      this.#end(fault.code, fault.detail)
      return
    }
    if (message.value.type === 'eose') {
      this.#init.onEose(this.name, { ...this.#tally, refused: { ...this.#tally.refused } })
      return
    }
    const received = await receiveLines(this.#init.space, message.value.changes, this.#source)
    this.#remember(received.ids)
    this.#tally.admitted += received.admitted
    this.#tally.duplicates += received.duplicates
    this.#tally.waiting += received.waiting
    for (const [code, count] of Object.entries(received.refused)) {
      this.#tally.refused[code] = (this.#tally.refused[code] ?? 0) + count
      this.#refused += count
      this.#init.onFault(this.name, code, `${count} operations of this peer were refused`)
    }
    if (this.#refused >= PEER_REFUSED_MAX || received.isExhausted) {
      this.#end('TOO_MANY', `${this.#refused} of its operations were refused`)
      return
    }
    // Something is missing between what is here and what came: it is asked for again, now and then.
    if (received.waiting > 0) this.#askSoon()
  }

  #askSoon(): void {
    this.#nextAsk ??= setTimeout(() => {
      this.#nextAsk = null
      this.ask()
    }, PEER_SYNC_PAUSE_MS)
  }

  #remember(ids: readonly string[]): void {
    for (const id of ids) {
      this.#fromThere.add(id)
      if (this.#fromThere.size <= PEER_IDS_REMEMBERED_MAX) continue
      const [oldest] = this.#fromThere
      if (oldest !== undefined) this.#fromThere.delete(oldest)
    }
  }

  #failed(error: unknown): void {
    if (this.#isGone) return
    this.#end('FAILED', error instanceof Error ? error.message : String(error))
  }

  #end(code: string, detail: string): void {
    const { transport, remote } = this.#init
    this.#init.onFault(this.name, code, detail)
    this.close()
    transport.disconnect(remote.id, code)
  }
}
