import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HTTP_EVENTS_WAITING_MAX, HTTP_STREAMS_PER_CALLER_MAX } from '../../src/core/limits.ts'
import { EventQueue } from '../../src/http/event-queue.ts'
import { StreamPlaces } from '../../src/http/stream-places.ts'
import { ServedNode } from './served-node.ts'

const lab = '/v1/spaces/lab'

/** A client that follows a stream, one event after the other. */
class Listener {
  readonly status: number
  readonly #abort: AbortController
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  readonly #events: EventSourceMessage[] = []
  readonly #decoder = new TextDecoder()
  readonly #parser = createParser({ onEvent: (event) => this.#events.push(event) })
  lastId = ''

  private constructor(response: Response, abort: AbortController) {
    this.status = response.status
    this.#abort = abort
    this.#reader = response.body?.getReader()
  }

  static async open(served: ServedNode, token: string, query = '', lastId?: string): Promise<Listener> {
    return this.openAs(served, { authorization: `Bearer ${token}` }, query, lastId)
  }

  static async openAs(
    served: ServedNode,
    who: Readonly<Record<string, string>>,
    query = '',
    lastId?: string,
  ): Promise<Listener> {
    const abort = new AbortController()
    const headers = {
      ...who,
      ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
    }
    const response = await fetch(`${served.server.origin}${lab}/events${query}`, {
      headers,
      signal: AbortSignal.any([abort.signal, AbortSignal.timeout(20_000)]),
    })
    return new Listener(response, abort)
  }

  /** The next event; null where the stream has ended. */
  // oxlint-disable-next-line typescript/no-explicit-any
  async next(): Promise<{ event: string; id: string; data: any } | null> {
    for (;;) {
      const found = this.#events.shift()
      if (found !== undefined) {
        if (found.id !== undefined) this.lastId = found.id
        return { event: found.event ?? '', id: found.id ?? '', data: JSON.parse(found.data) }
      }
      const chunk = await this.#reader?.read()
      if (chunk === undefined || chunk.done) return null
      this.#parser.feed(this.#decoder.decode(chunk.value, { stream: true }))
    }
  }

  /** The paths of the next so many changes. */
  async paths(count: number): Promise<string[]> {
    const paths: string[] = []
    while (paths.length < count) {
      const event = await this.next()
      if (event === null) break
      if (event.event === 'change') paths.push(event.data.path)
    }
    return paths
  }

  drop(): void {
    this.#abort.abort()
  }
}

