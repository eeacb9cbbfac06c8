import { setTimeout as wait } from 'node:timers/promises'
import {
  MCP_MESSAGES_MAX,
  MCP_NODE_WAIT_MS,
  MCP_RESTART_WAIT_MS,
  MCP_RETRY_MS_MAX,
} from '../../core/limits.ts'
import { formatJson, parseJson } from '../../core/json.ts'
import { faultOf } from '../../node/fault-of.ts'
import { READING_TOOLS } from '../reading-tools.ts'
import { Door, DoorError, type RpcMessage } from './door.ts'

/** What the bridge works with. */
export interface BridgeInit {
  /** Messages of the client, one a line. */
  readonly lines: AsyncIterable<string>
  /** Sends the client a message; nothing else goes there. */
  readonly write: (line: string) => Promise<void>
  readonly token: string
  /** Where the node serves HTTP now; null where none runs. */
  readonly locate: () => Promise<string | null>
  /** What to do where none runs, for people and models. */
  readonly advice: string
  /** Tells people something, in one line. */
  readonly note: (message: string) => void
  /** Ends it. */
  readonly signal: AbortSignal
}

/** Pause before the second try, in ms; doubled for each further one, up to MCP_RETRY_MS_MAX. */
const FIRST_RETRY_MS = 100
/** How long the node may take to hear that the session ends, in ms. */
const END_MS = 1_000
/** Ids of our own requests begin so; a client's cannot be mistaken for them, because they never leave the bridge. */
const OWN_ID = 'hanse-mcp-'
/** JSON-RPC 2.0 §5.1. */
const PARSE_ERROR = -32700
const SERVER_ERROR = -32000

/**
 * MCP on lines (stdio) for a client, carried to the node that runs, which other clients use too. Invariants:
 * 1. nothing but MCP's messages is written, one a line, and every request of the client is answered once, if only with an error that says
 *    what to do;
 * 2. where the node was restarted, the session is begun anew as the client began it, with its subscriptions, and the client is told that
 *    lists and subscribed resources may have changed;
 * 3. what may have been done is not done again: a call that writes is sent a second time only where it is sure that it did not get there.
 */
export class Bridge {
  readonly #init: BridgeInit
  readonly #subscribed = new Set<string>()
  readonly #underWay = new Set<Promise<void>>()
  /** Ids of requests under way that the client has given up: they are not answered. */
  readonly #cancelled = new Set<unknown>()
  #door: Promise<Door> | null = null
  /** How the client began; null before it has. */
  #beginning: RpcMessage | null = null
  #isListening = false
  #isOver = false
  /** True once a node has been there. */
  #wasThere = false
  #ownIds = 0
  #noted = ''

  constructor(init: BridgeInit) {
    this.#init = init
  }

  /** Runs until the client's lines end or the signal aborts. */
  async run(): Promise<void> {
    const { lines, signal } = this.#init
    try {
      for await (const line of lines) {
        if (signal.aborted) break
        if (line.trim() === '') continue
        const task: Promise<void> = this.#take(line).finally(() => this.#underWay.delete(task))
        this.#underWay.add(task)
        if (this.#underWay.size >= MCP_MESSAGES_MAX) await Promise.race(this.#underWay)
      }
      // Whoever pipes a few lines wants to see what comes of them; a client that goes waits for nothing.
      await Promise.race([Promise.all(this.#underWay), wait(END_MS, undefined, { ref: false })])
    } finally {
      this.#isOver = true
      const door = await this.#door?.catch(() => null)
      this.#door = null
      await door?.end(AbortSignal.timeout(END_MS))
    }
  }

  async #take(line: string): Promise<void> {
    let message: RpcMessage
    try {
      message = parseJson(line) as RpcMessage
      if (typeof message !== 'object' || message === null || Array.isArray(message))
        throw new TypeError('no object')
    } catch {
      await this.#say({
        jsonrpc: '2.0',
        id: null,
        error: { code: PARSE_ERROR, message: 'this line is no message of JSON-RPC' },
      })
      return
    }
    try {
      if (message.method === 'initialize') await this.#begin(message)
      else await this.#forward(message)
      this.#remember(message)
    } catch (error) {
      await this.#fail(message, error)
    } finally {
      this.#cancelled.delete(message.id)
    }
  }

  /** A client that begins again, begins another session. */
  async #begin(message: RpcMessage): Promise<void> {
    this.#beginning = message
    this.#subscribed.clear()
    this.#drop()
    await this.#session(async (door) => door.send(message, (one) => void this.#say(one)))
  }

