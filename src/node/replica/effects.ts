import type { CellKey } from '../../core/types/cell.ts'
import { TEXT } from '../../core/types/text/change.ts'
import type { Evaluation } from '../../core/changes/evaluate.ts'
import type { Revocation } from '../../core/effect/revocation.ts'
import { endorsedBy, revocationsBy, Verdicts } from '../../core/effect/verdicts.ts'
import type { Entry } from '../../core/graph.ts'
import { decodeHeader } from '../../core/operation/header.ts'
import { cellName } from '../../storage/cell-order.ts'
import type { SpaceStore, SpaceWriter } from '../../storage/space-store.ts'
import { BodyEdits } from './body-edits.ts'
import { Children } from './children.ts'
import { materialise } from './materialise.ts'
import { Pasts } from './pasts.ts'
import { Refolds } from './refolds.ts'
import { type TextChange, Texts } from './texts.ts'
import { Uses } from './uses.ts'

/** What the admission of one operation did to the effect of others. */
export interface EffectChange {
  /** Cells that may show something else now. */
  readonly touched: readonly CellKey[]
  /** Operations that got or lost their effect. */
  readonly remasked: readonly Entry[]
  /** Authors, beside the operation's own, whose place in the clock may have changed. */
  readonly authors: readonly Uint8Array[]
}

/** An operation's revocations and endorsements, which have got or lost their effect. */
interface Swing {
  readonly revocations: readonly Revocation[]
  readonly endorser: Entry | null
  readonly endorsed: readonly Entry[]
  readonly isEffective: boolean
}

/**
 * Which admitted operations have an effect, kept up as operations come (DESIGN §6). The definition is in src/core/effect; here only
 * what may have changed is looked at again. Invariants:
 * 1. after every admission, the store masks exactly the operations that `Verdicts.masking` masks;
 * 2. after {@link settle}, a masked operation is severed exactly if no unmasked operation descends from it;
 * 3. after {@link write}, every cell is the fold of the unmasked operations of its history.
 */
export class Effects {
  readonly verdicts: Verdicts
  readonly texts: Texts
  readonly #refolds: Refolds
  readonly #pasts: Pasts
  readonly #store: SpaceStore
  readonly #evaluate: (entry: Entry) => Evaluation
  /** Masked operations that may be severed now, found out by {@link settle}. */
  readonly #unsettled = new Set<number>()
  readonly #uses: Uses
  #children: Children | null = null

  /** Reads the revocations and endorsements of a store. `evaluate`: the meaning of an admitted operation's body. */
  constructor(store: SpaceStore, evaluate: (entry: Entry) => Evaluation) {
    this.#store = store
    this.#evaluate = evaluate
    this.#uses = new Uses(store)
    this.texts = new Texts(store)
    this.#refolds = new Refolds(store, evaluate)
    this.#pasts = new Pasts(store)
    this.verdicts = new Verdicts({ graph: store, bodySizeOf: (entry) => bodySizeOf(store, entry) })
    for (const entry of store.verdicts()) this.verdicts.add(entry, evaluate(entry))
  }

