import swagger from '@fastify/swagger'
import type { FastifySchema } from 'fastify'
import type { HttpApp, HttpContext } from './http-context.ts'
import { registerDocs } from './docs.ts'

/**
 * The OpenAPI 3.1 document at /openapi.json, from the schemas that validate requests. @fastify/swagger because it reads what fastify
 * itself validates with, so the document cannot say anything else.
 */
export async function registerOpenApi(app: HttpApp, { version }: HttpContext): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Hanse',
        version,
        description:
          'One node of a peer-to-peer federation. Every write is one signed operation. In values, bytes are {"/": {"bytes": "base64"}} and links {"/": "cid"}, as DAG-JSON has it.',
      },
      components: { securitySchemes: { agentToken: { type: 'http', scheme: 'bearer' } } },
      security: [{ agentToken: [] }],
    },
    transform: ({ schema, url }) => ({ schema: documented(schema), url: url.replace(/\/\*$/, '/:path') }),
    transformObject: (document) =>
      ('openapiObject' in document ? withNames(document.openapiObject as Document) : document) as never,
    refResolver: {
      buildLocalReference: (json, _base, _fragment, i) =>
        typeof json['$id'] === 'string' ? json['$id'] : `def-${i}`,
    },
  })
  await registerDocs(app)
  app.get('/openapi.json', { config: { isOpen: true }, schema: { hide: true } }, () => app.swagger())
}

type JsonSchema = Readonly<Record<string, unknown>>

/**
 * A route's schema as the document has it: what has a default need not be given, and the rest of an address, which fastify calls `*`, is
 * `path`, since generated clients make names of names.
 */
function documented(schema: FastifySchema | undefined): FastifySchema {
  const { params, querystring, headers, body, ...rest } = schema ?? {}
  const parts = { params: withPath(params), ...optional({ querystring, headers, body }) }
  const given = Object.entries(parts).filter(([, part]) => part !== undefined)
  return { ...rest, ...Object.fromEntries(given) }
}

interface Document {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, { readonly operationId?: string }>>>>
}

/** One name for each operation: where a route takes several methods, those after the first have it in their name. */
function withNames(document: Document): Document {
  const paths = Object.entries(document.paths ?? {}).map(([address, methods]) => {
    const known = new Set<string>()
    const named = Object.entries(methods).map(([method, operation]) => {
      const { operationId = '' } = operation
      if (!known.has(operationId)) {
        known.add(operationId)
        return [method, operation] as const
      }
      return [
        method,
        { ...operation, operationId: `${operationId}By${method[0]?.toUpperCase()}${method.slice(1)}` },
      ] as const
    })
    return [address, Object.fromEntries(named)] as const
  })
  return { ...document, paths: Object.fromEntries(paths) }
}

function optional(parts: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(parts).map(([name, part]) => {
      const { properties, required } = (part ?? {}) as JsonSchema
      if (!isTexts(required)) return [name, part]
      const presets = (properties ?? {}) as Readonly<Record<string, JsonSchema>>
      return [
        name,
        {
          ...(part as JsonSchema),
          required: required.filter((one) => presets[one]?.['default'] === undefined),
        },
      ]
    }),
  )
}

function withPath(params: unknown): unknown {
  const { properties, required } = (params ?? {}) as JsonSchema
  const known = properties as JsonSchema | undefined
  if (known?.['*'] === undefined) return params
  const { '*': path, ...others } = known
  const names = isTexts(required) ? required.map((one) => (one === '*' ? 'path' : one)) : []
  return { ...(params as JsonSchema), properties: { ...others, path }, required: names }
}

const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value)
