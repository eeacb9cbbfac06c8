import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { readHistory } from '../node/exchange/history-file.ts'
import { Processes } from './processes.ts'
import {
  EXPECTED_HOLD,
  EXPECTED_REFUSALS,
  MALLORY_PATH,
  sumCounts,
  type DemoResult,
  type NodeReport,
  type NodeSetup,
} from './report.ts'
import type { Remote } from './rpc.ts'
import type { Screen } from './screen.ts'

/** What the demo is run with. */
export interface DemoOptions {
  readonly history: string
  readonly expected: string
  readonly nodes: number
  /** Folder to keep data and logs in; null for a temporary one that is removed. */
  readonly keep: string | null
}

/** Bounds of what the demo waits for, in ms: generous, since the machine may be busy. */
const SETUP_TIMEOUT_MS = 60_000
const STALL_TIMEOUT_MS = 60_000
const CONVERGENCE_TIMEOUT_MS = 90_000
const POLL_MS = 50

/** One federation node as the demo sees it. */
interface Running {
  readonly setup: NodeSetup
  remote: Remote
  addresses: readonly string[]
  /** Ids it has told of: acknowledged. */
  readonly acknowledged: Set<string>
  arrived: number
  operations: number
  inSyncAtMs: number | null
}

/**
 * The whole demo: an introduction node, nodes that know only its address, mallory, a killed node, a latecomer; then the comparison
 * of everything with everything. Always ends its processes. Rejects when something that must happen does not, in bounded time.
 */
export async function runDemo(options: DemoOptions, screen: Screen): Promise<DemoResult> {
  const directory = options.keep ?? mkdtempSync(join(tmpdir(), 'hanse-demo-'))
  if (options.keep !== null) mkdirSync(directory, { recursive: true })
  const demo = new Demo(options, directory, screen)
  const interrupt = () => void demo.end().then(() => process.exit(130))
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  try {
    return await demo.run()
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
    await demo.end()
    if (options.keep === null) rmSync(directory, { recursive: true, force: true })
  }
}

class Demo {
  readonly #options: DemoOptions
  readonly #directory: string
  readonly #screen: Screen
  readonly #processes = new Processes()
  readonly #nodes: Running[] = []
  #bootstrap: readonly string[] = []
  #mallory: Remote | null = null
  #killedNodeLost = 0

  constructor(options: DemoOptions, directory: string, screen: Screen) {
    this.#options = options
    this.#directory = directory
    this.#screen = screen
  }

