import { setTimeout as wait } from 'node:timers/promises'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '@libp2p/interface'
import { INTRODUCTION_PROTOCOL } from '../../../protocols/introduction/index.ts'
import { SYNC_PROTOCOL } from '../../../protocols/sync/index.ts'
import { NARROW_NETWORK, publicNetworkOf } from '../../core/address-network.ts'
import { FUTURE_TOLERANCE_MS } from '../../core/limits.ts'
import { faultOf } from '../../node/fault-of.ts'
import type { NodeNetwork } from '../../node/network/node-network.ts'
import type { HanseNode } from '../../node/node.ts'
import { formatAmount, formatDuration } from '../output/human.ts'
import { type Check, fail, ok, warn } from './check.ts'

/** How far two clocks may differ before it is told, in ms: half of what makes operations wait. */
const CLOCK_WARNING_MS = FUTURE_TOLERANCE_MS / 2
/** How long a connection may take to say what it speaks, in ms, and from one look to the next. */
const IDENTIFY_WITHIN_MS = 3_000
const LOOK_EVERY_MS = 50

/** What only the node itself can tell, of its keys and spaces. */
export function checkSpaces(node: HanseNode): readonly Check[] {
  const { state } = node.identity.status()
  const identity =
    state === 'sound'
      ? ok('identity', `the key of ${node.did} may be written with`)
      : fail('identity', `the key of this node may not be written with (${state})`, 'see "hanse identity"')
  const spaces = node.spaces().map((space) => space.status())
  const checks: Check[] = [
    identity,
    ...node.unreadableSpaces.map(({ detail }) =>
      fail('spaces', detail, 'put it back from a backup, or move it away and join the space again'),
    ),
  ]
  for (const { name, writing, absentBodies, outdated, forkedAuthors } of spaces) {
    const at = JSON.stringify(name)
    if (writing !== null && state === 'sound')
      checks.push(fail('spaces', `this node writes nothing in ${at} (${writing})`, 'see "hanse identity"'))
    if (absentBodies > 0)
      checks.push(
        warn(
          'spaces',
          `${formatAmount(absentBodies, 'body', 'bodies')} of operations in ${at} are not here`,
          'they come with the next comparison with a peer that has them: "hanse sync"',
        ),
      )
    if (outdated.length > 0)
      checks.push(
        warn(
          'spaces',
          `somebody writes in ${at} what this version does not know`,
          'update Hanse: see "hanse held"',
        ),
      )
    if (forkedAuthors.length > 0)
      checks.push(
        warn(
          'spaces',
          `${formatAmount(forkedAuthors.length, 'author')} of ${at} forked, and has no say until contained`,
          'see "hanse forks"',
        ),
      )
  }
  if (checks.length === 1) checks.push(ok('spaces', `${formatAmount(spaces.length, 'space')} open`))
  return checks
}

/** This machine's clock beside those of the peers that have signed a receipt, and beside the operations that wait. */
export function checkClock(node: HanseNode): readonly Check[] {
  const set = 'set the clock of this machine, and keep it set (NTP)'
  const behind = node.spaces().flatMap((space) => space.status().clockBehindMs ?? [])
  const ahead = node.spaces().flatMap((space) => space.peers.all().flatMap((peer) => peer.clockAheadMs ?? []))
  const median = ahead.toSorted((a, b) => a - b)[Math.floor(ahead.length / 2)]
  if (behind.length > 0)
    return [
      fail(
        'clock',
        `this clock seems to be ${formatDuration(Math.max(...behind))} behind those of several authors, whose operations wait`,
        set,
      ),
    ]
  if (median === undefined) return [ok('clock', 'no peer has shown its clock since the node began')]
  const many = formatAmount(ahead.length, 'peer clock')
  if (Math.abs(median) < CLOCK_WARNING_MS)
    return [ok('clock', `within ${formatDuration(Math.abs(median))} of ${many}`)]
  const found = `this clock is ${formatDuration(Math.abs(median))} ${median > 0 ? 'behind' : 'ahead of'} ${many}`
  return [
    // One peer alone may be the one that is wrong.
    Math.abs(median) < FUTURE_TOLERANCE_MS || ahead.length < 2
      ? warn('clock', found, set)
      : fail(
          'clock',
          `${found}, and operations are held from ${formatDuration(FUTURE_TOLERANCE_MS)} on`,
          set,
        ),
  ]
}

