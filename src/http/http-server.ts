import { readFileSync } from 'node:fs'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Ajv } from 'ajv'
import fastify, { type FastifyServerOptions } from 'fastify'
import {
  HTTP_BODY_BYTES_MAX,
  HTTP_HEADERS_MS_MAX,
  HTTP_IDLE_MS_MAX,
  HTTP_SILENCE_MS_MAX,
} from '../core/limits.ts'
import { FaultError } from '../node/fault-error.ts'
import type { HanseNode } from '../node/node.ts'
import { type AdmittanceLimits, registerAdmittance } from './admittance.ts'
import { authenticateHook } from './authenticate.ts'
import { boundConnections } from './connections.ts'
import type { HttpApp, HttpContext } from './http-context.ts'
import { speakJson } from './json.ts'
import { isLoopback, type ListenAddress, originOf } from './listen-address.ts'
import { OperatorSessions } from './operator-sessions.ts'
import { registerOpenApi } from './openapi.ts'
import { PROBLEM_TYPE, problemOf, problemOfError } from './problem.ts'
import { registerRoutes } from './routes/index.ts'
import { registerSecurityHeaders } from './security-headers.ts'
import { answerUnreadable } from './unreadable-request.ts'

/** How HTTP is served. */
export interface HttpServerInit {
  readonly node: HanseNode
  readonly version: string
  readonly listen: ListenAddress
  /** PEM files. Needed where others than this machine reach the address. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string }
  /** Origins of pages that may ask, such as `https://app.example`. Default: none. */
  readonly corsOrigins?: readonly string[]
  /** Other bounds than those of limits.ts. */
  readonly limits?: HttpLimits
  /** Hears of what failed by our own fault. */
  readonly onError?: (error: unknown) => void
}

/** Bounds of a server. */
export interface HttpLimits extends AdmittanceLimits {
  readonly connectionsPerAddress?: number
  readonly headersMs?: number
}

/** How often the server looks for requests whose headers do not come, in ms. */
const LOOK_FOR_SLOW_MS = 1_000

/** HTTP as a node serves it: every door that is not libp2p's. */
export class HttpServer {
  readonly #app: HttpApp
  readonly #stopping = new AbortController()
  readonly #init: HttpServerInit
  /** Links and sessions of browsers. */
  readonly sessions: OperatorSessions
  #origin = ''

  private constructor(app: HttpApp, init: HttpServerInit) {
    this.#app = app
    this.#init = init
    this.sessions = new OperatorSessions(() => init.node.now())
  }

  /** Makes the server and listens. Throws `BAD_CONFIG` where it would serve others without TLS, `IN_USE` where the port is taken. */
  static async start(init: HttpServerInit): Promise<HttpServer> {
    const { listen, tls } = init
    if (tls === undefined && !isLoopback(listen.host)) {
      const detail = `HTTP on ${listen.host} would send tokens in the clear: give --http-tls-cert and --http-tls-key, or serve on 127.0.0.1`
      throw new FaultError({ code: 'BAD_CONFIG', detail })
    }
    const server = new HttpServer(createApp(init), init)
    await server.#prepare()
    try {
      await server.#app.listen({ host: listen.host, port: listen.port })
    } catch (error) {
      await server.stop()
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      const detail = `port ${listen.port} of ${listen.host} is taken: choose another with --http ${listen.host}:PORT`
      throw new FaultError({ code: 'IN_USE', detail })
    }
    const address = server.#app.server.address()
    const port = typeof address === 'object' && address !== null ? address.port : listen.port
    server.#origin = originOf({ host: listen.host, port }, tls !== undefined)
    return server
  }

  /** Such as `http://127.0.0.1:7420`. */
  get origin(): string {
    return this.#origin
  }

  /** A link that makes whoever opens it first this node's operator in their browser. */
  createLink(): string {
    // In the fragment, which browsers send to nobody.
    return `${this.#origin}/#link=${this.sessions.createLink()}`
  }

  /** Ends streams, then connections. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#app.close()
  }

  async #prepare(): Promise<void> {
    const { node, version, onError } = this.#init
    const app = this.#app
    const context: HttpContext = {
      node,
      version,
      sessions: this.sessions,
      stopping: this.#stopping.signal,
      onError: (error) => onError?.(error),
    }
    speakJson(app)
    app.decorateRequest('caller')
    app.addHook('onRequest', hostHook(this.#init.listen.host))
    await registerSecurityHeaders(app, {
      isTls: this.#init.tls !== undefined,
      corsOrigins: this.#init.corsOrigins ?? [],
    })
    await registerAdmittance(app, authenticateHook(node, this.sessions), this.#init.limits)
    app.setErrorHandler(async (error, _request, reply) => {
      const problem = problemOfError(error)
      if (problem.status >= 500) onError?.(error)
      return await reply.code(problem.status).type(PROBLEM_TYPE).send(problem)
    })
    app.setNotFoundHandler({}, async (_request, reply) => {
      const problem = problemOf(
        'NOT_FOUND',
        'there is no such address: the OpenAPI document at /openapi.json lists them',
      )
      return await reply.code(404).type(PROBLEM_TYPE).send(problem)
    })
    await registerOpenApi(app, context)
    await registerRoutes(app, context)
  }
}

function createApp({ tls, limits = {} }: HttpServerInit): HttpApp {
  const { headersMs = HTTP_HEADERS_MS_MAX, connectionsPerAddress } = limits
  // Looked for more often than Node does by itself, which is every half minute.
  const slow = {
    headersTimeout: headersMs,
    connectionsCheckingInterval: Math.min(LOOK_FOR_SLOW_MS, headersMs),
  }
  const secret =
    tls === undefined
      ? null
      : { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile), minVersion: 'TLSv1.3' as const }
  const app = fastify({
    ...(secret === null ? { http: slow } : { https: { ...secret, ...slow } }),
    bodyLimit: HTTP_BODY_BYTES_MAX,
    // Bodies have their own bounds: those that are content may take any time while they come (admittance.ts, unhurried.ts).
    requestTimeout: 0,
    keepAliveTimeout: HTTP_IDLE_MS_MAX,
    connectionTimeout: HTTP_SILENCE_MS_MAX,
    forceCloseConnections: true,
    return503OnClosing: false,
    clientErrorHandler: answerUnreadable,
  } as FastifyServerOptions).withTypeProvider<TypeBoxTypeProvider>()
  boundConnections(app.server, connectionsPerAddress)
  // Bodies say what they mean; in addresses everything is text.
  const strict = new Ajv({ allErrors: false, useDefaults: true, discriminator: true })
  const lenient = new Ajv({ allErrors: false, useDefaults: true, coerceTypes: 'array' })
  app.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === 'body' ? strict : lenient).compile(schema as object),
  )
  return app
}

/** A page of elsewhere must not reach a loopback server under a name of its own (DNS rebinding). */
function hostHook(served: string) {
  return async ({ hostname }: { readonly hostname: string }): Promise<void> => {
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    if (!isLoopback(served) || isLoopback(host)) return
    throw new FaultError({
      code: 'NOT_ALLOWED',
      detail: 'this node serves this machine alone: ask it as 127.0.0.1 or localhost',
    })
  }
}