  async run(): Promise<DemoResult> {
    const { commits, people } = readHistory(this.#options.history)
    await this.#found()
    await this.#invite()
    const startedMs = performance.now()
    for (const node of this.#nodes) await node.remote.call('replay')
    let seconds = 0
    let replayed = 0
    const written = this.#whileProgressing('every commit', () =>
      this.#nodes.every(({ arrived }) => arrived === commits.length),
    ).then(() => {
      seconds = (performance.now() - startedMs) / 1000
      replayed = Math.max(...this.#nodes.map(({ operations }) => operations))
    })
    await Promise.all([written, this.#misfortunes(commits.length)])
    await this.#silenceMallory()
    await this.#converged(this.#nodes)
    const coldSync = await this.#latecomer()
    await this.#converged(this.#nodes)
    await this.#containMallory()
    await this.#converged(this.#nodes)
    const reports = await Promise.all(this.#nodes.map(({ remote }) => remote.call<NodeReport>('report')))
    await Promise.all(this.#nodes.map(({ remote }) => remote.call('stop').then(() => remote.ended)))
    return this.#judge({ commits: commits.length, authors: people, seconds, replayed, coldSync, reports })
  }

  async end(): Promise<void> {
    await this.#processes.stopAll()
  }

  /** Starts the introduction node and the federation, and lets the first node make the space. */
  async #found(): Promise<void> {
    this.#screen.say('starting the introduction node')
    this.#bootstrap = await this.#processes.startIntroducer(join(this.#directory, 'introduction'))
    this.#screen.say(`starting ${this.#options.nodes} federation nodes that know only its address`)
    const setups = Array.from({ length: this.#options.nodes }, (_, index) =>
      this.#setup(`node-${index + 1}`, index),
    )
    this.#nodes.push(...(await Promise.all(setups.map((setup) => this.#start(setup)))))
    const [owner] = this.#nodes
    await owner?.remote.call('found', this.#options.history)
    this.#screen.say('node-1 has made the space and granted every person the right to write')
  }

  /** The others join with links, and mallory with one that lets her write below her own path. */
  async #invite(): Promise<void> {
    const [owner, ...others] = this.#nodes
    const link = await (owner as Running).remote.call<string>('invite', { role: 'reader', path: '' })
    for (const { remote } of others) await remote.call('join', link)
    await this.#converged(this.#nodes)
    this.#screen.say('all nodes have found each other and agree; mallory joins')
    const bad = await (owner as Running).remote.call<string>('invite', { role: 'writer', path: MALLORY_PATH })
    const half = Math.floor(this.#nodes.length / 2)
    const sides = [this.#nodes.slice(0, half), this.#nodes.slice(half, -1)]
    this.#mallory = await this.#processes.start('./mallory-main.ts', 'mallory', () => {})
    for (const side of sides) {
      const peers = side.flatMap((node) => node.addresses)
      const heads = await this.#mallory.call<readonly string[]>(
        'settle',
        { link: bad, peers },
        SETUP_TIMEOUT_MS,
      )
      // Her key's first operation must be everywhere before her second place begins, or she forks too early.
      const isEverywhere = async () => {
        const missing = await Promise.all(
          this.#nodes.map(({ remote }) => remote.call<readonly string[]>('missing', heads)),
        )
        return missing.every(({ length }) => length === 0)
      }
      await this.#until("mallory's first operation to be everywhere", isEverywhere, SETUP_TIMEOUT_MS)
    }
    await this.#mallory.call('behave')
  }

  /** What goes wrong on the way, each at its share of the history. */
  async #misfortunes(commits: number): Promise<void> {
    const mallory = this.#mallory as Remote
    const share = () => Math.min(...this.#nodes.map(({ arrived }) => arrived)) / commits
    const at = (due: number) => this.#whileProgressing(`${due * 100} % of the history`, () => share() >= due)
    await at(0.1)
    await mallory.call('fork')
    this.#screen.say('mallory has signed two operations with one number, and shows each to other peers')
    await at(0.2)
    await mallory.call('forge')
    this.#screen.say('mallory offers forged, unauthorised, misplaced, jumping and future operations')
    await at(0.3)
    await mallory.call('babble')
    await mallory.call('shout', null, SETUP_TIMEOUT_MS)
    this.#screen.say('mallory sends padded bytes, garbage, and a frame of a gigabyte')
    await at(0.5)
    await this.#killAndRestart(this.#nodes.at(-1) as Running)
  }

  async #killAndRestart(victim: Running): Promise<void> {
    const before = [...victim.acknowledged]
    victim.remote.kill()
    await victim.remote.ended
    this.#screen.say(
      `${victim.setup.name} is killed (SIGKILL) after acknowledging ${before.length} operations`,
    )
    const restarted = await this.#start(victim.setup)
    victim.remote = restarted.remote
    victim.addresses = restarted.addresses
    this.#killedNodeLost = (await victim.remote.call<readonly string[]>('missing', before)).length
    await victim.remote.call('replay')
    this.#screen.say(`${victim.setup.name} is back, and has lost ${this.#killedNodeLost} of them`)
  }

  async #silenceMallory(): Promise<void> {
    const mallory = this.#mallory
    if (mallory === null) return
    await mallory.call('stop')
    await mallory.ended
    this.#screen.say('mallory stops; the nodes compare')
  }

  /** A node that joins late and empty. Timed from the moment it has the link to the proof that it is equal to a peer. */
  async #latecomer(): Promise<DemoResult['coldSync']> {
    const index = this.#options.nodes
    const late = await this.#start(this.#setup(`node-${index + 1}`, index))
    const link = await (this.#nodes[0] as Running).remote.call<string>('invite', { role: 'reader', path: '' })
    this.#nodes.push(late)
    this.#screen.say(`${late.setup.name} joins with an invite, empty`)
    const startedMs = performance.now()
    await late.remote.call('join', link)
    await this.#until('the latecomer to be in sync', () => late.inSyncAtMs !== null, CONVERGENCE_TIMEOUT_MS)
    const seconds = ((late.inSyncAtMs as number) - startedMs) / 1000
    const { operations, linkBytes } = await late.remote.call<NodeReport>('report')
    this.#screen.say(`${late.setup.name} has ${operations} operations after ${seconds.toFixed(2)} s`)
    return { operations, seconds: round(seconds), bytes: linkBytes }
  }

  /** The owner takes mallory's right back, and the effect of all she did under it: on every node alike, her branches are gone. */
  async #containMallory(): Promise<void> {
    const [owner] = this.#nodes
    const before = await (owner as Running).remote.call<number>('effectsBelow', MALLORY_PATH)
    await (owner as Running).remote.call('expel')
    const startedMs = performance.now()
    const isGone = async () => {
      const left = await Promise.all(
        this.#nodes.map(({ remote }) => remote.call<number>('effectsBelow', MALLORY_PATH)),
      )
      return left.every((count) => count === 0)
    }
    await this.#until("mallory's effects to be gone from every node", isGone, CONVERGENCE_TIMEOUT_MS)
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(2)
    this.#screen.say(
      `node-1 revokes mallory, who has forked: ${before} values of hers have lost their effect on every node after ${seconds} s`,
    )
  }

  async #converged(nodes: readonly Running[]): Promise<void> {
    await this.#until(
      'equal roots on every node',
      async () => {
        const roots = await Promise.all(
          nodes.map(({ remote }) =>
            remote.call<{
              readonly clockRoot: string
              readonly stateRoot: string
              readonly operations: number
            }>('roots'),
          ),
        )
        return roots.every(
          (one) =>
            one.operations > 0 &&
            one.clockRoot === roots[0]?.clockRoot &&
            one.stateRoot === roots[0]?.stateRoot,
        )
      },
      CONVERGENCE_TIMEOUT_MS,
    )
  }