/** Where the running node listens, and who has come in. */
export function checkReachability(network: NodeNetwork): readonly Check[] {
  const addresses = network.libp2p.getMultiaddrs()
  const direct = addresses.filter((address) => !isRelayed(address))
  const inbound = new Set(
    network.libp2p
      .getConnections()
      .filter(({ direction, remoteAddr }) => direction === 'inbound' && !isRelayed(remoteAddr))
      .map(({ remotePeer }) => remotePeer.toString()),
  )
  const checks: Check[] = [
    direct.length === 0
      ? warn('ports', 'the node listens nowhere: it dials only', 'set listen where others are to reach it')
      : ok('ports', `listening on ${direct.map(withoutPeer).join(', ')}`),
  ]
  const relayed = addresses.length - direct.length
  const publicOnes = direct.filter((address) => publicNetworkOf(address.bytes, NARROW_NETWORK) !== null)
  if (inbound.size > 0)
    checks.push(ok('reachability', `${formatAmount(inbound.size, 'peer')} dialled this node`))
  else if (relayed > 0)
    checks.push(
      ok(
        'reachability',
        `nobody has dialled this node, which can be reached by ${formatAmount(relayed, 'relayed address', 'relayed addresses')}`,
      ),
    )
  else if (publicOnes.length > 0)
    checks.push(
      ok('reachability', `announces ${publicOnes.map(withoutPeer).join(', ')}; nobody has dialled it yet`),
    )
  else
    checks.push(
      warn(
        'reachability',
        'only the local network can reach this node: it has no public address and no relay',
        'forward a port of the router and set announce, or set bootstrap to an introduction node, which relays',
      ),
    )
  return checks
}

/** Whether each introduction node answers, and speaks what we do. */
export async function checkBootstrap(
  network: NodeNetwork,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<readonly Check[]> {
  if (addresses.length === 0)
    return [
      warn(
        'bootstrap',
        'no introduction node is set: peers are found by invites and on the local network',
        'set bootstrap to one that both sides can reach ("hanse-bootstrap" runs one)',
      ),
    ]
  return await Promise.all(
    addresses.map(async (address) => {
      const beganMs = performance.now()
      try {
        await network.reach(multiaddr(address), signal)
        const took = formatDuration(performance.now() - beganMs)
        const peer = multiaddr(address)
          .getComponents()
          .findLast(({ name }) => name === 'p2p')?.value
        const found = network.libp2p.getPeers().find((one) => one.toString() === peer)
        const { protocols } = found === undefined ? UNKNOWN : await identified(network, found, signal)
        return protocols.length === 0 || protocols.includes(INTRODUCTION_PROTOCOL)
          ? ok('bootstrap', `${address} answers, in ${took}`)
          : fail(
              'bootstrap',
              `${address} answers, and does not speak ${INTRODUCTION_PROTOCOL}`,
              'update one of the two',
            )
      } catch (error) {
        return fail(
          'bootstrap',
          `${address} does not answer: ${faultOf(error).detail}`,
          'is it running, is its address right, does a firewall keep this machine from it?',
        )
      }
    }),
  )
}

/** Whom the node is connected to, and who of them speaks another version. */
export async function checkPeers(network: NodeNetwork, signal: AbortSignal): Promise<readonly Check[]> {
  const peers = network.libp2p.getPeers()
  const known = await Promise.all(peers.map(async (peer) => await identified(network, peer, signal)))
  const [family] = SYNC_PROTOCOL.split(/\/[\d.]+$/)
  const checks = known.flatMap(({ peer, agent, protocols }): readonly Check[] => {
    const others = protocols.filter((one) => one.startsWith(`${family}/`))
    if (protocols.includes(SYNC_PROTOCOL) || others.length === 0) return []
    return [
      warn(
        'peers',
        `${peer} (${agent}) speaks ${others.join(', ')}, this node ${SYNC_PROTOCOL}`,
        'update the older of the two',
      ),
    ]
  })
  if (checks.length > 0) return checks
  return [
    ok(
      'peers',
      peers.length === 0 ? 'connected to nobody now' : `${formatAmount(peers.length, 'peer')} connected`,
    ),
  ]
}

const UNKNOWN = { protocols: [] as readonly string[] }

async function identified(network: NodeNetwork, peer: PeerId, signal: AbortSignal) {
  const deadlineMs = Date.now() + IDENTIFY_WITHIN_MS
  for (;;) {
    const known = await network.libp2p.peerStore.get(peer).catch(() => null)
    const protocols = known?.protocols ?? []
    if (protocols.length > 0 || Date.now() >= deadlineMs || signal.aborted) {
      const agent = known?.metadata.get('AgentVersion')
      return {
        peer: peer.toString(),
        agent: agent === undefined ? 'of unknown version' : new TextDecoder().decode(agent),
        protocols,
      }
    }
    await wait(LOOK_EVERY_MS)
  }
}

const isRelayed = (address: Multiaddr): boolean => address.toString().includes('/p2p-circuit')
const withoutPeer = (address: Multiaddr): string => address.toString().replace(/\/p2p\/[^/]+$/, '')
