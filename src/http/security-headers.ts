import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
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
 * Headers that keep browsers from doing more with an answer than reading it (@fastify/helmet, which knows them all), and pages of other
 * origins from reading it at all, except those that `corsOrigins` names (@fastify/cors, which answers what browsers ask beforehand). Cookies
 * are never taken from elsewhere: `SameSite=Strict`, and authenticateHook looks where a request comes from.
 */
export async function registerSecurityHeaders(
  app: HttpApp,
  { isTls, corsOrigins }: { readonly isTls: boolean; readonly corsOrigins: readonly string[] },
): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: NOTHING },
    crossOriginEmbedderPolicy: false,
    crossOriginResourcePolicy: { policy: corsOrigins.length === 0 ? 'same-origin' : 'cross-origin' },
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: isTls ? { maxAge: 180 * 24 * 60 * 60, includeSubDomains: false } : false,
    xFrameOptions: { action: 'deny' },
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
