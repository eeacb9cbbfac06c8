import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ProgressBar } from '../src/cli/output/progress-bar.ts'
import { createStyle } from '../src/cli/output/style.ts'
import { sha256 } from '../src/core/hash.ts'
import { utf8 } from '../src/core/bytes.ts'
import { createSigner } from '../src/core/native-signature.ts'
import { formatDid } from '../src/core/principal.ts'
import { createNode, type Space } from '../src/index.ts'
import { groupTyping, readTrace, type TypedGroup, type TypingTrace } from './typing-trace.ts'

const USAGE = `Usage: npm run replay-text -- FILE [--each] [--json]

Replays a recording of typing (josephg/editing-traces, .json or .json.gz) through signed operations in a space of its own, and
says whether it ends with the recorded text. Everybody in a concurrent recording has a key and builds on what they had seen.

  --each   one operation for each recorded transaction; default: what is typed without a pause is one operation
  --json   print exactly one JSON value

Exit codes: 0 it matches; 1 it does not; 2 the file cannot be used.`

/** What came of a replay. */
interface Report {
  readonly matches: boolean
  /** Recorded patches. */
  readonly edits: number
  /** To make, sign and store all operations. */
  readonly seconds: number
  /** Of the space's files, closed. */
  readonly bytes: number
  readonly operations: number
  /** To open the stored space again, and the text in it. */
  readonly openSeconds: number
}

const PATH = 'text'
/** Operations after which the progress is shown. */
const SHOWN_EVERY = 256

async function replay(trace: TypingTrace, isEach: boolean, bar: ProgressBar): Promise<Report> {
  const directory = mkdtempSync(join(tmpdir(), 'hanse-replay-'))
  try {
    const node = await createNode({ dataDirectory: directory, online: false })
    const space = node.createSpace({ name: 'replay' })
    const groups = groupTyping(trace, isEach)
    const beganMs = performance.now()
    await write(space, trace, groups, (done) => bar.show('replaying', done, groups.length))
    const seconds = secondsSince(beganMs)
    const text = space.text(PATH).toString()
    await node.stop()
    const bytes = sizeOf(join(directory, 'spaces'))

    const openedMs = performance.now()
    const again = await createNode({ dataDirectory: directory, online: false })
    const stored = again.space(space.id).text(PATH).toString()
    const openSeconds = secondsSince(openedMs)
    await again.stop()
    const matches = text === trace.endContent && stored === text
    const edits = trace.txns.reduce((count, { patches }) => count + patches.length, 0)
    return { matches, edits, seconds, bytes, operations: groups.length, openSeconds }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Writes each group as its author's operation. */
async function write(
  space: Space,
  { startContent = '', numAgents }: TypingTrace,
  groups: readonly TypedGroup[],
  onProgress: (done: number) => void,
): Promise<void> {
  const text = space.text(PATH)
  if (startContent !== '') text.insert(0, startContent)
  // Of one author the node's own will do, who has seen everything there is.
  const signers = Array.from({ length: numAgents ?? 0 }, (_, agent) =>
    createSigner(sha256(utf8(`agent ${agent}`))),
  )
  const grants = signers.map(({ publicKey }) => ({ to: formatDid(publicKey), role: 'writer' as const }))
  space.grantAll(grants)
  const start = space.log('', 1).map(({ id }) => id)
  const ids: string[] = []
  for (const [index, { agent, parents, splices }] of groups.entries()) {
    const author = signers[agent]
    const after = parents.length === 0 ? start : parents.map((parent) => ids[parent] as string)
    const id = text.apply(splices, author === undefined ? {} : { author, after })
    // What changes nothing is no operation; whoever builds on it builds on what it was built on.
    ids.push(id ?? (after[0] as string))
    if (index % SHOWN_EVERY !== 0) continue
    onProgress(index)
    await new Promise(setImmediate)
  }
}

function sizeOf(directory: string): number {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  return files.reduce((bytes, file) => bytes + statSync(join(directory, file)).size, 0)
}

const secondsSince = (beganMs: number): number => Math.round(performance.now() - beganMs) / 1_000

async function main(): Promise<number> {
  const options = { json: { type: 'boolean' }, each: { type: 'boolean' }, help: { type: 'boolean' } } as const
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const [file, ...others] = positionals
  if (values.help === true || file === undefined || others.length > 0) {
    console.error(USAGE)
    return values.help === true ? 0 : 2
  }
  let trace: TypingTrace
  try {
    trace = readTrace(file)
  } catch (error) {
    const detail = `${file} cannot be used: ${error instanceof Error ? error.message : String(error)}`
    console.error(values.json === true ? JSON.stringify({ error: { code: 'BAD_FILE', detail } }) : detail)
    return 2
  }
  const bar = new ProgressBar(
    values.json === true ? null : process.stderr,
    createStyle(process.stderr, process.env),
  )
  const report = await replay(trace, values.each === true, bar).finally(() => bar.end())
  if (values.json === true) console.log(JSON.stringify(report))
  else {
    const { matches, edits, operations, seconds, bytes, openSeconds } = report
    console.log(
      `${matches ? 'matches the recorded text' : 'DOES NOT match the recorded text'}: ${edits} edits in ${operations} operations, ${seconds} s, ${bytes} bytes stored, opened again in ${openSeconds} s`,
    )
  }
  return report.matches ? 0 : 1
}

process.exit(await main())