describe('following a space over HTTP', () => {
  let served: ServedNode
  let scribe: string

  beforeEach(async () => {
    served = await ServedNode.start()
    scribe = served.token('scribe', 'writer', 'notes')
  })

  afterEach(async () => served.stop())

  const get = async (path: string) => served.ask(scribe, 'GET', lab + path)
  const paths = (body: { changes: { path: string }[] }) => body.changes.map(({ path }) => path)

  it('tells of changes page by page, of whole operations, and of nothing out of reach', async () => {
    const { space } = served
    for (const path of ['notes/1', 'secret/1', 'notes/2']) space.put(path, path)
    space.write(['notes/3', 'notes/4', 'secret/2'].map((path) => ({ kind: 'put', path, value: 1 })))
    space.put('notes/5', 1)
    space.put('secret/3', 1)
    const first = (await get('/changes?limit=1')).body
    expect([paths(first), first.more]).toEqual([['notes/1'], true])
    const second = (await get(`/changes?limit=2&since=${first.cursor}`)).body
    expect([paths(second), second.more]).toEqual([['notes/2', 'notes/3', 'notes/4'], true])
    const third = (await get(`/changes?since=${second.cursor}`)).body
    expect([paths(third), third.more]).toEqual([['notes/5'], false])
    const fourth = (await get(`/changes?since=${third.cursor}`)).body
    expect(fourth).toEqual({ changes: [], cursor: third.cursor, more: false })
    expect(paths((await get('/changes?path=secret')).body)).toEqual([])
    space.increment('notes/1', 1)
    expect(paths((await get(`/changes?type=counter&type=set`)).body)).toEqual(['notes/1'])
    expect((await get('/changes?since=x')).body.errors[0].pointer).toBe('/querystring')
    expect((await get('/changes?type=x')).status).toBe(400)
  })

  it('waits for a change where there is none, and not beyond what was asked', async () => {
    const { cursor } = (await get('/changes')).body
    const waiting = get(`/changes?since=${cursor}&waitMs=20000`)
    served.space.put('secret/1', 1)
    served.space.put('notes/1', 1)
    expect(paths((await waiting).body)).toEqual(['notes/1'])
    expect((await get('/changes?since=now&waitMs=50')).body.changes).toEqual([])
    expect(served.space.listenerCount('change')).toBe(0)
  })

  it('sends changes as they come, of the paths and types asked for', async () => {
    const listener = await Listener.open(served, scribe, '?path=notes/a&type=register')
    expect(await listener.next()).toMatchObject({ event: 'ready' })
    served.space.put('notes/b', 1)
    served.space.increment('notes/a/b', 1)
    served.space.put('secret/a', 1)
    served.space.put('notes/a/b', { v: 1 })
    expect(await listener.next()).toMatchObject({
      event: 'change',
      data: { path: 'notes/a/b', type: 'register', cause: 'written', changes: [{ value: { v: 1 } }] },
    })
    listener.drop()
  })

  it('goes on after a dropped connection without loss or repetition', async () => {
    const { space } = served
    let listener = await Listener.open(served, scribe, '?since=now')
    await listener.next()
    const seen: string[] = []
    const written: string[] = []
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 20; i++) {
        const path = `notes/${round}-${i}`
        // Other paths and larger operations lie between.
        space.put(`secret/${i}`, i)
        space.write([path, `${path}-b`].map((one) => ({ kind: 'put', path: one, value: i })))
        written.push(path, `${path}-b`)
      }
      // Whole operations: in the middle of one it would be told again.
      const target = round === 5 ? written.length : seen.length + 26
      do seen.push(...(await listener.paths(1)))
      while (seen.length < target || seen.at(-1)?.endsWith('-b') === false)
      if (round === 5) break
      listener.drop()
      space.put(`notes/while-${round}-gone`, 1)
      written.push(`notes/while-${round}-gone`)
      listener = await Listener.open(served, scribe, '?since=now', listener.lastId)
    }
    expect(seen).toEqual(written)
    listener.drop()
  })

  it('tells each listener what is within its own reach, and one whose right was taken back nothing more', async () => {
    const { space, node } = served
    const one = served.token('one', 'reader', 'notes/1')
    const left = served.token('left', 'reader', 'notes')
    const all = served.token('all', 'reader')
    const [ones, lefts, scribes, alls] = await Promise.all(
      [one, left, scribe, all].map(async (token) => Listener.open(served, token)),
    )
    const listeners = [ones, lefts, scribes, alls] as [Listener, Listener, Listener, Listener]
    for (const listener of listeners) await listener.next()
    const paths = ['notes/1', 'notes/2', 'secret/1']
    // Of one operation each, and of one together, of which each hears a part.
    for (const path of paths) space.put(path, 1)
    space.write(paths.map((path) => ({ kind: 'put', path, value: 2 })))
    const notes = ['notes/1', 'notes/2', 'notes/1', 'notes/2']
    const heard = [['notes/1', 'notes/1'], notes, notes, [...paths, ...paths]]
    for (const [i, expected] of heard.entries())
      expect(await (listeners[i] as Listener).paths(expected.length)).toEqual(expected)
    const ids = listeners.map(({ lastId }) => lastId)
    expect(new Set(ids).size).toBe(1)

    // Its token is not taken any more: the stream ends. Of the other agent only what it was given is taken back: it hears nothing.
    node.agents.revoke('left')
    const did = node.agents.get('scribe').did
    space.revoke({ target: did })
    for (const path of [...paths, 'notes/1']) space.put(path, 3)
    expect(await lefts?.next()).toBeNull()
    expect(await ones?.paths(2)).toEqual(['notes/1', 'notes/1'])
    expect(await alls?.paths(4)).toEqual([...paths, 'notes/1'])
    node.agents.revoke('scribe')
    expect(await scribes?.next()).toBeNull()
    for (const listener of [ones, alls]) listener?.drop()
  })

  it('takes a listener that catches up while more comes in among the others, without gap or repetition', async () => {
    const { space } = served
    const total = 600
    const written: string[] = []
    const write = () => {
      written.push(`notes/${written.length}`)
      space.put(written.at(-1) as string, { text: 'x'.repeat(20_000) })
    }
    const first = await Listener.open(served, scribe, '?since=now')
    await first.next()
    // Is there from the beginning, and reads nothing for as long as the others write and hear: more than sockets and the feed keep for it.
    const idle = await Listener.open(served, scribe, '?since=now')
    while (written.length < 100) write()
    await first.paths(1)
    const start = first.lastId
    const late = await Listener.open(served, scribe, '', start)
    const seen = Promise.all([first.paths(total - 1), late.paths(total - 1)])
    while (written.length < total) {
      for (let i = 0; i < 7 && written.length < total; i++) write()
      await new Promise(setImmediate)
    }
    for (const paths of await seen) expect(paths).toEqual(written.slice(1))
    expect(await idle.paths(total)).toEqual(written)
    for (const listener of [first, late, idle]) listener.drop()
  })

  it('tells an operation again, whole, to whom it was cut off in the middle of', async () => {
    served.space.write(['notes/1', 'notes/2'].map((path) => ({ kind: 'put', path, value: 1 })))
    const { cursor } = (await get('/changes?path=notes/none')).body
    served.space.write(['notes/3', 'notes/4'].map((path) => ({ kind: 'put', path, value: 1 })))
    const listener = await Listener.open(served, scribe, '', cursor)
    expect(await listener.paths(1)).toEqual(['notes/3'])
    listener.drop()
    const again = await Listener.open(served, scribe, '', listener.lastId)
    expect(await again.paths(2)).toEqual(['notes/3', 'notes/4'])
    again.drop()
  })

  it('tells of conflicts within reach', async () => {
    const { space } = served
    const bases = ['secret/a', 'notes/a'].map((path) => space.put(path, 'base'))
    const other = served.token('other', 'writer')
    const listener = await Listener.open(served, scribe)
    await listener.next()
    for (const [i, path] of ['secret/a', 'notes/a'].entries()) {
      space.put(path, 1, { after: [bases[i] as string] })
      const key = await served.ask(other, 'PUT', `${lab}/items/${path}`, { value: 2 })
      expect(key.status).toBe(200)
    }
    const concurrent = await served.ask(other, 'PUT', `${lab}/items/notes/a`, { value: 3, after: [bases[1]] })
    expect(concurrent.status).toBe(200)
    space.put('notes/a', 4, { after: [bases[1] as string] })
    let found
    do found = await listener.next()
    while (found !== null && found.event !== 'conflict')
    expect(found?.data).toMatchObject({ path: 'notes/a', kind: 'written twice' })
    listener.drop()
  })

  it('ends with the token, and with the reach of it tells nothing more', async () => {
    const listener = await Listener.open(served, scribe)
    await listener.next()
    served.node.agents.revoke('scribe')
    served.space.put('notes/after', 1)
    expect(await listener.next()).toBeNull()
  })

  it('ends with the session of a browser', async () => {
    const secret = new URL(served.server.createLink()).hash.slice('#link='.length)
    const { headers } = await served.ask(null, 'POST', '/v1/session', { secret })
    const cookie = headers.get('set-cookie')?.split(';')[0] ?? ''
    const listener = await Listener.openAs(served, { cookie })
    await listener.next()
    served.space.put('secret/seen', 1)
    expect(await listener.paths(1)).toEqual(['secret/seen'])
    const { origin } = served.server
    await fetch(`${origin}/v1/session`, { method: 'DELETE', headers: { cookie, origin } })
    served.space.put('secret/unseen', 1)
    expect(await listener.next()).toBeNull()
  })

  it('takes no place for a question about its head alone', async () => {
    const { status } = await served.ask(scribe, 'HEAD', `${lab}/events`)
    expect(status).toBe(404)
    expect(served.space.listenerCount('conflict')).toBe(0)
  })

  it('refuses what it cannot follow as a problem, before any stream', async () => {
    const bad = await served.ask(scribe, 'GET', `${lab}/events?since=x`)
    expect([bad.status, bad.body.code]).toEqual([400, 'BAD_CURSOR'])
    const lastId = await served.ask(scribe, 'GET', `${lab}/events`, undefined, { 'last-event-id': 'x' })
    expect(lastId.body.errors[0].pointer).toBe('/headers/last-event-id')
    expect((await served.ask(scribe, 'GET', `${lab}/events?path=a//b`)).body.code).toBe('BAD_PATH')
  })

  it('serves 200 listeners, and leaves nothing behind when they go', async () => {
    const { space } = served
    const warnings: Error[] = []
    const onWarning = (warning: Error) => warnings.push(warning)
    process.on('warning', onWarning)
    const types = ['conflict', 'outdated', 'sync', 'eose'] as const
    const counts = () => [
      ...types.map((type) => space.listenerCount(type)),
      served.node.listenerCount('connect'),
      space.hosted.replica.listenerCount('admitted'),
    ]
    const before = counts()
    const listeners = await Promise.all(
      Array.from({ length: 200 }, async () => Listener.open(served, scribe)),
    )
    for (const listener of listeners) expect(await listener.next()).toMatchObject({ event: 'ready' })
    space.put('notes/all', 1)
    for (const listener of listeners) expect(await listener.paths(1)).toEqual(['notes/all'])
    expect(space.listenerCount('conflict')).toBe(200)
    const gone = Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        const poll = () => (space.listenerCount('conflict') <= 199 - i ? resolve() : setImmediate(poll))
        poll()
        await promise
      }),
    )
    for (const listener of listeners) listener.drop()
    await gone
    expect(counts()).toEqual(before)
    expect(warnings).toEqual([])
    process.off('warning', onWarning)
  })

  it('ends every stream when the server stops', async () => {
    const listener = await Listener.open(served, scribe)
    await listener.next()
    await served.server.stop()
    expect(await listener.next().catch(() => null)).toBeNull()
    expect(served.space.listenerCount('conflict')).toBe(0)
  })
})

