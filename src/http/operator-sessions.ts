import { createHash, randomBytes } from 'node:crypto'
import { HTTP_LINK_MS, HTTP_SESSION_MS, HTTP_SESSIONS_MAX } from '../core/limits.ts'

/**
 * Sessions of people who look at the node in a browser, as its operator. A link that is printed once makes one; it works once and for
 * HTTP_LINK_MS. Everything is in memory and ends with the process. Only digests are kept.
 */
export class OperatorSessions {
  readonly #now: () => number
  readonly #links = new Map<string, number>()
  readonly #sessions = new Map<string, number>()

  /** `now`: ms since 1970. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** A secret for one link. */
  createLink(): string {
    return issue(this.#links, this.#now() + HTTP_LINK_MS, this.#now())
  }

  /** The session that a link's secret is good for; null where the link was used, has expired, or never was. */
  redeem(secret: string): string | null {
    const key = digest(secret)
    const untilMs = this.#links.get(key)
    this.#links.delete(key)
    if (untilMs === undefined || untilMs <= this.#now()) return null
    return issue(this.#sessions, this.#now() + HTTP_SESSION_MS, this.#now())
  }

  /** True for the secret of a session that has not ended. */
  has(session: string): boolean {
    const untilMs = this.#sessions.get(digest(session))
    return untilMs !== undefined && untilMs > this.#now()
  }

  end(session: string): void {
    this.#sessions.delete(digest(session))
  }
}

function issue(all: Map<string, number>, untilMs: number, nowMs: number): string {
  for (const [key, until] of all) if (until <= nowMs) all.delete(key)
  const [oldest] = all.keys()
  if (all.size >= HTTP_SESSIONS_MAX && oldest !== undefined) all.delete(oldest)
  const secret = randomBytes(32).toString('base64url')
  all.set(digest(secret), untilMs)
  return secret
}

/** Looked up by digest, so that how long it takes says nothing about a secret. */
const digest = (secret: string): string => createHash('sha256').update(secret).digest('base64')
