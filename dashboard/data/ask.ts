import { parseExact } from './json.ts'
import { session } from './session.ts'

/** Why a request was not answered, in the node's words (RFC 9457). */
export class ProblemError extends Error {
  readonly code: string

  constructor(code: string, detail: string) {
    super(detail)
    this.code = code
  }
}

/** Asks this node, and nobody else. Throws a {@link ProblemError}. */
export async function ask<T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const response = await fetch(`/v1/dashboard${path}`, {
    credentials: 'same-origin',
    ...(signal === undefined ? {} : { signal }),
    ...(body === undefined
      ? {}
      : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
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
