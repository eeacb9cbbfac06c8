import type { EventGraph } from './event-graph.ts'

/** What a node means for the existence of its text. */
export interface NodeMeaning {
  /** It inserts, or is the empty edit. */
  readonly isCreating: boolean
  /** It deletes the text. */
  readonly isDeleting: boolean
}

const CREATING = 1
const DELETING = 2
const EFFECTIVE = 4
const COVERED = 8

/**
 * Whether a text exists: iff a creating node with an effect is in the past of no deleting node with an effect. What is new costs no
 * more than what it newly covers; an effect taken or given back has all counted again when next asked.
 */
export class Existence {
  readonly #graph: EventGraph
  readonly #flags: number[] = []
  /** Creating nodes with an effect that nothing covers; null: to be counted again. */
  #standing: number | null = 0

  constructor(graph: EventGraph) {
    this.#graph = graph
  }

  get exists(): boolean {
    this.#standing ??= this.#count()
    return this.#standing > 0
  }

  /** Takes the graph's newest node. */
  add(node: number, { isCreating, isDeleting }: NodeMeaning, isEffective: boolean): void {
    this.#flags[node] =
      (isCreating ? CREATING : 0) | (isDeleting ? DELETING : 0) | (isEffective ? EFFECTIVE : 0)
    if (this.#standing !== null) this.#standing += this.#take(node)
  }

  setEffective(node: number, isEffective: boolean): void {
    const flags = this.#flags[node] as number
    this.#flags[node] = isEffective ? flags | EFFECTIVE : flags & ~EFFECTIVE
    this.#standing = null
  }

  #count(): number {
    let standing = 0
    for (let node = 0; node < this.#flags.length; node++)
      this.#flags[node] = (this.#flags[node] as number) & ~COVERED
    for (let node = 0; node < this.#flags.length; node++) standing += this.#take(node)
    return standing
  }

  /** By how much a node that nobody follows yet changes the count. */
  #take(node: number): number {
    if (this.#is(node, DELETING | EFFECTIVE)) return -this.#cover(node)
    return this.#is(node, CREATING | EFFECTIVE) ? 1 : 0
  }

  /** Covers the past of a node, and gives how many that counted did not lie under another yet. */
  #cover(node: number): number {
    let covered = 0
    const open = [...this.#graph.parents(node)]
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (this.#is(at, COVERED)) continue
      this.#flags[at] = (this.#flags[at] as number) | COVERED
      if (this.#is(at, CREATING | EFFECTIVE)) covered++
      open.push(...this.#graph.parents(at))
    }
    return covered
  }

  #is(node: number, flags: number): boolean {
    return ((this.#flags[node] as number) & flags) === flags
  }
}
