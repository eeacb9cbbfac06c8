import type { PeerStatus, SpaceStatus } from '../../src/node/space/status.ts'
import { formatAmount, formatCount, formatMoment } from './format.ts'

/** What is proved of one peer, in words, and how good that is. */
export interface SyncWords {
  readonly grade: 'proved' | 'open' | 'away'
  readonly words: string
  /** What else there is to say. */
  readonly more: readonly string[]
}

/** Says no more than what is proved: equal roots at a moment, or that there is no such proof of what is here now. */
export function syncWords(peer: PeerStatus, { absentBodies, localHead }: SpaceStatus): SyncWords {
  const { connected, inSync, provedAtMs, weLack, theyLack, receipt, lastFault } = peer
  const proved = provedAtMs === null ? null : formatMoment(provedAtMs)
  const more: string[] = []
  if (!inSync && weLack + theyLack > 0)
    more.push(
      `when last compared, ${formatAmount(weLack, 'operation')} missing here, ${formatCount(theyLack)} there`,
    )
  if (localHead !== null && receipt?.coversLocalHead === true)
    more.push('has signed that it holds our last write')
  if (lastFault !== null && lastFault !== 'LINK_CLOSED') more.push(`its last link ended with ${lastFault}`)
  if (inSync && proved !== null)
    return {
      grade: connected ? 'proved' : 'away',
      words: connected ? `In sync, by proof at ${proved}` : `Left in sync, by proof at ${proved}`,
      more,
    }
  if (provedAtMs === null)
    return {
      grade: connected ? 'open' : 'away',
      words: connected ? 'Nothing proved yet' : 'Never proved in sync',
      more,
    }
  if (absentBodies > 0)
    more.push(`${formatAmount(absentBodies, 'body', 'bodies')} of operations not here yet`)
  const words = `Nothing proved since ${proved}`
  if (more.length === 0) more.push('something has changed here since')
  return { grade: connected ? 'open' : 'away', words, more }
}

/** One line about a whole space. */
export function spaceWords({ peers, operations }: SpaceStatus): SyncWords {
  const here = peers.filter(({ connected }) => connected)
  const proved = here.filter(({ inSync }) => inSync).length
  if (operations === 0) return { grade: 'open', words: 'Waiting for its beginning', more: [] }
  if (here.length === 0)
    return {
      grade: 'away',
      words: peers.length === 0 ? 'No peer met yet: only here' : 'No peer connected now',
      more: [],
    }
  const grade = proved === here.length ? 'proved' : 'open'
  return {
    grade,
    words: `Proved equal with ${proved} of ${formatAmount(here.length, 'connected peer')}`,
    more: [],
  }
}
