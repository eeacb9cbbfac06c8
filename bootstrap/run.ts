import { setTimeout as wait } from 'node:timers/promises'
import { BOOTSTRAP_HEALTH_TIMEOUT_MS, BOOTSTRAP_STOP_TIMEOUT_MS } from '../src/core/limits.ts'
import { type Fault, ok, type Result } from '../src/core/result.ts'
import type { BootstrapConfig } from './config.ts'
import { checkHealth } from './health.ts'
import { loadOrCreateKey } from './key-file.ts'
import { type BootstrapNode, createBootstrapNode } from './node.ts'
import { ignoreClosedOutput, printFault, printLine } from './report.ts'

/**
 * Runs a bootstrap node until SIGINT or SIGTERM, and stops it within BOOTSTRAP_STOP_TIMEOUT_MS.
 *
 * Prints its addresses, one a line, or with `json` the events `listening` { peerId, addresses }, `health` { ok, … },
 * `fault` { detail } and `stopped`, one object a line. An error that escaped from a library is reported and survived: the
 * node keeps nothing that could be left half written, and a peer must not be able to end it.
 */
export async function run(config: BootstrapConfig): Promise<Result<null>> {
  const privateKey = await loadOrCreateKey(config.data)
  if (!privateKey.ok) return privateKey
  const stopped = stopSignal()
  const created = await createBootstrapNode({ ...config, privateKey: privateKey.value })
  if (!created.ok) return created
  const node = created.value
  ignoreClosedOutput()
  surviveStrayErrors(config.json)
  reportAddresses(node, config.json)
  const checking = checkAtIntervals(node, config, stopped)
  await new Promise<void>((resolve) => {
    if (stopped.aborted) resolve()
    else stopped.addEventListener('abort', () => resolve(), { once: true })
  })
  await Promise.race([
    Promise.allSettled([node.stop(), checking]),
    wait(BOOTSTRAP_STOP_TIMEOUT_MS, undefined, { ref: false }),
  ])
  if (config.json) printLine(JSON.stringify({ event: 'stopped' }))
  return ok(null)
}

/** Aborts on the first SIGINT or SIGTERM; a second one ends the process at once. */
function stopSignal(): AbortSignal {
  const stopping = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopping.abort())
  return stopping.signal
}

function surviveStrayErrors(json: boolean): void {
  const report = (error: unknown): void => {
    const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    if (json) printLine(JSON.stringify({ event: 'fault', detail }))
    else printFault(`survived an error: ${detail}`)
  }
  process.on('uncaughtException', report)
  process.on('unhandledRejection', report)
}

function reportAddresses(node: BootstrapNode, json: boolean): void {
  const addresses = node.addresses()
  if (json) {
    printLine(JSON.stringify({ event: 'listening', peerId: node.libp2p.peerId.toString(), addresses }))
  } else {
    for (const address of addresses) printLine(address)
  }
  if (addresses.length === 0) printFault('no address for others to use; set a public one with --announce')
}

async function checkAtIntervals(
  node: BootstrapNode,
  config: BootstrapConfig,
  stopped: AbortSignal,
): Promise<void> {
  if (config.healthIntervalSeconds === 0) return
  while (!stopped.aborted) {
    try {
      await wait(config.healthIntervalSeconds * 1000, undefined, { signal: stopped, ref: false })
    } catch {
      return
    }
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(BOOTSTRAP_HEALTH_TIMEOUT_MS)])
    const checked = await checkHealth(node.libp2p.getMultiaddrs(), signal)
    if (!stopped.aborted) reportHealth(checked, node, config.json)
  }
}

function reportHealth(
  checked: Awaited<ReturnType<typeof checkHealth>>,
  node: BootstrapNode,
  json: boolean,
): void {
  const status = node.status()
  if (json) {
    const outcome = checked.ok ? { ok: true, ...checked.value } : { ok: false, ...checked.fault }
    printLine(JSON.stringify({ event: 'health', ...outcome, status }))
  } else if (checked.ok) {
    const { connections, peers, topics } = status
    printLine(
      `healthy in ${checked.value.milliseconds} ms: ${connections} connections, ${peers} peers, ${topics} topics`,
    )
  } else {
    printFault(`unhealthy: ${(checked.fault satisfies Fault).code}: ${checked.fault.detail}`)
  }
}
