import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { Validator } from '@seriousme/openapi-schema-validator'
import { OpenAPIClientAxios } from 'openapi-client-axios'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ServedNode } from './served-node.ts'

const run = promisify(execFile)
const BOUND_MS = 20_000
const SCRIPT = join(import.meta.dirname, '../../examples/python/hanse.py')
const PROMTOOL = join(import.meta.dirname, '../../node_modules/.cache/promtool')

let served: ServedNode
let token: string
let folder: string
beforeEach(async () => {
  served = await ServedNode.start()
  token = served.token('scribe', 'writer', 'notes')
  folder = mkdtempSync(join(tmpdir(), 'hanse-client-'))
})
afterEach(async () => {
  await served.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('curl', () => {
  const curl = async (...args: string[]) =>
    (
      await run('curl', [
        '--silent',
        '--show-error',
        '--max-time',
        '20',
        '-H',
        `Authorization: Bearer ${token}`,
        ...args,
      ])
    ).stdout
  const at = (path: string) => `${served.server.origin}/v1/spaces/lab${path}`

  it('writes, reads, asks with SQL, and puts and gets a file in parts', async () => {
    const json = ['-H', 'Content-Type: application/json', '--data']
    await curl('-X', 'PUT', ...json, '{"value": "buy milk"}', at('/items/notes/today'))
    expect(JSON.parse(await curl(at('/items/notes/today')))).toMatchObject({
      value: 'buy milk',
      type: 'register',
    })
    const asked = await curl(...json, '{"query": "SELECT path FROM items"}', at('/sql'))
    expect(JSON.parse(asked).rows).toEqual([{ path: 'notes/today' }])
    const file = join(folder, 'photo.bin')
    writeFileSync(file, Buffer.alloc(3_000_000, 'abc'))
    await curl('-T', file, '-H', 'Content-Type: image/png', at('/blobs/notes/photo'))
    const got = join(folder, 'got.bin')
    await curl('--range', '0-999999', '-o', got, at('/blobs/notes/photo'))
    // Goes on where the part ends.
    await curl('-C', '-', '-o', got, at('/blobs/notes/photo'))
    expect(readFileSync(got).equals(readFileSync(file))).toBe(true)
  })
})

describe('the script for Python', () => {
  const python = async (...args: string[]) =>
    (await run('python3', args, { env: environment(), timeout: BOUND_MS })).stdout.trim()
  const environment = () => ({
    ...process.env,
    HANSE_URL: served.server.origin,
    HANSE_TOKEN: token,
    PYTHONPATH: join(SCRIPT, '..'),
    PYTHONDONTWRITEBYTECODE: '1',
  })

  it('reads and writes from the command line', async () => {
    const id = await python(SCRIPT, 'lab', 'put', 'notes/a', 'héllo')
    expect(served.space.explain(id).author).toBe(served.node.agents.get('scribe').did)
    expect(await python(SCRIPT, 'lab', 'get', 'notes/a')).toBe('"héllo"')
    expect(await python(SCRIPT, 'lab', 'list')).toBe('notes/a')
    const refused = run('python3', [SCRIPT, 'lab', 'put', 'vault/a', 'x'], { env: environment() })
    await expect(refused).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('CAP_POLICY') as unknown,
    })
  })

  it('does in a program what its first lines say', async () => {
    const program = join(folder, 'program.py')
    writeFileSync(
      program,
      `from hanse import Hanse
hanse = Hanse()
notes = hanse.space("lab")
notes.put("notes/today", "buy milk")
notes.edit("notes/ada", {"name": "Ada", "born": 1815})
notes.append("notes/log", {"what": "written"})
assert notes.get("notes/today")["value"] == "buy milk"
assert notes.get("notes/none") is None
assert [row["path"] for row in notes.sql("SELECT path FROM items WHERE path LIKE ?", "notes/t%")] == ["notes/today"]
assert [hit["path"] for hit in notes.search("milk")] == ["notes/today"]
notes.put_blob("notes/blob", b"0123456789", media_type="text/plain", name="digits.txt")
assert notes.get_blob("notes/blob", 2, 4) == b"234"
assert len(list(notes.list())) == 4
print(hanse.who_am_i()["name"])
`,
    )
    expect(await python(program)).toBe('scribe')
  })

  it('follows what happens, and comes back after the connection is lost', async () => {
    const follower = spawn('python3', [SCRIPT, 'lab', 'follow'], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = createInterface({ input: follower.stdout })[Symbol.asyncIterator]()
    const told = async (): Promise<string> =>
      (JSON.parse((await lines.next()).value ?? 'null') as { path: string }).path
    // It follows from the moment it is there: writes until it tells.
    const timer = setInterval(() => served.space.append('notes/first', 1), 200)
    expect(await told()).toBe('notes/first')
    clearInterval(timer)
    const { port } = new URL(served.server.origin)
    await served.restart(Number(port))
    served.space.put('notes/second', 2)
    let path = 'notes/first'
    while (path === 'notes/first') path = await told()
    expect(path).toBe('notes/second')
    follower.kill()
    await once(follower, 'exit')
  })
})

describe('the OpenAPI document', () => {
  const load = async () => (await served.ask(null, 'GET', '/openapi.json')).body as Record<string, unknown>

  it('is OpenAPI 3.1, as a validator has it, and every operation has a name, a summary and its problems', async () => {
    const document = await load()
    const validator = new Validator()
    expect(await validator.validate(structuredClone(document))).toEqual({ valid: true })
    expect(validator.version).toBe('3.1')
    const names: string[] = []
    for (const methods of Object.values(document['paths'] as object))
      for (const operation of Object.values(methods as object) as Record<string, unknown>[]) {
        names.push(operation['operationId'] as string)
        expect(operation).toMatchObject({
          summary: expect.any(String) as unknown,
          tags: expect.any(Array) as unknown,
        })
        expect(Object.keys(operation['responses'] as object)).toContain('4XX')
      }
    expect(new Set(names).size).toBe(names.length)
    expect(names.length).toBeGreaterThan(40)
  })

  it('makes a client that writes and reads', async () => {
    const definition = (await load()) as never
    const headers = { Authorization: `Bearer ${token}` }
    const api = new OpenAPIClientAxios({
      definition,
      axiosConfigDefaults: { baseURL: served.server.origin, headers },
    })
    const client = (await api.init()) as unknown as Record<
      string,
      (parameters?: unknown, body?: unknown) => Promise<{ data: Record<string, unknown> }>
    >
    await client['putItem']?.({ space: 'lab', path: 'notes/today' }, { value: { milk: 2 } })
    const item = await client['getItem']?.({ space: 'lab', path: 'notes/today' })
    expect(item?.data).toMatchObject({ path: 'notes/today', value: { milk: 2 } })
    const answer = await client['sql']?.({ space: 'lab' }, { query: 'SELECT count(*) AS n FROM items' })
    expect(answer?.data['rows']).toEqual([{ n: 1 }])
    const found = await client['search']?.({ space: 'lab', q: 'milk' })
    expect(found?.data).toMatchObject({ hits: [] })
  })
})

/** What Prometheus' own checker says of a text. */
async function promtool(
  text: string,
): Promise<{ readonly code: number; readonly advice: readonly string[] }> {
  const checked = spawn(PROMTOOL, ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] })
  checked.stdin.end(text)
  const said = Promise.all([checked.stdout, checked.stderr].map(async (stream) => await stream.toArray()))
  const [code] = (await once(checked, 'close')) as [number]
  const lines = (await said)
    .map((chunks) => Buffer.concat(chunks as Buffer[]).toString())
    .join('')
    .split('\n')
  return { code, advice: lines.filter((line) => line.startsWith('hanse_')) }
}

