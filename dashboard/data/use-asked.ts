import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ask } from './ask.ts'

/** Something asked of the node. */
export interface Asked<T> {
  /** The last answer, also while it is asked again; null before the first. */
  readonly data: T | null
  readonly problem: string
  readonly again: () => void
}

/** Shortest pause between two times that the same is asked, in ms: operations may come a thousand a second. */
const PAUSE_MS = 400

/** Asks for a path below /v1, and again whenever `revision` changes. Null: asks nothing. */
export function useAsked<T>(path: string | null, revision: unknown): Asked<T> {
  const [answer, setAnswer] = useState<{
    readonly path: string | null
    readonly data: T | null
    readonly problem: string
  }>({
    path: null,
    data: null,
    problem: '',
  })
  const [round, setRound] = useState(0)
  const askedMs = useRef(0)
  const askedPath = useRef<string | null>(null)
  useEffect(() => {
    if (path === null) return
    const gone = new AbortController()
    const wait = askedPath.current === path ? Math.max(0, askedMs.current + PAUSE_MS - performance.now()) : 0
    const timer = setTimeout(() => {
      askedMs.current = performance.now()
      askedPath.current = path
      ask<T>(path, { signal: gone.signal }).then(
        (data) => setAnswer({ path, data, problem: '' }),
        (error: unknown) => {
          if (!gone.signal.aborted)
            setAnswer((last) => ({
              path,
              data: last.path === path ? last.data : null,
              problem: (error as Error).message,
            }))
        },
      )
    }, wait)
    return () => {
      clearTimeout(timer)
      gone.abort()
    }
  }, [path, revision, round])
  const again = useCallback(() => setRound((round) => round + 1), [])
  const isSame = answer.path === path
  return { data: isSame ? answer.data : null, problem: isSame ? answer.problem : '', again }
}
