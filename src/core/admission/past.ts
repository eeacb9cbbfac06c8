import { equalBytes, toHex } from '../bytes.ts'
import type { Branches } from '../branches.ts'
import { isControl } from '../changes/evaluate.ts'
import type { Entry, Graph } from '../graph.ts'
import type { Header } from '../operation/header.ts'
import type { Operation } from '../operation/operation.ts'
import { fail, ok, type Fault, type Result } from '../result.ts'

/** The parents of an operation, found. */
export interface Parents {
  readonly prev: Entry | null
  /** `prev` (where there is one) and then `deps`, in the header's order. */
  readonly all: readonly Entry[]
}

/** What check 6 found missing; the ids are what to ask the sender for. */
export type Missing = Fault<'MISSING_PARENT' | 'MISSING_CHECKPOINT' | 'MISSING_BODY'> & {
  readonly ids: readonly Uint8Array[]
}

/**
 * Checks 6 and 7 of the pipeline, in this order:
 * 1. no parent is refused for ever (`INVALID_ANCESTOR`);
 * 2. every parent is admitted here (`MISSING_PARENT`);
 * 3. the checkpoint of `epoch` is known: 0 always is, and a space without validators has no other (`MISSING_CHECKPOINT`);
 * 4. a control operation has come with its body (`MISSING_BODY`).
 */
export function findParents(
  operation: Operation,
  graph: Graph,
  isRefused: (id: Uint8Array) => boolean,
): Result<Parents, Fault<'INVALID_ANCESTOR'> | Missing> {
  const { header } = operation
  const ids = header.prev === null ? header.deps : [header.prev, ...header.deps]
  const refused = ids.find(isRefused)
  if (refused !== undefined) return fail('INVALID_ANCESTOR', `parent ${toHex(refused)} is refused for ever`)
  const all: Entry[] = []
  const missing: Uint8Array[] = []
  for (const id of ids) {
    const entry = graph.find(id)
    if (entry === undefined) missing.push(id)
    else all.push(entry)
  }
  if (missing.length > 0)
    return wait('MISSING_PARENT', `${missing.length} of ${ids.length} parents have not arrived`, missing)
  if (header.epoch > 0) return wait('MISSING_CHECKPOINT', `checkpoint ${header.epoch} is not known here`, [])
  if (operation.body === null && isControl(header.command)) {
    return wait('MISSING_BODY', 'a control operation without its body', [operation.id])
  }
  return ok({ prev: header.prev === null ? null : (all[0] as Entry), all })
}

/** A fault of checks 8 and 9. */
export type PastFault = Fault<'SEQ' | 'PREV_AUTHOR' | 'LAMPORT' | 'TIME_REGRESSION' | 'EPOCH' | 'SELF_FORK'>

/**
 * Checks 8 and 9 of the pipeline, on header and past alone, in this order:
 * 1. `prev` is by the same author (`PREV_AUTHOR`);
 * 2. `seq` is one more than that of `prev`; 0 without (`SEQ`);
 * 3. `lamport` is exactly 1 + the greatest among the parents (`LAMPORT`);
 * 4. `time` is not below any parent's (`TIME_REGRESSION`);
 * 5. `epoch` is not below any parent's (`EPOCH`);
 * 6. the author's own operations in the past form one chain that ends with `prev` (`SELF_FORK`).
 * Null when all hold.
 */
export function checkAgainstParents(
  header: Header,
  parents: Parents,
  graph: Graph,
  branches: Branches,
): PastFault | null {
  const { prev, all } = parents
  if (prev !== null && !equalBytes(prev.author, header.author)) {
    return fault('PREV_AUTHOR', `prev is by ${toHex(prev.author)}`)
  }
  const seq = prev === null ? 0 : prev.seq + 1
  if (header.seq !== seq) return fault('SEQ', `seq ${header.seq}, expected ${seq}`)
  const lamport = 1 + all.reduce((most, parent) => Math.max(most, parent.lamport), 0)
  if (header.lamport !== lamport) return fault('LAMPORT', `lamport ${header.lamport}, expected ${lamport}`)
  for (const parent of all) {
    if (header.time < parent.time)
      return fault('TIME_REGRESSION', `time ${header.time} is before a parent's ${parent.time}`)
    if (header.epoch < parent.epoch)
      return fault('EPOCH', `epoch ${header.epoch} is below a parent's ${parent.epoch}`)
  }
  if (hasSelfFork(header, parents, graph, branches)) {
    return fault('SELF_FORK', 'the past holds operations of this author that are not before prev')
  }
  return null
}

/**
 * Whether the author's operations in the past are more than the chain that ends with `prev`. Free until the author has forked:
 * while its log has one head and `prev` is that head, nothing of the author's lies beside the chain.
 */
function hasSelfFork({ author }: Header, { prev, all }: Parents, graph: Graph, branches: Branches): boolean {
  if (graph.fork(author) === undefined && graph.firstAfter(author, prev?.ordinal ?? null) === undefined)
    return false
  return !branches.areOneChain(author, prev, all)
}

const fault = (code: PastFault['code'], detail: string): PastFault => ({ code, detail })

function wait(code: Missing['code'], detail: string, ids: readonly Uint8Array[]) {
  const missing: Missing = { code, detail, ids }
  return { ok: false, fault: missing } as const
}
