import { add, createDocument } from './random-text.ts'
import { sha256 } from '../../../../src/core/hash.ts'
import { utf8 } from '../../../../src/core/bytes.ts'
import { composeSplices, type TextSplice } from '../../../../src/core/types/text/delta.ts'
import type { NaiveNode } from '../../../../simulation/oracle/naive-text.ts'

/** A recording of typing, in the format of josephg/editing-traces. */
export interface Trace {
  readonly endContent: string
  readonly startContent?: string
  /** Absent where one person typed. */
  readonly numAgents?: number
  readonly txns: readonly {
    readonly parents?: readonly number[]
    readonly agent?: number
    readonly patches: readonly TextSplice[]
  }[]
}

/** One person's copy of a text: whoever types turns what they see into edits. */
class Copy {
  readonly document = createDocument()
  readonly #numbers = new Map<number, number>()

  has(index: number): boolean {
    return this.#numbers.has(index)
  }

  take(index: number, node: NaiveNode): void {
    const parents = node.parents.map((parent) => this.#numbers.get(parent) as number)
    this.#numbers.set(index, add(this.document, { ...node, parents, isMasked: false }))
  }
}

/** The nodes that a recording comes to when each person types in a copy of their own, one node a transaction. */
export function nodesOfTrace({ txns, numAgents = 1 }: Trace): readonly NaiveNode[] {
  const copies = Array.from({ length: numAgents }, () => new Copy())
  const nodes: NaiveNode[] = []
  txns.forEach(({ parents = nodes.length === 0 ? [] : [nodes.length - 1], agent = 0, patches }, index) => {
    const copy = copies[agent] as Copy
    const missing = [...parents]
    for (let at = missing.at(-1); at !== undefined; at = missing.at(-1)) {
      const { parents: before } = nodes[at] as NaiveNode
      const first = copy.has(at) ? [] : before.filter((parent) => !copy.has(parent))
      missing.push(...first)
      if (first.length > 0) continue
      missing.pop()
      if (!copy.has(at)) copy.take(at, nodes[at] as NaiveNode)
    }
    const delta = composeSplices(copy.document.length, patches)
    if (delta === null) throw new Error(`transaction ${index} does not fit the text`)
    const { edits } = copy.document.translate(delta)
    const action = { kind: 'edit' as const, edits: edits.length > 0 ? edits : [[0, 0, ''] as const] }
    nodes.push({ id: sha256(utf8(`${agent}/${index}`)), parents, action })
    copy.take(index, nodes[index] as NaiveNode)
  })
  return nodes
}
