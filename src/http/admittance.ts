import rateLimit from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  HTTP_OPEN_PER_CALLER_MAX,
  HTTP_RATE_WINDOW_MS,
  HTTP_RATED_CALLERS_MAX,
  HTTP_REQUEST_MS_MAX,
  HTTP_REQUESTS_PER_WINDOW_MAX,
  HTTP_UNKNOWN_PER_WINDOW_MAX,
} from '../core/limits.ts'
import { FaultError } from '../node/fault-error.ts'
import type { HttpApp } from './http-context.ts'

/** Bounds that a server may have tighter or wider than usual. */
export interface AdmittanceLimits {
  /** Requests of one caller within HTTP_RATE_WINDOW_MS. */
  readonly requestsPerWindow?: number
  /** Of one address whose asker is not known. */
  readonly unknownPerWindow?: number
  /** Requests of one caller at once. */
  readonly openPerCaller?: number
}

type Authenticate = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

/**
 * Lets requests in: finds out who asks, counts how often and how much at once, and gives a body that dawdles up. Counted is by caller, whom
 * its token names, not by address: on one machine everybody has the same. Who is not known is counted by address, apart, so that wrong
 * tokens keep nobody with a right one out. @fastify/rate-limit counts, because its store is bounded and its windows are right.
 */
export async function registerAdmittance(
  app: HttpApp,
  authenticate: Authenticate,
  limits: AdmittanceLimits = {},
): Promise<void> {
  const {
    requestsPerWindow = HTTP_REQUESTS_PER_WINDOW_MAX,
    unknownPerWindow = HTTP_UNKNOWN_PER_WINDOW_MAX,
    openPerCaller = HTTP_OPEN_PER_CALLER_MAX,
  } = limits
  await app.register(rateLimit, {
    global: false,
    cache: HTTP_RATED_CALLERS_MAX,
    timeWindow: HTTP_RATE_WINDOW_MS,
    keyGenerator: keyOf,
  })
  const countKnown = app.createRateLimit({ max: requestsPerWindow })
  const countUnknown = app.createRateLimit({ max: unknownPerWindow, keyGenerator: ({ ip }) => ip })
  const open = new Map<string, number>()

  const count = async (limiter: typeof countKnown, request: FastifyRequest, reply: FastifyReply) => {
    const counted = await limiter(request)
    if (counted.isAllowed || !counted.isExceeded) return
    reply.header('Retry-After', String(counted.ttlInSeconds))
    throw new FaultError({
      code: 'TOO_MANY',
      detail: `more than ${counted.max} requests in ${HTTP_RATE_WINDOW_MS / 1000} s: wait as long as Retry-After says`,
    })
  }

  app.addHook('onRequest', async (request, reply) => {
    try {
      await authenticate(request, reply)
    } catch (error) {
      await count(countUnknown, request, reply)
      throw error
    }
    await count(isKnown(request) ? countKnown : countUnknown, request, reply)
    const key = keyOf(request)
    const others = open.get(key) ?? 0
    if (others >= openPerCaller) {
      reply.header('Retry-After', '1')
      throw new FaultError({
        code: 'TOO_MANY',
        detail: `${others} requests of yours are open already: end some, streams of events among them`,
      })
    }
    open.set(key, others + 1)
    reply.raw.once('close', () => {
      const left = (open.get(key) ?? 1) - 1
      if (left === 0) open.delete(key)
      else open.set(key, left)
    })
    if (request.routeOptions.config.isStreamed !== true) boundBody(request)
  })
}

/** Cuts a connection off whose request does not arrive whole in time. Bodies that are read as streams have a bound of their own. */
function boundBody({ raw, headers }: FastifyRequest): void {
  if (headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0') return
  const timer = setTimeout(() => raw.destroy(), HTTP_REQUEST_MS_MAX)
  for (const event of ['end', 'close']) raw.once(event, () => clearTimeout(timer))
}

// The type says that there is a caller; on open routes there is none.
const isKnown = (request: FastifyRequest): boolean =>
  (request.caller as FastifyRequest['caller'] | undefined) !== undefined

const keyOf = (request: FastifyRequest): string => (isKnown(request) ? request.caller.did : request.ip)
