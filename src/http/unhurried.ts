import { HTTP_STREAM_SILENCE_MS } from '../core/limits.ts'
import { FaultError } from '../node/fault-error.ts'

/** What comes in a body of any size, at whatever pace; ends with `TIMEOUT` where nothing comes for `silenceMs`. */
export async function* unhurried(
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  silenceMs = HTTP_STREAM_SILENCE_MS,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = toAsync(content)
  const { promise: silence, reject } = Promise.withResolvers<never>()
  // Nobody may be waiting for it when it comes.
  silence.catch(() => {})
  const giveUp = () => reject(silent(silenceMs))
  try {
    for (;;) {
      const timer = setTimeout(giveUp, silenceMs)
      try {
        const next = await Promise.race([chunks.next(), silence])
        if (next.done === true) return
        yield next.value
      } finally {
        clearTimeout(timer)
      }
    }
  } finally {
    // Not waited for: whoever says nothing may never end.
    void chunks.return().catch(() => {})
  }
}

async function* toAsync(content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
  yield* content
}

const silent = (ms: number): FaultError =>
  new FaultError({ code: 'TIMEOUT', detail: `nothing of the body came for ${ms / 1000} s: send it again` })
