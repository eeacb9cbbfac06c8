import type { IntroducedPeer } from './record.ts'

/** Introducers from which on none may name more than a third. */
const INTRODUCERS_FOR_SHARES = 3

/**
 * Chooses at most `limit` peers from what several introducers answered, so that no single one decides whom a node meets
 * (DESIGN §8). Pure.
 *
 * 1. Introducers take turns, in the order of `answers`; on its turn each names its next peer not chosen yet. So with one or
 *    two introducers nobody starves, and with two neither gets more than half while the other has peers to name.
 * 2. From three introducers on, each names at most a third of `limit` (rounded down, at least one), even when the others have
 *    none to name: an introducer that says nothing still counts, or a liar among honest ones without peers would name all.
 * 3. A peer named by several is chosen once, with the newest of its records.
 */
export function mixIntroductions<Introducer>(
  answers: ReadonlyMap<Introducer, readonly IntroducedPeer[]>,
  { limit }: { readonly limit: number },
): readonly IntroducedPeer[] {
  const newestByPeer = newestRecords(answers)
  const shareMax = answers.size >= INTRODUCERS_FOR_SHARES ? Math.max(1, Math.floor(limit / 3)) : limit
  const turns = [...answers.values()].map((peers) => ({ peers, next: 0, named: 0 }))
  const chosen = new Map<string, IntroducedPeer>()
  let progressed = true
  while (progressed && chosen.size < limit) {
    progressed = false
    for (const turn of turns) {
      if (chosen.size >= limit || turn.named >= shareMax) continue
      while (turn.next < turn.peers.length && chosen.has(keyOf(turn.peers[turn.next]))) turn.next++
      const key = keyOf(turn.peers[turn.next])
      const peer = newestByPeer.get(key)
      if (peer === undefined) continue
      chosen.set(key, peer)
      turn.next++
      turn.named++
      progressed = true
    }
  }
  return [...chosen.values()]
}

function newestRecords<Introducer>(
  answers: ReadonlyMap<Introducer, readonly IntroducedPeer[]>,
): ReadonlyMap<string, IntroducedPeer> {
  const newest = new Map<string, IntroducedPeer>()
  for (const peers of answers.values()) {
    for (const peer of peers) {
      const known = newest.get(keyOf(peer))
      if (known === undefined || peer.seq > known.seq) newest.set(keyOf(peer), peer)
    }
  }
  return newest
}

/** The text of the peer's id; none where the list has ended. */
function keyOf(peer: IntroducedPeer | undefined): string {
  return peer?.peerId.toString() ?? ''
}