  #remember({ method, params }: RpcMessage): void {
    const uri = params?.['uri']
    const id = params?.['requestId']
    if (method === 'notifications/cancelled') this.#cancelled.add(id)
    if (method === 'resources/subscribe' && typeof uri === 'string') this.#subscribed.add(uri)
    if (method === 'resources/unsubscribe' && typeof uri === 'string') this.#subscribed.delete(uri)
    if (method === 'notifications/initialized') this.#listen()
  }

  /** Sends a message on, if need be in a session begun anew. */
  async #forward(message: RpcMessage): Promise<void> {
    const isRepeatable =
      message.method !== 'tools/call' || READING_TOOLS.has(String(message.params?.['name']))
    let isAnswered = false
    const pass = (one: RpcMessage) => {
      if (one.method === undefined) isAnswered = true
      void this.#say(one)
    }
    for (let tries = 1; ; tries++) {
      const opening = this.#session()
      try {
        await (await opening).send(message, pass)
        return
      } catch (error) {
        const kind = error instanceof DoorError ? error.trouble.kind : null
        if (isAnswered || this.#cancelled.has(message.id)) return
        if (kind === 'gone' || kind === 'broken') this.#drop(opening)
        const isAgain = kind === 'gone' || (kind === 'broken' && isRepeatable)
        if (!isAgain || tries > 2 || this.#init.signal.aborted) throw error
      }
    }
  }

  /** Gives a session up; only if it is still the one that was meant. */
  #drop(meant: Promise<Door> | null = this.#door): void {
    if (meant === null || this.#door !== meant) return
    this.#door = null
    meant.then((door) => door.close()).catch(() => {})
  }

  /** The session there is, or one that begins as `greet` does; by itself, as the client began. */
  #session(greet: (door: Door) => Promise<void> = async (door) => this.#beginAgain(door)): Promise<Door> {
    if (this.#door !== null) return this.#door
    const opening = this.#open(greet)
    this.#door = opening
    opening.catch(() => {
      if (this.#door === opening) this.#door = null
    })
    return opening
  }

  async #beginAgain(door: Door): Promise<void> {
    const beginning = this.#beginning
    if (beginning === null) return
    const own = (method: string, params: RpcMessage['params'] = {}): RpcMessage => ({
      jsonrpc: '2.0',
      id: `${OWN_ID}${++this.#ownIds}`,
      method,
      params,
    })
    const ignore = () => {}
    await door.send(own('initialize', beginning.params), ignore)
    await door.send({ jsonrpc: '2.0', method: 'notifications/initialized' }, ignore)
    for (const uri of this.#subscribed) await door.send(own('resources/subscribe', { uri }), ignore)
    this.#init.note('connected to the node again')
    // What happened meanwhile was not heard.
    await this.#say({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
    await this.#say({ jsonrpc: '2.0', method: 'notifications/resources/list_changed' })
    for (const uri of this.#subscribed)
      await this.#say({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } })
  }

  /** A door of the node that runs; waits for one MCP_NODE_WAIT_MS at most, MCP_RESTART_WAIT_MS where there was one. */
  async #open(greet: (door: Door) => Promise<void>): Promise<Door> {
    const { locate, token, signal } = this.#init
    const deadlineMs = Date.now() + (this.#wasThere ? MCP_RESTART_WAIT_MS : MCP_NODE_WAIT_MS)
    for (let pauseMs = FIRST_RETRY_MS; ; pauseMs *= 2) {
      const origin = await locate()
      if (origin !== null) {
        const door = new Door(origin, token)
        try {
          await greet(door)
          this.#noted = ''
          this.#wasThere = true
          return door
        } catch (error) {
          door.close()
          if (!(error instanceof DoorError) || error.trouble.kind === 'refused') throw error
        }
      }
      if (Date.now() + pauseMs > deadlineMs || signal.aborted) throw new NoNode(this.#init.advice)
      await wait(pauseMs, undefined, { signal })
    }
  }

  /** Hears what the node tells unasked, for as long as the bridge runs. */
  #listen(): void {
    if (this.#isListening) return
    this.#isListening = true
    void this.#keepListening()
  }

  async #keepListening(): Promise<void> {
    const { signal } = this.#init
    let pauseMs = FIRST_RETRY_MS
    while (!signal.aborted && !this.#isOver) {
      const opening = this.#session()
      try {
        const door = await opening
        pauseMs = FIRST_RETRY_MS
        await door.listen((message) => void this.#say(message))
      } catch (error) {
        const isRefused = error instanceof DoorError && error.trouble.kind === 'refused'
        if (error instanceof DoorError && error.trouble.kind === 'gone') this.#drop(opening)
        if (isRefused || error instanceof NoNode) this.#noteOnce(error)
        // What was refused is not mended by asking again at once.
        if (isRefused) pauseMs = MCP_RETRY_MS_MAX
      }
      try {
        await wait(pauseMs, undefined, { signal })
      } catch {
        return
      }
      pauseMs = Math.min(2 * pauseMs, MCP_RETRY_MS_MAX)
    }
  }

  async #fail({ id, method }: RpcMessage, error: unknown): Promise<void> {
    const told = tellingOf(error)
    if (!this.#init.signal.aborted) this.#noteOnce(error)
    // A notification, or an answer of the client's, is answered by nobody.
    if (method === undefined || id === undefined || this.#cancelled.has(id)) return
    await this.#say({ jsonrpc: '2.0', id, error: { code: SERVER_ERROR, ...told } })
  }

  /** The same at most once, until a session has begun again. */
  #noteOnce(error: unknown): void {
    const { message } = tellingOf(error)
    if (message === this.#noted) return
    this.#noted = message
    this.#init.note(message)
  }

  async #say(message: RpcMessage): Promise<void> {
    // A client that reads no more has gone; its lines end soon.
    await this.#init.write(`${formatJson(message)}\n`).catch(() => {})
  }
}

class NoNode extends Error {
  override readonly name = 'NoNode'
}

function tellingOf(error: unknown): { readonly message: string; readonly data: { readonly code: string } } {
  if (error instanceof NoNode) return { message: error.message, data: { code: 'NOT_RUNNING' } }
  if (!(error instanceof DoorError)) {
    const { code, detail } = faultOf(error)
    return { message: detail, data: { code } }
  }
  const { trouble } = error
  switch (trouble.kind) {
    case 'refused':
      return { message: trouble.detail, data: { code: trouble.code } }
    case 'gone':
      return { message: 'the node does not keep the session: try again', data: { code: 'NO_SESSION' } }
    case 'broken':
      return {
        message:
          'the node stopped before it had answered, so it is not known whether this was done: look with history or read before you do it again',
        data: { code: 'NODE_STOPPED' },
      }
  }
}
