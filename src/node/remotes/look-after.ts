import { NODE_ENDPOINTS_MAX } from '../../core/limits.ts'
import { faultOf } from '../fault-of.ts'
import type { HanseNode } from '../node.ts'
import { HttpClient } from './http-client.ts'
import { addressOf, askVersion, faultOfAnswer } from './node-remote.ts'
import { parseRemoteUrl } from './remote-url.ts'
import { clientOf } from './run-remote.ts'

/** How long one look may take, in ms. */
const LOOK_MS = 5_000

/** Looks once whether remotes over HTTP and registered nodes answer, and how far away they are; registers this node where it is to. */
export async function lookAfterNodes(node: HanseNode, signal: AbortSignal): Promise<void> {
  const bounded = () => AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)])
  for (const record of node.remotes.list()) {
    const address = parseRemoteUrl(record.url)
    if (!address.ok || address.value.form !== 'http' || node.remotes.isRunning(record)) continue
    const client = clientOf(node, record)
    try {
      const version = await askVersion(client, address.value.url, record.spaceId, bounded())
      if (version === null) continue
      const { latencyMs } = version
      node.remotes.note(record, { kind: 'node', latencyMs, seenMs: node.now(), error: null }, true)
    } catch (error) {
      if (signal.aborted) return
      const { code, detail } = faultOf(error)
      node.remotes.note(record, { error: { code, detail, atMs: node.now() } }, true)
    } finally {
      client.close()
    }
  }
  await registerAtRemotes(node, bounded, signal)
  for (const { id, endpoints } of node.remotes.nodes.looked()) {
    if (signal.aborted) return
    node.remotes.nodes.noteLook(id, await nearest(endpoints, bounded()))
  }
}

/** Makes this node known, under its peer id and with its addresses, where its operator wants that. */
async function registerAtRemotes(
  node: HanseNode,
  bounded: () => AbortSignal,
  signal: AbortSignal,
): Promise<void> {
  for (const record of node.remotes.list()) {
    const { registerAs: kind } = record
    const address = parseRemoteUrl(record.url)
    if (kind === undefined || !address.ok || address.value.form !== 'http') continue
    const client = clientOf(node, record)
    try {
      const root = new URL(address.value.url)
      root.pathname = root.pathname.replace(/\/v1\/spaces\/.*$/, '')
      const endpoints = node.addresses.slice(0, NODE_ENDPOINTS_MAX)
      const body = JSON.stringify({ id: node.peerId, kind, endpoints, capabilities: ['full_node'] })
      const url = addressOf(root, 'v1/nodes/register')
      const headers = { 'content-type': 'application/json' }
      const answer = await client.ask(url, { method: 'POST', headers, body, signal: bounded() })
      // The others that it knows are hints, which "hanse remote nodes" there lists.
      if (answer.status !== 200) throw (await faultOfAnswer(answer, url)).error
      answer.drop()
      node.remotes.note(record, { registeredMs: node.now(), registerError: null }, true)
    } catch (error) {
      if (signal.aborted) return
      const { code, detail } = faultOf(error)
      if (node.remotes.state(record).registerError?.code !== code)
        node.log(`this node is not registered at ${record.name}: ${detail}`)
      node.remotes.note(record, { registerError: { code, detail } }, true)
    } finally {
      client.close()
    }
  }
}

/** Round trip to the first of the addresses that answers, in ms; null where none does. Sends no token. */
async function nearest(endpoints: readonly string[], signal: AbortSignal): Promise<number | null> {
  for (const endpoint of endpoints) {
    const address = parseRemoteUrl(endpoint)
    if (!address.ok || address.value.form !== 'http') continue
    const client = new HttpClient({ bytesMax: 64 * 1024 })
    const startedMs = performance.now()
    try {
      const answer = await client.ask(addressOf(address.value.url, 'health'), { signal })
      answer.drop()
      if (answer.status === 200) return Math.round(performance.now() - startedMs)
    } catch {
      // The next one, or the next time.
    } finally {
      client.close()
    }
  }
  return null
}
