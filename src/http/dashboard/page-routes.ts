import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { FaultError } from '../../node/fault-error.ts'
import type { HttpApp } from '../http-context.ts'
import { isPageFileName, type PageFileName, PageFiles } from './page-files.ts'

/**
 * What the page may do, said by the server (CSP 3): its own script and style from here alone, requests to here alone, no frame around it, no
 * form that goes anywhere, and no text that is ever read as HTML or script (Trusted Types), whatever a peer has called its space.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const HEADERS = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  // Asked again each time, and answered with nothing where it is the same.
  'Cache-Control': 'no-cache',
  Vary: 'Accept-Encoding',
} as const

/** The page itself: open to all who reach the server, because there is nothing of the node in it. */
export function registerPageRoutes(app: HttpApp, files = new PageFiles()): void {
  app.get('/', { config: { isOpen: true }, schema: { hide: true } }, async ({ headers }, reply) =>
    send(files, 'index.html', headers, reply),
  )
  app.get(
    '/dashboard/:file',
    {
      config: { isOpen: true },
      schema: { hide: true, params: Type.Object({ file: Type.String() }) },
    },
    async ({ params: { file }, headers }, reply) => {
      if (!isPageFileName(file))
        throw new FaultError({ code: 'NOT_FOUND', detail: 'the dashboard has no such file' })
      return await send(files, file, headers, reply)
    },
  )
}

async function send(
  files: PageFiles,
  name: PageFileName,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  reply: FastifyReply,
): Promise<unknown> {
  const file = files.get(name)
  if (file === null)
    throw new FaultError({
      code: 'NOT_READY',
      detail: 'the dashboard is not built in this checkout: npm run build makes it',
    })
  reply.headers(HEADERS).header('ETag', file.etag)
  if (headers['if-none-match'] === file.etag) return await reply.code(304).send()
  reply.type(file.type)
  if (!/\bgzip\b/.test(String(headers['accept-encoding'] ?? ''))) return await reply.send(file.bytes)
  return await reply.header('Content-Encoding', 'gzip').send(file.gzip)
}
