import type { FastifyReply } from 'fastify'

/** Aborts when the client goes before it has its answer. */
export function goneSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort(new Error('the client has gone'))
  })
  return gone.signal
}
