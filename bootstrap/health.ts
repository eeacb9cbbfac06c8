import { randomBytes } from 'node:crypto'
import { type Identify, identify } from '@libp2p/identify'
import type { Libp2p, PeerId } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { type IntroductionClient, introductionClient } from '../protocols/introduction/index.ts'
import { INTRODUCTION_TOPIC_BYTES } from '../src/core/limits.ts'
import { type Fault, fail, ok, type Result } from '../src/core/result.ts'

/** What a healthy node showed. */
export interface HealthReport {
  readonly peerId: string
  /** From the start of the dial to the answer that named us. */
  readonly milliseconds: number
}

/**
 * The step that failed: `NO_ADDRESS` to dial, no connection (`DIAL`), our registration refused (`REGISTER`), no
 * valid answer (`QUERY`), or an answer that leaves us out (`FORGOTTEN`).
 */
export type HealthFault = Fault<'NO_ADDRESS' | 'DIAL' | 'REGISTER' | 'QUERY' | 'FORGOTTEN'>

/** How long the check's own registration lasts; nobody else knows its topic. */
const CHECK_TTL_SECONDS = 30

/** The record needs an address; this one (the discard port) is never dialled. */
const CHECK_ADDRESS = '/ip4/127.0.0.1/tcp/9'

/**
 * Checks a bootstrap node from outside, as a stranger with a fresh identity: dials it, registers under a random topic,
 * and asks who is there. Leaves nothing running. Takes as long as `signal` allows.
 */
export async function checkHealth(
  addresses: readonly Multiaddr[],
  signal: AbortSignal,
): Promise<Result<HealthReport, HealthFault>> {
  if (addresses.length === 0) return fail('NO_ADDRESS', 'no address to dial; set one with --announce')
  const stranger = await createStranger()
  try {
    return await roundTrip(stranger, addresses, signal)
  } finally {
    await stranger.stop()
  }
}

interface StrangerServices extends Record<string, unknown> {
  readonly identify: Identify
  readonly introductions: IntroductionClient
}

function createStranger(): Promise<Libp2p<StrangerServices>> {
  return createLibp2p<StrangerServices>({
    addresses: { announce: [CHECK_ADDRESS] },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify(), introductions: introductionClient({ ttlSeconds: CHECK_TTL_SECONDS }) },
  })
}

async function roundTrip(
  stranger: Libp2p<StrangerServices>,
  addresses: readonly Multiaddr[],
  signal: AbortSignal,
): Promise<Result<HealthReport, HealthFault>> {
  const startedMs = performance.now()
  const dialled = await dial(stranger, addresses, signal)
  if (!dialled.ok) return dialled
  const { introductions } = stranger.services
  const topic = new Uint8Array(randomBytes(INTRODUCTION_TOPIC_BYTES))
  const [registered] = await introductions.register(dialled.value, [topic], signal)
  if (registered?.outcome.ok === false) return fail('REGISTER', reason(registered.outcome.fault))
  const answer = await introductions.query(dialled.value, topic, { signal, includeSelf: true })
  if (!answer.ok) return fail('QUERY', reason(answer.fault))
  if (!answer.value.peers.some(({ peerId }) => peerId.equals(stranger.peerId))) {
    return fail('FORGOTTEN', 'the node answers, but does not name a peer that has just registered')
  }
  return ok({ peerId: dialled.value.toString(), milliseconds: Math.round(performance.now() - startedMs) })
}

async function dial(
  stranger: Libp2p,
  addresses: readonly Multiaddr[],
  signal: AbortSignal,
): Promise<Result<PeerId, HealthFault>> {
  try {
    const connection = await stranger.dial([...addresses], { signal })
    return ok(connection.remotePeer)
  } catch (error) {
    const [first = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
    return fail('DIAL', `cannot connect to ${addresses.join(', ')}: ${first || 'refused'}`)
  }
}

function reason({ code, detail }: Fault): string {
  return `${code}: ${detail}`
}
