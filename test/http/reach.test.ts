import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ServedNode } from './served-node.ts'

/** A schema as far as a smallest value of it can be made. */
interface Schema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly minItems?: number
  readonly minimum?: number
  readonly pattern?: string
}
interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly schema: Schema
}
interface Route {
  readonly method: string
  readonly address: string
  readonly id: string
  readonly security?: readonly unknown[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>
}

/** What anybody with a token may ask, because it is about themselves alone. */
const OF_THE_CALLER = new Set(['whoAmI', 'listSpaces', 'endSession'])
/** Signed headers, which name paths, go to every member of a space (docs/protocol.md); what was written there does not. */
const WITH_HEADERS = new Set(['getOperations', 'postOperationsSince'])
/** Texts that patterns ask for. */
const TEXTS = ['x', '0'.repeat(64), 'did:key:z6Mk', '/op/write', '1']
/** Bodies that a schema does not describe well enough to ask anything. */
const BODIES: Readonly<Record<string, unknown>> = {
  sql: { query: 'select * from items' },
  editText: { splices: [{ at: 0, insert: 'x' }] },
  settleConflict: { keep: true },
}

describe('every route of the OpenAPI document', () => {
  let served: ServedNode
  let routes: readonly Route[]

  beforeEach(async () => {
    served = await ServedNode.start()
    const { body } = await served.ask(null, 'GET', '/openapi.json')
    routes = Object.entries(body.paths as Record<string, Record<string, object>>).flatMap(
      ([address, methods]) =>
        Object.entries(methods).map(([method, about]) => ({
          ...(about as Omit<Route, 'method' | 'address' | 'id'>),
          id: (about as { operationId?: string }).operationId ?? `${method} ${address}`,
          method: method.toUpperCase(),
          address,
        })),
    )
  })

  afterEach(async () => served.stop())

  const isOpen = ({ security }: Route) => security?.length === 0
  const isStream = ({ address, responses }: Route) =>
    address.endsWith('/events') || responses['200']?.content?.['text/event-stream'] !== undefined

  it('has a name of its own, and describes its parameters', () => {
    expect(routes.length).toBeGreaterThan(30)
    const ids = routes.map(({ id }) => id)
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([])
    for (const { address, parameters = [] } of routes)
      for (const [, name] of address.matchAll(/\{(.+?)\}/g))
        expect(parameters.map((one) => one.name)).toContain(name)
  })

  it('refuses whoever shows no token', async () => {
    for (const route of routes.filter((one) => !isOpen(one))) {
      const { status } = await request(served, route, null)
      expect([route.id, status]).toEqual([route.id, 401])
    }
  })

  it('refuses a token without reach, and tells it of nothing', async () => {
    const { token } = served.node.agents.add({ name: 'nobody', reach: [] })
    const before = served.space.hosted.store.count()
    const taken: unknown[] = []
    for (const route of routes) {
      if (isOpen(route) || OF_THE_CALLER.has(route.id)) continue
      const { status, text } = await request(served, route, token)
      const isRefused = [403, 404].includes(status) && /"code":"(NO_SPACE|NOT_ALLOWED)"/.test(text)
      if (!isRefused) taken.push([route.id, status, text])
    }
    expect(taken).toEqual([])
    expect((await served.ask(token, 'GET', '/v1/spaces')).body.spaces).toEqual([])
    expect(served.space.hosted.store.count()).toBe(before)
  })

  it('tells a token with reach elsewhere nothing of what is hidden from it', async () => {
    const token = served.token('elsewhere', 'reader', 'notes')
    const { space } = served
    const base = space.put('secret/zq7', 'zq8')
    space.put('secret/zq7', 'zq8 a', { after: [base] })
    space.edit('secret/zq7-map', { zq8: 'zq8' })
    space.link('secret/zq7-edge', 'zq8', 'secret/zq7')
    space.append('secret/zq7-log', 'zq8')
    space.tag('secret/zq7-set', ['zq8'])
    space.text('secret/zq7-text').set('zq8')
    await space.blobs.put('secret/zq7-blob', new TextEncoder().encode('zq8'), { mediaType: 'text/zq8' })
    space.write([
      { kind: 'put', path: 'notes/1', value: 1 },
      { kind: 'put', path: 'secret/zq7-both', value: 'zq8' },
    ])
    const told: unknown[] = []
    for (const route of routes) {
      if (isOpen(route) || isStream(route) || !route.address.startsWith('/v1/spaces/{space}')) continue
      for (const path of ['notes', 'secret']) {
        const { text } = await request(served, route, token, path)
        const hidden = WITH_HEADERS.has(route.id) ? /zq8/ : /zq[78]/
        if (hidden.test(text)) told.push([route.id, path, text.slice(0, 200)])
      }
    }
    expect(told).toEqual([])
  })
})

/** The smallest request that a route's schema takes. */
async function request(
  served: ServedNode,
  { method, address, id, parameters = [], requestBody }: Route,
  token: string | null,
  path = 'notes',
): Promise<{ readonly status: number; readonly text: string }> {
  let url = address
  const query = new URLSearchParams()
  for (const { name, in: where, required, schema } of parameters) {
    const value = name === 'space' ? 'lab' : name === 'path' ? path : String(sampleOf(schema))
    if (where === 'path') url = url.replace(`{${name}}`, encodeURIComponent(value))
    else if (where === 'query' && (required === true || name === 'path')) query.set(name, value)
  }
  const [type, content] = Object.entries(requestBody?.content ?? {})[0] ?? []
  const isJson = type === 'application/json'
  const given = content === undefined ? undefined : isJson ? (BODIES[id] ?? sampleOf(content.schema)) : 'x\n'
  const response = await fetch(
    served.server.origin + (query.size === 0 ? url : `${url}?${query.toString()}`),
    {
      method,
      headers: {
        ...(type === undefined ? {} : { 'content-type': type }),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(given === undefined ? {} : { body: isJson ? JSON.stringify(given) : 'x\n' }),
      signal: AbortSignal.timeout(10_000),
    },
  )
  return { status: response.status, text: await response.text() }
}

function sampleOf(schema: Schema): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.default !== undefined) return schema.default
  const [first] = schema.oneOf ?? schema.anyOf ?? []
  if (first !== undefined) return sampleOf(first)
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        (schema.required ?? []).map((name) => [name, sampleOf(schema.properties?.[name] ?? {})]),
      )
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => sampleOf(schema.items ?? {}))
    case 'integer':
    case 'number':
      return schema.minimum ?? 0
    case 'boolean':
      return false
    default:
      return TEXTS.find((text) => new RegExp(schema.pattern ?? '').test(text)) ?? 'x'
  }
}
