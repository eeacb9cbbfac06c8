import type { CellType } from '../core/types/cell.ts'

/** What a peer tells. Every event has the transport by which the other is connected, by name. */
export interface PeerEvents {
  /** Another peer is connected. */
  connect: CustomEvent<PeerName>
  disconnect: CustomEvent<PeerName>
  /** Another peer has been sent what it asked for. */
  sync: CustomEvent<PeerName & { readonly sent: number }>
  /** Everything that the other had for us has arrived and was dealt with: end of stored. */
  eose: CustomEvent<PeerName & PeerTally>
  /** Items have changed here, by whoever's operation. */
  change: CustomEvent<{
    readonly items: readonly { readonly path: string; readonly type: CellType }[]
    readonly source: string
  }>
  /** The other speaks a later version than this program reads, or the space holds changes of types it does not know: update it. */
  outdated: CustomEvent<{ readonly requiredVersion: number; readonly type?: string } & Partial<PeerName>>
  /** Something went wrong with one peer; the others go on. */
  fault: CustomEvent<PeerName & { readonly code: string; readonly detail: string }>
}

export interface PeerName {
  readonly peerId: string
  readonly transport: string
}

/** What came from one peer since it is connected. */
export interface PeerTally {
  readonly admitted: number
  readonly duplicates: number
  readonly waiting: number
  readonly refused: Readonly<Record<string, number>>
}