  /** Gives an operation its effect, within the transaction that has just appended it. */
  admit(entry: Entry, evaluation: Evaluation, writer: SpaceWriter): EffectChange {
    this.#children?.add(entry)
    this.#uses.add(entry)
    const isMasked = this.verdicts.isMasked(entry)
    if (isMasked) writer.putMask(entry.ordinal, { isSevered: true })
    const authors: Uint8Array[] = isMasked ? [] : [...this.#rejoinParents(entry, writer)]
    const touched = this.materialise(entry, evaluation, writer)
    if (!isVerdict(entry)) return { touched, remasked: [], authors }
    const revocations = this.verdicts.add(entry, evaluation)
    // A masked verdict changes nothing until it is unmasked, and then by what unmasks it.
    if (isMasked) return { touched, remasked: [], authors }
    const endorsed = endorsedBy(evaluation)
    const remasked = this.#changedBy({ revocations, endorser: entry, endorsed, isEffective: true })
    // Whether they are severed is found out once all masks are right.
    for (const one of remasked) writer.putMask(one.ordinal, this.#isMasked(one) ? null : { isSevered: false })
    if (remasked.length === 0) return { touched, remasked, authors }
    for (const one of remasked) {
      if (this.#isMasked(one)) this.#unsettle(one)
      else for (const author of this.#rejoinParents(one, writer)) authors.push(author)
    }
    for (const { author } of remasked) authors.push(author)
    return { touched: [...touched, ...this.#refoldCellsOf(remasked)], remasked, authors }
  }

  /** Folds the changes of an operation whose body has come, with it or late, into the state. Returns the cells touched. */
  materialise(entry: Entry, evaluation: Evaluation, writer: SpaceWriter): readonly CellKey[] {
    const [texts, refolds, pasts] = [this.texts, this.#refolds, this.#pasts]
    return materialise(entry, evaluation, this.#store, writer, { texts, refolds, pasts })
  }

  /** Writes what was left for the end of a transaction: the cells that are folded again, and what texts show. */
  write(writer: SpaceWriter): {
    readonly refolded: readonly CellKey[]
    readonly texts: readonly TextChange[]
  } {
    return { refolded: this.#refolds.write(writer), texts: this.texts.write(writer) }
  }

  /**
   * Finds out what is severed after masks have changed, once for a whole transaction and the latest first: an operation is kept by a child
   * that has an effect, or is kept itself. Returns the authors concerned.
   */
  settle(writer: SpaceWriter): readonly Uint8Array[] {
    if (this.#unsettled.size === 0) return []
    this.#children ??= new Children(this.#store)
    const authors: Uint8Array[] = []
    for (const ordinal of [...this.#unsettled].sort((a, b) => b - a)) {
      const mask = this.#store.mask(ordinal)
      if (mask === undefined || mask.isSevered || this.#isKeptByChild(ordinal, this.#children)) continue
      writer.putMask(ordinal, { isSevered: true })
      authors.push(this.#store.at(ordinal).author)
    }
    this.#unsettled.clear()
    return authors
  }

  #isKeptByChild(ordinal: number, children: Children): boolean {
    for (const child of children.of(ordinal)) if (this.#store.mask(child)?.isSevered !== true) return true
    return false
  }

  /** The operations that would get or lose their effect if there were these revocations. Changes nothing. */
  preview(revocations: readonly Revocation[]): readonly Entry[] {
    const effective = () => revocations.filter(({ entry }) => this.verdicts.isEffective(entry))
    return this.verdicts.suppose(revocations, () =>
      this.#changedBy({ revocations: effective(), endorser: null, endorsed: [], isEffective: true }),
    )
  }

  /**
   * The operations whose mask in the store is not what it should be, after some verdicts have got or lost their effect. Where one of them
   * revokes or endorses itself, what it reaches is looked at too. Ends, since what is reached has a longer chain.
   */
  #changedBy(first: Swing): readonly Entry[] {
    const changed = new Map<number, Entry>()
    const looked = new Set<number>()
    const open = [first]
    for (let swing = open.pop(); swing !== undefined; swing = open.pop()) {
      for (const entry of this.#concernedBy(swing, looked)) {
        if (changed.has(entry.ordinal)) continue
        changed.set(entry.ordinal, entry)
        if (!isVerdict(entry)) continue
        const evaluation = this.#evaluate(entry)
        const revocations = revocationsBy(entry, evaluation)
        const endorsed = endorsedBy(evaluation)
        open.push({ revocations, endorser: entry, endorsed, isEffective: this.#isMasked(entry) })
      }
    }
    return [...changed.values()]
  }

  /**
   * The operations that a swing has given a mask, or taken one from, as far as it alone can. `looked`: those that a revocation cut off
   * before, with the same answer then as now.
   */
  *#concernedBy(
    { revocations, endorser, endorsed, isEffective }: Swing,
    looked: Set<number>,
  ): Generator<Entry> {
    for (const revocation of revocations) {
      const isKept = (entry: Entry) => this.verdicts.isKept(revocation, entry)
      for (const entry of this.#uses.cutOff(revocation, isKept)) {
        // What was masked by others stays so, and what was not masked is not by one revocation less.
        if (this.#isMasked(entry) === isEffective || looked.has(entry.ordinal)) continue
        looked.add(entry.ordinal)
        if (isEffective ? !this.verdicts.isEndorsed(entry) : !this.verdicts.isMasked(entry)) yield entry
      }
    }
    if (endorser === null) return
    for (const entry of endorsed) {
      if (this.#isMasked(entry) !== isEffective) continue
      if (isEffective ? this.verdicts.revives(endorser, entry) : this.verdicts.isMasked(entry)) yield entry
    }
  }

  #isMasked({ ordinal }: Entry): boolean {
    return this.#store.mask(ordinal) !== undefined
  }

  #refoldCellsOf(remasked: readonly Entry[]): readonly CellKey[] {
    const bodies = new BodyEdits(this.#evaluate)
    const cells = new Map<string, CellKey>()
    const ofTexts = new Map<string, Entry[]>()
    for (const entry of remasked) {
      for (const { path, type, field } of bodies.all(entry)) {
        cells.set(cellName({ path, type, field }), { path, type, field })
        if (type === TEXT) ofTexts.set(path, [...(ofTexts.get(path) ?? []), entry])
      }
    }
    for (const key of cells.values()) if (key.type !== TEXT) this.#refolds.addWhole(key)
    for (const [path, entries] of ofTexts) this.texts.remask(path, entries)
    return [...cells.values()]
  }

  /** What an unmasked operation builds on is not severed any more. Returns the authors concerned. */
  #rejoinParents(entry: Entry, writer: SpaceWriter): readonly Uint8Array[] {
    const authors: Uint8Array[] = []
    const open = [...entry.parents]
    for (let ordinal = open.pop(); ordinal !== undefined; ordinal = open.pop()) {
      if (this.#store.mask(ordinal)?.isSevered !== true) continue
      writer.putMask(ordinal, { isSevered: false })
      const parent = this.#store.at(ordinal)
      authors.push(parent.author)
      open.push(...parent.parents)
    }
    return authors
  }

  /** An operation that has just been masked, and the masked ones that it may have kept from being severed until now. */
  #unsettle(entry: Entry): void {
    const open = [entry.ordinal]
    for (let ordinal = open.pop(); ordinal !== undefined; ordinal = open.pop()) {
      const mask = this.#store.mask(ordinal)
      if (mask === undefined || mask.isSevered || this.#unsettled.has(ordinal)) continue
      this.#unsettled.add(ordinal)
      open.push(...this.#store.at(ordinal).parents)
    }
  }
}

const isVerdict = ({ command }: Entry): boolean => command === '/cap/revoke' || command === '/cap/endorse'

/** Bytes of the body that the header of an admitted operation names. */
export function bodySizeOf(store: SpaceStore, entry: Entry): number {
  const header = decodeHeader(store.operation(entry.ordinal).headerBytes)
  if (!header.ok) throw new Error(`bug: an admitted header does not decode: ${header.fault.detail}`)
  return header.value.bodySize
}
