import { parseExact } from './json.ts'
import { session } from './session.ts'

/** Why a request was not answered, in the node's words (RFC 9457). */
class ProblemError extends Error {
  readonly code: string

  constructor(code: string, detail: string) {
    super(detail)
    this.code = code
  }
}

/** What is asked beside the address. Default: a GET without a body. */
export interface AskOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly body?: unknown
  readonly signal?: AbortSignal
}

/** Asks this node, and nobody else. `path`: below /v1. Throws a {@link ProblemError}. */
export async function ask<T>(path: string, { method = 'GET', body, signal }: AskOptions = {}): Promise<T> {
  const response = await fetch(`/v1${path}`, {
    method,
    credentials: 'same-origin',
    ...(signal === undefined ? {} : { signal }),
    ...(body === undefined
      ? {}
      : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    if (signal?.aborted === true) throw error
    throw new ProblemError('UNREACHABLE', 'the node does not answer: is "hanse up" still running?')
  })
  const answer = parseExact(await response.text())
  if (response.ok) return answer as T
  if (response.status === 401) session.set('none')
  const { code, detail } = answer as { readonly code?: string; readonly detail?: string }
  throw new ProblemError(code ?? String(response.status), detail ?? response.statusText)
}

/** A path of items as it goes into an address. */
export const inAddress = (path: string): string => path.split('/').map(encodeURIComponent).join('/')