describe('Prometheus', () => {
  const figures = async (): Promise<string> => {
    served.space.put('notes/a', 1)
    const operator = served.node.agents.add({ name: 'root', reach: [], isOperator: true }).token
    return (await served.ask(operator, 'GET', '/metrics')).body as string
  }

  it.skipIf(!existsSync(PROMTOOL))(
    'reads the figures with its own parser (SKIPPED where "node scripts/fetch-promtool.ts" has not been run)',
    async () => {
      const text = await figures()
      // 3: the text was read, and its linter has advice on names; ours must have none, Node's have some.
      const { code, advice } = await promtool(text)
      expect([0, 3]).toContain(code)
      expect(advice).toEqual([])
      expect((await promtool(text.replace('hanse_space_operations{', 'hanse_space_operations{{'))).code).toBe(
        1,
      )
    },
  )

  it('reads lines that have the form of its text format, each name described once', async () => {
    const text = await figures()
    const described = [...text.matchAll(/^# TYPE (\S+) (counter|gauge|histogram|summary)$/gm)].map(
      ([, name]) => name,
    )
    expect(new Set(described).size).toBe(described.length)
    const sample =
      /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\[\\"n])*",?)*\})? ([Nn]a[Nn]|[+-]Inf|-?\d+(\.\d+)?(e[+-]?\d+)?)$/
    for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith('#'))) {
      expect(line).toMatch(sample)
      const name = sample.exec(line)?.[1] ?? ''
      expect(described.some((one) => one === name || name.replace(/_(bucket|sum|count)$/, '') === one)).toBe(
        true,
      )
    }
    expect(text.endsWith('\n')).toBe(true)
  })
})
