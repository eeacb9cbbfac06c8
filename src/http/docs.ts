import swaggerUi from '@fastify/swagger-ui'
import type { HttpApp } from './http-context.ts'

/** Where people read the document. */
const DOCS = '/docs'

/** Its own script and style from here, requests to here, pictures that the style carries along; no frame, nothing inline. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * The document as a page on which each request can be tried (@fastify/swagger-ui, which brings all that it shows along: nothing is loaded
 * from elsewhere). Open to all, as the document is; what is tried needs a token.
 */
export async function registerDocs(app: HttpApp): Promise<void> {
  app.addHook('onRoute', (route) => {
    if (route.url === DOCS || route.url.startsWith(`${DOCS}/`))
      route.config = { ...route.config, isOpen: true }
  })
  await app.register(swaggerUi, {
    routePrefix: DOCS,
    uiConfig: {
      layout: 'BaseLayout',
      docExpansion: 'none',
      deepLinking: true,
      persistAuthorization: false,
      validatorUrl: null,
    },
    staticCSP: CONTENT_SECURITY_POLICY,
  })
}
