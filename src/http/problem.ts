import type { FastifyError } from 'fastify'
import { faultOf } from '../node/fault-of.ts'
import { RequestFault } from './request-fault.ts'

/** An error as RFC 9457 has it. `code` is the fault's and stable; `detail` says what is wrong and what to do. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  /** Of a request that does not have the form the document asks for: where it does not. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[]
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

/** The status of a code that its beginning does not tell. */
export const STATUS: Readonly<Record<string, number>> = {
  BAD_TOKEN: 401,
  TOKEN_EXPIRED: 401,
  TOKEN_REVOKED: 401,
  NO_TOKEN: 401,
  NOT_ALLOWED: 403,
  NOT_ABOVE: 403,
  SQL_FORBIDDEN: 403,
  NOT_FOUND: 404,
  UNKNOWN_OPERATION: 404,
  NO_AGENT: 404,
  NO_SPACE: 404,
  NO_TABLE: 404,
  NO_REMOTE: 404,
  NO_SESSION: 404,
  TOO_LARGE: 413,
  TOO_MANY: 429,
  SQL_BUSY: 429,
  BAD_RANGE: 416,
  TAKEN: 409,
  FROZEN: 409,
  IN_USE: 409,
  OWN_FORK: 409,
  OWN_HEAD_BEHIND: 409,
  RESTORED: 409,
  APPEND_ONLY: 409,
  TEXT_INCOMPLETE: 409,
  NOT_ENDORSABLE: 409,
  NO_GENESIS: 409,
  IF_MATCH: 412,
  IO: 500,
  BUG: 500,
  STORE_CORRUPT: 500,
  STORE_FOREIGN: 500,
  STORE_VERSION: 500,
  UNREADABLE: 500,
  UNREACHABLE: 502,
  REMOTE_ANSWER: 502,
  REMOTE_FAILED: 502,
  REMOTE_LIES: 502,
  REMOTE_TLS: 502,
  OFFLINE: 503,
  NOT_READY: 503,
  BLOB_MISSING: 503,
  BLOB_DAMAGED: 503,
  NO_PEER: 503,
  SQL_STOPPED: 503,
  STORE_IO: 503,
  TIMEOUT: 504,
  SQL_TIMEOUT: 504,
  BLOB_QUOTA: 507,
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request cannot be used',
  401: 'Who asks is not known',
  403: 'That is not allowed',
  404: 'There is no such thing here',
  409: 'It cannot be done as things stand',
  412: 'It has changed meanwhile',
  413: 'That is too large',
  416: 'There is nothing of that range',
  415: 'That kind of content is not taken',
  429: 'Too many requests',
  500: 'The node has failed',
  502: 'Another node was not reached',
  503: 'Not at the moment',
  504: 'It took too long',
  507: 'There is no room',
}

/** Makes a problem of a code; its status follows from the code. */
export function problemOf(code: string, detail: string, errors?: Problem['errors']): Problem {
  const status = STATUS[code] ?? (code.startsWith('CAP_') ? 403 : 400)
  return {
    type: `urn:hanse:fault:${code}`,
    title: TITLES[status] ?? 'The request cannot be used',
    status,
    detail,
    code,
    ...(errors === undefined ? {} : { errors }),
  }
}

/** Codes of fastify's own errors, in our words. */
const FASTIFY: Readonly<Record<string, readonly [code: string, detail: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [
    'TOO_LARGE',
    'the body is too large: see docs/limits.md; content of any size goes in as a blob',
  ],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'BAD_REQUEST',
    'the content type is not taken here: the OpenAPI document at /openapi.json says which is',
  ],
}

/** The problem of whatever was thrown. Of our own mistakes it says nothing but that they are ours: those are logged. */
export function problemOfError(error: unknown): Problem {
  const { validation, validationContext = 'body', code, statusCode } = error as FastifyError
  if (validation !== undefined) {
    const errors = validation.map(({ instancePath, message, params }) => ({
      pointer: `/${validationContext}${instancePath}`,
      detail: describe(message, params),
    }))
    const [first] = errors
    return problemOf(
      'BAD_REQUEST',
      `${first?.pointer ?? ''} ${first?.detail ?? ''}: the OpenAPI document at /openapi.json says what is taken`,
      errors,
    )
  }
  const known = FASTIFY[code]
  if (known !== undefined) return problemOf(...known)
  if (statusCode === 429) return problemOf('TOO_MANY', 'too many requests: wait as long as Retry-After says')
  const fault = faultOf(error)
  if (fault.code === 'BUG' && typeof statusCode === 'number' && statusCode < 500)
    return { ...problemOf('BAD_REQUEST', (error as Error).message), status: statusCode }
  return problemOf(fault.code, fault.detail, error instanceof RequestFault ? error.errors : undefined)
}

function describe(message = 'is not as it should be', params: Readonly<Record<string, unknown>>): string {
  const { additionalProperty: extra, tag, tagValue } = params
  if (typeof extra === 'string') return `has no property ${JSON.stringify(extra)}`
  if (typeof tag === 'string' && tagValue !== undefined)
    return `has a ${JSON.stringify(tag)} that there is not, ${JSON.stringify(tagValue)}`
  return message
}