describe('bounds of streams', () => {
  it('gives one caller no more streams than one may have', () => {
    const places = new StreamPlaces()
    const back = Array.from({ length: HTTP_STREAMS_PER_CALLER_MAX }, () => places.take('did:a'))
    expect(() => places.take('did:a')).toThrow(/close some/)
    places.take('did:b')()
    back[0]?.()
    back[0]?.()
    expect(places.size).toBe(HTTP_STREAMS_PER_CALLER_MAX - 1)
    places.take('did:a')
    expect(() => places.take('did:a')).toThrow(/close some/)
  })

  it('makes changes wait for a client that does not read, and counts what else it misses', async () => {
    const queue = new EventQueue()
    await queue.put({ event: 'change', data: 0 })
    let isPut = false
    const putting = queue.put({ event: 'change', data: 'late' }).then(() => {
      isPut = true
    })
    for (let i = 0; i < HTTP_EVENTS_WAITING_MAX + 2; i++) queue.tell({ event: 'sync', data: i })
    expect(isPut).toBe(false)
    const reader = queue.read()
    expect((await reader.next()).value).toEqual({ event: 'change', data: 0 })
    await putting
    queue.end()
    const rest = []
    for await (const { event, data } of reader) rest.push([event, data])
    // Of those that came by themselves one found no room beside the change, and two more none at all.
    expect(rest).toHaveLength(HTTP_EVENTS_WAITING_MAX + 1)
    expect(rest.slice(-2)).toEqual([
      ['change', 'late'],
      ['missed', { count: 3 }],
    ])
  })
})