  #judge(measured: {
    readonly commits: number
    readonly authors: number
    readonly seconds: number
    readonly replayed: number
    readonly coldSync: DemoResult['coldSync']
    readonly reports: readonly NodeReport[]
  }): DemoResult {
    const { reports, seconds } = measured
    const first = reports[0] as NodeReport
    const converged = reports.every(
      ({ clockRoot, stateRoot }) => clockRoot === first.clockRoot && stateRoot === first.stateRoot,
    )
    const matchesExpected = reports.every((report) => report.matchesExpected)
    const refused = sumCounts(reports.map((report) => report.refused))
    const held = sumCounts(reports.map((report) => report.held))
    const forksDetected = reports.filter(({ forkedAuthors }) => forkedAuthors.length > 0).length
    const malloryEffectiveOutside = reports.reduce((sum, { foreignEffects }) => sum + foreignEffects, 0)
    const ok =
      converged &&
      matchesExpected &&
      forksDetected === reports.length &&
      malloryEffectiveOutside === 0 &&
      this.#killedNodeLost === 0 &&
      EXPECTED_REFUSALS.every((code) => (refused[code] ?? 0) > 0) &&
      (held[EXPECTED_HOLD] ?? 0) > 0
    return {
      ok,
      converged,
      matchesExpected,
      nodes: this.#options.nodes,
      authors: measured.authors,
      commits: measured.commits,
      operations: first.operations,
      clockRoot: first.clockRoot,
      stateRoot: first.stateRoot,
      seconds: round(seconds),
      operationsPerSecond: round(measured.replayed / seconds),
      coldSync: measured.coldSync,
      refused,
      held,
      forksDetected,
      malloryEffectiveOutside,
      killedNodeLost: this.#killedNodeLost,
      peakRssMb: Math.max(...reports.map(({ peakRssMb }) => peakRssMb)),
      perNode: reports.map(({ name, clockRoot, stateRoot, operations, forkedAuthors, peakRssMb }) => ({
        name,
        clockRoot,
        stateRoot,
        operations,
        forksDetected: forkedAuthors.length,
        peakRssMb,
      })),
    }
  }

  #setup(name: string, index: number): NodeSetup {
    const { history, expected, nodes, keep } = this.#options
    return {
      name,
      index,
      nodes,
      dataDirectory: join(this.#directory, name),
      bootstrap: this.#bootstrap,
      history,
      expected,
      logFile: keep === null ? null : join(this.#directory, `${name}.log`),
    }
  }

  async #start(setup: NodeSetup): Promise<Running> {
    const acknowledged =
      this.#nodes.find((node) => node.setup.name === setup.name)?.acknowledged ?? new Set<string>()
    const handlers: Readonly<Record<string, (value: never) => void>> = {
      admitted: (ids: readonly string[]) => {
        for (const id of ids) acknowledged.add(id)
      },
      inSync: () => {
        const node = this.#nodes.find((one) => one.setup.name === setup.name)
        if (node !== undefined) node.inSyncAtMs ??= performance.now()
      },
      tick: (tick: { readonly arrived: number; readonly operations: number }) => {
        const node = this.#nodes.find((one) => one.setup.name === setup.name)
        if (node !== undefined) Object.assign(node, { arrived: tick.arrived, operations: tick.operations })
        this.#screen.tick(setup.name, tick as never)
      },
    }
    const remote = await this.#processes.start('./node-main.ts', setup.name, (name, value) =>
      handlers[name]?.(value),
    )
    const { addresses } = await remote.call<{ readonly addresses: readonly string[] }>('start', setup)
    return { setup, remote, addresses, acknowledged, arrived: 0, operations: 0, inSyncAtMs: null }
  }

  /** What every node says of itself, for a failure. */
  async #describe(): Promise<string> {
    const said = this.#nodes.map(({ remote, setup }) =>
      remote.call<string>('describe').catch((error: unknown) => `${setup.name}: ${String(error)}`),
    )
    return (await Promise.all(said)).map((lines) => `  ${lines}`).join('\n')
  }

  /** Waits for something that takes as long as the history does: gives up only when nothing moves any more. */
  async #whileProgressing(what: string, isDone: () => boolean): Promise<void> {
    let last = -1
    let movedMs = performance.now()
    while (!isDone()) {
      const sum = this.#nodes.reduce((total, { operations }) => total + operations, 0)
      if (sum !== last) {
        last = sum
        movedMs = performance.now()
      }
      if (performance.now() - movedMs > STALL_TIMEOUT_MS) {
        throw new Error(
          `nothing moved for ${STALL_TIMEOUT_MS} ms while waiting for ${what}\n${await this.#describe()}`,
        )
      }
      await pause()
    }
  }

  async #until(what: string, isDone: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    while (!(await isDone())) {
      if (performance.now() > deadline)
        throw new Error(`waited ${timeoutMs} ms in vain for ${what}\n${await this.#describe()}`)
      await pause()
    }
  }
}

const pause = () => setTimeout(POLL_MS)
const round = (value: number) => Math.round(value * 1000) / 1000
