import { toHex } from '../src/core/bytes.ts'
import { endorseOperations, revokeDelegation } from '../src/core/changes/verdict.ts'
import type { VerifiedOperation } from '../src/core/operation/operation.ts'
import type { VerifiedDelegation } from '../src/core/ucan/delegation.ts'
import { forge } from './forge.ts'
import type { SimulatedNode } from './node.ts'
import type { Random } from './random.ts'

/**
 * An honest administrator revokes a token of somebody who runs no honest node (mallory's, or an agent's), with some cut, or endorses
 * what is masked. Null where there is nothing to rule on yet. `members`: keys of the honest nodes' authors, hexadecimal.
 */
export function ruleSomething(
  node: SimulatedNode,
  chain: readonly VerifiedDelegation[],
  members: ReadonlySet<string>,
  random: Random,
): VerifiedOperation | null {
  const { store, replica } = node.hosted
  const known = [...store.tokens()]
    .map(({ delegation }) => delegation)
    .filter(({ audience }) => !members.has(toHex(audience)))
  const [prev] = store.heads(node.author.publicKey)
  if (known.length === 0 || prev === undefined) return null
  const target = random.pick(known).digest
  const frontier = replica.frontier()
  const masked = [...store.masked()]
    .map((ordinal) => store.at(ordinal))
    .filter(({ command }) => command === '/op/write')
  const isEndorsement = masked.length > 0 && random.chance(0.3)
  const named = isEndorsement ? [random.pick(masked)] : random.chance(0.5) ? frontier.slice(-8) : []
  const ids = named.map(({ id }) => id)
  const operation = forge({
    spaceId: node.hosted.id,
    author: node.author,
    caps: chain.map(({ digest }) => digest),
    prev,
    deps: [...new Set([...frontier.slice(-16), ...named])],
    timeMs: node.now(),
    command: isEndorsement ? '/cap/endorse' : '/cap/revoke',
    path: '',
    body: [isEndorsement ? endorseOperations(ids) : revokeDelegation({ target, cut: ids })],
  })
  const outcome = replica.admitOwn(operation as VerifiedOperation)
  return outcome.kind === 'admitted' ? (operation as VerifiedOperation) : null
}
