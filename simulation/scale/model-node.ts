import type { Held } from './held.ts'
import { createLoad, type NodeLoad } from './load.ts'

/** What a node does wrong: hands nothing on, or says that everybody has what it hands on. */
export type Lie = 'none' | 'silent' | 'tags'

/** Operations that go out the same way: their own, or those of one message. */
export interface Group {
  readonly operations: number[]
  readonly source: number | null
  readonly reached: ReadonlySet<number>
}

/** One node of the model. */
export interface ModelNode {
  readonly load: NodeLoad
  readonly lie: Lie
  readonly held: Held
  isThere: boolean
  /** When it came, or came back, ms. */
  sinceMs: number
  /** Until when the event loop, and the line, are busy, ms. */
  busyMs: number
  lineMs: number
  waiting: Group[]
  isFlushPlanned: boolean
  pauseEndMs: number
  young: number[]
  old: number[]
  isOffering: boolean
  /** Whose turn it is to be offered something. */
  turn: number
  /** By peer: when they were last compared, whichever of them began, ms. */
  readonly comparedAtMs: Map<number, number>
}

/** A node that holds nothing, with room for so many words of operations. */
export function createModelNode(lie: Lie, words: number, turn: number): ModelNode {
  return {
    load: createLoad(),
    lie,
    held: new Uint32Array(words),
    isThere: true,
    sinceMs: 0,
    busyMs: 0,
    lineMs: 0,
    waiting: [],
    isFlushPlanned: false,
    pauseEndMs: 0,
    young: [],
    old: [],
    isOffering: false,
    turn,
    comparedAtMs: new Map(),
  }
}
