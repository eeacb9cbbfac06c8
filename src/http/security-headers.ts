import type { IncomingMessage, ServerResponse } from 'node:http'
import cors from '@fastify/cors'
import helmet, { type HelmetOptions } from 'helmet'
import type { HttpApp } from './http-context.ts'

/** What a page may do where a route says nothing of its own: nothing at all. */
const NOTHING = {
  'default-src': ["'none'"],
  'frame-ancestors': ["'none'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
}

/** What pages of other origins may read of an answer. */
const EXPOSED = [
  'ETag',
  'Retry-After',
  'Content-Range',
  'Accept-Ranges',
  'Content-Disposition',
  'Location',
  'WWW-Authenticate',
]

/**
 * Headers that keep browsers from doing more with an answer than reading it (helmet, which knows them all), and pages of other
 * origins from reading it at all, except those that `corsOrigins` names (@fastify/cors, which answers what browsers ask beforehand). Cookies
 * are never taken from elsewhere: `SameSite=Strict`, and authenticateHook looks where a request comes from.
 */
export async function registerSecurityHeaders(
  app: HttpApp,
  { isTls, corsOrigins }: { readonly isTls: boolean; readonly corsOrigins: readonly string[] },
): Promise<void> {
  const headers = headersOf({
    contentSecurityPolicy: { useDefaults: false, directives: NOTHING },
    crossOriginEmbedderPolicy: false,
    crossOriginResourcePolicy: { policy: corsOrigins.length === 0 ? 'same-origin' : 'cross-origin' },
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: isTls ? { maxAge: 180 * 24 * 60 * 60, includeSubDomains: false } : false,
    xFrameOptions: { action: 'deny' },
  })
  app.addHook('onRequest', (_request, { raw }, done) => {
    for (const [name, value] of headers) raw.setHeader(name, value)
    done()
  })
  if (corsOrigins.length === 0) return
  await app.register(cors, {
    origin: [...corsOrigins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      'If-Match',
      'If-None-Match',
      'If-Range',
      'Last-Event-ID',
      'Range',
      'Accept',
    ],
    exposedHeaders: EXPOSED,
    credentials: false,
    maxAge: 600,
    strictPreflight: true,
  })
}

/**
 * What helmet sets, found out once: it is the same for every request. @fastify/helmet finds it out for each and hangs a closure on each reply,
 * by which V8 came to keep whole requests and answers until the next full collection.
 */
function headersOf(options: HelmetOptions): readonly (readonly [name: string, value: string])[] {
  const headers = new Map<string, string>()
  const answer = {
    setHeader: (name: string, value: string) => headers.set(name, value),
    removeHeader: (name: string) => headers.delete(name),
  }
  // Of an answer helmet uses no more than this, and of a request nothing.
  helmet(options)({} as IncomingMessage, answer as unknown as ServerResponse, (error) => {
    if (error !== undefined) throw new Error('bug: helmet does not take its options', { cause: error })
  })
  return [...headers]
}
