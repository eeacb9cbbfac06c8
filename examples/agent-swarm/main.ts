import { setTimeout as wait } from 'node:timers/promises'
import { styleText } from 'node:util'
import { Memory } from './memory.ts'
import { Nodes, type RunningNode } from './nodes.ts'
import { Reporter, type Verdict } from './reporter.ts'
import { Searcher } from './searcher.ts'
import { ENDING, PLACES, SETTING, SUSPECTS, TITLE } from './story.ts'

/**
 * Four scripted agents on two nodes share a memory over MCP: they divide their work by claims, relate what they find, and a fifth, which
 * may only read, tells of it. No model, no network beyond this machine. Exits with 0 only if all that is said at the end has come true.
 */

/** After this, something is wrong, in ms. */
const DEADLINE_MS = 3 * 60 * 1000
/** How long the nodes may take to show the same state, in ms, and how often they are asked. */
const AGREE_MS_MAX = 30_000
const ASK_EVERY_MS = 250

const COLORS = ['cyan', 'yellow', 'magenta', 'green'] as const
const SEARCHERS = ['Ada', 'Bela', 'Caspar', 'Dora'] as const

const startedMs = Date.now()
const print = (text = '') => void process.stdout.write(`${text}\n`)
const faint = (text: string) => styleText('dim', text, { stream: process.stdout })
const strong = (text: string) => styleText('bold', text, { stream: process.stdout })

function colored(who: string): string {
  const at = SEARCHERS.findIndex((name) => name === who)
  return styleText(COLORS[at] ?? 'white', who.padEnd(7), { stream: process.stdout })
}

function tell(who: string, text: string): void {
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1).padStart(5)
  print(`${faint(`${seconds} s`)}  ${colored(who)} ${text}`)
}

const deadline = setTimeout(() => {
  process.stderr.write(`the swarm has come to no end in ${DEADLINE_MS / 1000} s\n`)
  process.exit(1)
}, DEADLINE_MS)
const nodes = new Nodes()
const memories: Memory[] = []
let code = 1
try {
  code = await runSwarm()
} finally {
  await Promise.all(memories.map(async (memory) => memory.close()))
  await nodes.remove()
  clearTimeout(deadline)
}
process.exitCode = code

async function runSwarm(): Promise<number> {
  print(`\n${strong(TITLE)}\n${SETTING}\n`)
  const [luebeck, visby] = await startNodes()
  const [ada, bela, caspar, dora, reader] = await Promise.all([
    open('ada', luebeck, 'write'),
    open('bela', luebeck, 'write'),
    open('caspar', visby, 'write'),
    open('dora', visby, 'write'),
    open('reporter', visby, 'read'),
  ])
  tell('', 'five agents have opened the memory, each with a token of its own\n')
  const suspects = SUSPECTS.map(({ id, name }) => ({ action: 'put', path: `suspects/${id}`, value: name }))
  await ada.call('write', { edits: suspects })
  const reporter = new Reporter(reader, tell)
  const following = reporter.follow()
  const searching = [ada, bela, caspar, dora].map(async (memory, i) =>
    new Searcher(SEARCHERS[i] ?? '', memory, i + 1).search(),
  )
  // Whichever fails ends the other.
  await Promise.race([following, Promise.all(searching)])
  const root = await agree(luebeck, visby)
  reporter.end()
  await following
  return judge(await reporter.verdict(), await reader.tools(), root)
}

/** Lübeck makes the memory, and Visby joins it. */
async function startNodes(): Promise<readonly [RunningNode, RunningNode]> {
  const [luebeck, visby] = await Promise.all([nodes.init('luebeck'), nodes.init('visby')])
  await luebeck.hanse('space', 'create', 'bell')
  const address = await nodes.up(luebeck)
  const { link } = await luebeck.hanse('invite', '--role', 'writer')
  await visby.hanse('join', String(link))
  await nodes.up(visby, '--peers', address)
  await visby.hanse('sync')
  tell('', 'two nodes are up, and hold the same')
  return [luebeck, visby]
}

async function open(name: string, node: RunningNode, can: 'read' | 'write'): Promise<Memory> {
  const { agentToken } = await node.hanse('agent', 'add', name, '--can', can)
  const memory = await Memory.open(name, node, String(agentToken))
  memories.push(memory)
  return memory
}

/** The state root that both nodes show; null where they have come to none in time. */
async function agree(...both: readonly RunningNode[]): Promise<string | null> {
  const untilMs = Date.now() + AGREE_MS_MAX
  while (Date.now() < untilMs) {
    const roots = await Promise.all(
      both.map(async (node) => {
        const { spaces } = (await node.hanse('status')) as {
          readonly spaces: readonly { readonly stateRoot: string }[]
        }
        return spaces[0]?.stateRoot ?? null
      }),
    )
    if (roots[0] !== null && roots.every((root) => root === roots[0])) return roots[0] ?? null
    await wait(ASK_EVERY_MS)
  }
  return null
}

function judge(
  { findings, related, suspects }: Verdict,
  tools: readonly string[],
  root: string | null,
): number {
  print(`\n${strong('What the memory says')}`)
  for (const { name, pointing, clearing } of suspects)
    print(`  ${name.padEnd(28)} ${'■'.repeat(pointing)}${faint('□'.repeat(clearing))}`)
  print(faint('  ■ a finding that points at them   □ one that clears them'))
  print(`\n  It was ${strong(suspects[0]?.name ?? 'nobody')}. ${ENDING}\n`)
  const by = SEARCHERS.map((name) => `${name} ${findings.filter((finding) => finding.by === name).length}`)
  const claims: readonly (readonly [boolean, string])[] = [
    [findings.length === PLACES.length, `each of ${PLACES.length} places has one finding: ${by.join(', ')}`],
    [related >= 4, `${related} pairs of findings were related by who read what others had found`],
    [!tools.includes('write'), `the reporter was offered ${tools.length} tools, none of which writes`],
    [root !== null, `both nodes show the same state, ${root?.slice(0, 16) ?? 'which they do not'}`],
  ]
  for (const [isTrue, text] of claims) print(`  ${isTrue ? '✓' : '✗'} ${text}`)
  return claims.every(([isTrue]) => isTrue) ? 0 : 1
}
