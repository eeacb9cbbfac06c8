import { setRegister } from '../src/core/types/register/change.ts'
import { revokeDelegation } from '../src/core/changes/verdict.ts'
import type { Entry } from '../src/core/graph.ts'
import type { Operation, VerifiedOperation } from '../src/core/operation/operation.ts'
import { asParent, forge, type Parent } from './forge.ts'
import type { Storm } from './plan.ts'
import type { Seat } from './seat.ts'

/** When the storm breaks, when the owner cuts, and when mallory is gone, so that only honest nodes serve what she left. */
const STORM_MS = 30_000
const CUT_MS = 50_000
const GONE_MS = 75_000

/** Plans something in the name of a participant. */
type PlanFor = (seat: Seat, atMs: number, what: string, action: () => void) => void

/** One author who writes very much at once, in one place of its log or in a row. */
export class StormPlay {
  readonly seat: Seat
  readonly #storm: Storm
  #before: Entry | null = null
  /** Real time in which one replica admitted the storm, in ms. No part of what happens. */
  admissionMs = 0

  constructor(storm: Storm, seat: Seat) {
    this.#storm = storm
    this.seat = seat
  }

  play([owner]: readonly Seat[], planFor: PlanFor): void {
    planFor(this.seat, STORM_MS, 'storm', () => this.#break())
    planFor(this.seat, GONE_MS, 'leave', () => this.seat.end())
    if (this.#storm.isCut && owner !== undefined) planFor(owner, CUT_MS, 'cut', () => this.#cut(owner))
  }

  #break(): void {
    const hosted = this.seat.node?.hosted
    const [head] = hosted?.store.heads(this.seat.author.publicKey) ?? []
    if (hosted === undefined || head === undefined)
      throw new Error('bug: mallory has not joined before her storm')
    this.#before = head
    const operations: Operation[] = []
    let prev: Parent = head
    for (let i = 0; i < this.#storm.operations; i++) {
      const operation = forge({
        spaceId: hosted.id,
        author: this.seat.author,
        caps: this.seat.chain.map(({ digest }) => digest),
        prev,
        deps: [],
        timeMs: head.time,
        path: 'mallory',
        body: [setRegister('mallory/storm', i)],
      })
      operations.push(operation)
      if (this.#storm.shape === 'chain') prev = asParent(operation)
    }
    const began = performance.now()
    hosted.replica.receive(operations, 'mallory herself').then(
      () => {
        this.admissionMs = performance.now() - began
      },
      () => {},
    )
  }

  #cut(owner: Seat): void {
    const hosted = owner.node?.hosted
    const target = this.seat.chain.at(-1)
    const [prev] = hosted?.store.heads(owner.author.publicKey) ?? []
    if (hosted === undefined || target === undefined || this.#before === null) return
    const kept = this.#before
    const deps = hosted.replica.frontier().filter(({ id }) => Buffer.compare(id, kept.id) !== 0)
    const cut = forge({
      spaceId: hosted.id,
      author: owner.author,
      caps: owner.chain.map(({ digest }) => digest),
      prev: prev ?? null,
      deps: [...deps, kept],
      timeMs: kept.time,
      command: '/cap/revoke',
      path: '',
      body: [revokeDelegation({ target: target.digest, cut: [kept.id] })],
    })
    const { kind } = hosted.replica.admitOwn(cut as VerifiedOperation)
    if (kind !== 'admitted') throw new Error(`bug: the cut was ${kind}`)
  }
}
