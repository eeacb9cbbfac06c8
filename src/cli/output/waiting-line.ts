import { formatDuration } from './human.ts'
import type { Style } from './style.ts'

/** From when on somebody who waits is told so, and how often, in ms. */
const TOLD_EVERY_MS = 1_000
const CLEAR = '\r\x1b[K'

/**
 * Tells in one line that something is still going on, and for how long, as soon as it takes more than a second; the line goes when the
 * returned function is called, which may be done again. Nothing where the stream is no terminal, or null.
 */
export function showWaiting(stream: NodeJS.WriteStream | null, style: Style): () => void {
  if (stream?.isTTY !== true) return () => {}
  const beganMs = performance.now()
  let isShown = false
  const timer = setInterval(() => {
    isShown = true
    stream.write(
      `${CLEAR}${style.faint(`working, ${formatDuration(performance.now() - beganMs)}; Ctrl-C ends it`)}`,
    )
  }, TOLD_EVERY_MS).unref()
  return () => {
    clearInterval(timer)
    if (isShown) stream.write(CLEAR)
    isShown = false
  }
}
