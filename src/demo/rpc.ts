import type { ChildProcess } from 'node:child_process'

/** What travels between the demo and its processes over Node's own channel. */
type Message =
  | { readonly kind: 'call'; readonly id: number; readonly method: string; readonly argument: unknown }
  | { readonly kind: 'result'; readonly id: number; readonly value?: unknown; readonly error?: string }
  | { readonly kind: 'event'; readonly name: string; readonly value: unknown }

/** What a process can be asked to do: one argument, one answer. */
export type Methods = Readonly<Record<string, (argument: never) => unknown>>

/** Serves methods to the process that started this one, and says `ready`. */
export function serve(methods: Methods): void {
  process.on('message', (message: Message) => {
    if (message.kind === 'call') void answer(methods, message)
  })
  // The demo is gone: nobody is left to stop this process.
  process.on('disconnect', () => process.exit(1))
  emit('ready', process.pid)
}

async function answer(
  methods: Methods,
  { id, method, argument }: Extract<Message, { kind: 'call' }>,
): Promise<void> {
  try {
    const call = methods[method]
    if (call === undefined) throw new Error(`no method ${method}`)
    process.send?.({ kind: 'result', id, value: await call(argument as never) })
  } catch (error) {
    process.send?.({
      kind: 'result',
      id,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
  }
}

/** Tells the process that started this one that something happened. */
export function emit(name: string, value: unknown): void {
  process.send?.({ kind: 'event', name, value } satisfies Message)
}

/** A process of the demo, seen from the demo. Every call is bounded. */
export class Remote {
  readonly #child: ChildProcess
  readonly #name: string
  readonly #calls = new Map<
    number,
    { readonly resolve: (value: never) => void; readonly reject: (error: Error) => void }
  >()
  #next = 0
  /** Resolves once the process serves; rejects if it ends first. */
  readonly ready: Promise<void>
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>

  constructor(child: ChildProcess, name: string, onEvent: (name: string, value: never) => void) {
    this.#child = child
    this.#name = name
    const { promise: ready, resolve: onReady, reject: onFailure } = Promise.withResolvers<void>()
    const { promise: ended, resolve: onEnd } = Promise.withResolvers<void>()
    this.ready = ready
    this.ended = ended
    child.on('message', (message: Message) => {
      if (message.kind === 'event' && message.name === 'ready') onReady()
      else if (message.kind === 'event') onEvent(message.name, message.value as never)
      else if (message.kind === 'result') this.#settle(message)
    })
    child.once('exit', (code, signal) => {
      const error = new Error(`${name} ended (${signal ?? `exit code ${code}`})`)
      onFailure(error)
      for (const { reject } of this.#calls.values()) reject(error)
      this.#calls.clear()
      onEnd()
    })
    // Whoever awaits `ready` is told; a process that ends before anybody does must not end the demo.
    ready.catch(() => {})
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Calls a method; rejects when it throws, the process ends, or `timeoutMs` pass. */
  async call<T>(method: string, argument: unknown = null, timeoutMs = 60_000): Promise<T> {
    const id = this.#next++
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#calls.set(id, { resolve, reject })
    const timer = setTimeout(
      () => reject(new Error(`${this.#name} did not answer ${method} in ${timeoutMs} ms`)),
      timeoutMs,
    )
    try {
      // The callback keeps a closed channel from being an error event, which would end the demo without its report.
      this.#child.send({ kind: 'call', id, method, argument } satisfies Message, (error) => {
        if (error !== null) reject(new Error(`${this.#name} cannot be asked: ${error.message}`))
      })
      return await promise
    } finally {
      clearTimeout(timer)
      this.#calls.delete(id)
    }
  }

  /** Ends the process without warning. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #settle(message: Extract<Message, { kind: 'result' }>): void {
    const call = this.#calls.get(message.id)
    if (message.error === undefined) call?.resolve(message.value as never)
    else call?.reject(new Error(`${this.#name}: ${message.error}`))
  }
}
