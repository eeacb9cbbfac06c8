import type { FastifyInstance } from 'fastify'
import { hasManyValues, parseJson } from '../core/json.ts'
import { BODY_BYTES_MAX } from '../core/limits.ts'
import { formatValue } from '../core/value-json.ts'
import { FaultError } from '../node/fault-error.ts'

/**
 * Commas and brackets of the JSON of the largest write: each value takes a byte of it or more. To make millions of values only to find that
 * they are too many keeps the thread busy for seconds.
 */
const PARTS_MAX = 2 * BODY_BYTES_MAX

/**
 * Makes an application speak our JSON: integers keep their digits beyond 2^53 - 1, and in answers bytes are `{"/":{"bytes":"…"}}` and
 * links `{"/":"…"}` as DAG-JSON has it. Bodies come to routes as JSON; what is a value in them goes through `givenValue`.
 */
export function speakJson(app: FastifyInstance): void {
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    // Clients that send one set of headers with everything say so of a DELETE too. Where a body is needed, its schema says that none is there.
    if (body === '') return done(null, undefined)
    if (hasManyValues(body as string, PARTS_MAX)) {
      const detail = `the body has more values than any write has bytes, which is at most ${BODY_BYTES_MAX}: give less at once`
      return done(new FaultError({ code: 'LIMIT', detail }))
    }
    try {
      done(null, parseJson(body as string))
    } catch {
      done(new FaultError({ code: 'BAD_REQUEST', detail: 'the body is not JSON' }))
    }
  })
  // Answers are described by schemas but not filtered by them: a field too many is a mistake that a test should see.
  app.setSerializerCompiler(() => formatValue)
  app.setReplySerializer((payload) => (typeof payload === 'string' ? payload : formatValue(payload)))
}
