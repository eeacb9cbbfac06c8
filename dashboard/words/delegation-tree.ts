import type { DelegationStatus } from '../../src/node/space/delegation-status.ts'

/** A delegation, and what was given on under it. */
export interface DelegationNode {
  readonly delegation: DelegationStatus
  readonly below: readonly DelegationNode[]
}

/** Delegations as they were given on, from the space's own key down, and those that nothing leads to. */
export interface DelegationTree {
  readonly roots: readonly DelegationNode[]
  readonly loose: readonly DelegationNode[]
}

/** Each delegation is shown once: below the first one, in a walk by levels, whose holder has issued it. */
export function delegationTree(delegations: readonly DelegationStatus[], spaceDid: string): DelegationTree {
  const shown = new Set<string>()
  const childrenOf = new Map<string, DelegationStatus[]>()
  const open = (one: DelegationStatus) => (one.state === 'active' ? 0 : 1)
  const ordered = delegations.toSorted((a, b) => open(a) - open(b))
  const takeIssuedBy = (did: string) => {
    const taken = ordered.filter(({ issuer, digest }) => issuer === did && !shown.has(digest))
    for (const { digest } of taken) shown.add(digest)
    return taken
  }
  const walk = (first: readonly DelegationStatus[]) => {
    for (let level = first; level.length > 0; ) {
      level = level.flatMap((one) => {
        const below = takeIssuedBy(one.audience)
        childrenOf.set(one.digest, below)
        return below
      })
    }
  }
  const toNode = (delegation: DelegationStatus): DelegationNode => ({
    delegation,
    below: (childrenOf.get(delegation.digest) ?? []).map(toNode),
  })
  const roots = takeIssuedBy(spaceDid)
  walk(roots)
  const loose: DelegationStatus[] = []
  for (const one of ordered) {
    if (shown.has(one.digest)) continue
    shown.add(one.digest)
    loose.push(one)
    walk([one])
  }
  return { roots: roots.map(toNode), loose: loose.map(toNode) }
}

/** What a delegation allows, in words. */
export function mayWords({ command, path }: DelegationStatus): string {
  const what =
    { '/': 'everything', '/op': 'read and write', '/op/read': 'read', '/op/write': 'write' }[command] ??
    command
  if (path === null) return `${what}, as its policy says`
  return path === '' ? what : `${what} at and below ${path}`
}
