import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import type { Coverage } from './coverage.ts'
import { insertWord, mutateBytes } from './mutate-bytes.ts'
import { mutateCbor } from './mutate-cbor.ts'
import { createRandom, type Random } from './random.ts'
import type { Target } from './target.ts'

/** Longest an input may take, in ms; measured again when it takes longer, because the machine has other things to do too. */
const INPUT_MS_MAX = 500
/** Inputs kept as material for mutations. */
const CORPUS_MAX = 2_048
/** Valid inputs made at a time. */
const VALID_BATCH = 32
/** Mutations one upon the other. */
const MUTATIONS_MAX = 4
/** Inputs between two looks at the coverage: few while much is new, many once little is. */
const BATCH_MIN = 16
const BATCH_MAX = 4_096
/** Inputs between two turns of the event loop. */
const INPUTS_PER_TURN = 32
/** Different findings after which a target is given up for this run. */
const FINDINGS_MAX = 10
/** Inputs tried to make the input of a finding smaller. */
const SHRINK_TRIES_MAX = 2_000

/** An input for which something that must hold did not. */
export interface Finding {
  readonly target: string
  /** Message of what was thrown, and where. */
  readonly reason: string
  readonly input: Uint8Array
}

/** Counts of a run of one target. */
export interface FuzzStats {
  executions: number
  accepted: number
  /** Inputs kept because they reached code that none before had reached. */
  kept: number
  /** Characters of the sources that were executed. */
  covered: number
}

/** What a fuzzer is told from outside. */
export interface FuzzerInit {
  readonly seed: number
  /** Reports what inputs reach, so that those that reach something new are built on; null to do without. */
  readonly coverage: Coverage | null
  /** Inputs to begin with, besides the grammar's. */
  readonly cases?: readonly Uint8Array[]
  /** Called with every input before it runs, so that somebody outside knows which one never came back. */
  readonly onInput?: (input: Uint8Array) => void
}

/**
 * Feeds one decoder with valid inputs by its grammar and with mutations of them. Same seed and no coverage: same inputs. With coverage,
 * inputs that reach new code become material for more.
 */
export class Fuzzer {
  readonly #target: Target
  readonly #init: FuzzerInit
  readonly #random: Random
  readonly #corpus: Uint8Array[] = []
  #valid: Uint8Array[] = []
  #validSeed: number
  #batchSize = BATCH_MIN
  readonly findings: Finding[] = []
  readonly stats: FuzzStats = { executions: 0, accepted: 0, kept: 0, covered: 0 }

  constructor(target: Target, init: FuzzerInit) {
    this.#target = target
    this.#init = init
    this.#random = createRandom(init.seed)
    this.#validSeed = init.seed
    this.#corpus.push(...(init.cases ?? []))
  }

  /** Runs batches until `isOver` says so, or there are too many findings. */
  async run(isOver: () => boolean): Promise<void> {
    const { coverage } = this.#init
    coverage?.take()
    while (!isOver() && this.findings.length < FINDINGS_MAX) {
      const batch: Uint8Array[] = []
      while (batch.length < this.#batchSize && !isOver()) {
        const input = this.#next()
        batch.push(input)
        await this.#try(input)
      }
      if (coverage === null) continue
      const isNew = coverage.peek()
      if (isNew) await this.#keepNew(batch, coverage)
      this.#batchSize = isNew
        ? Math.max(BATCH_MIN, this.#batchSize >> 1)
        : Math.min(BATCH_MAX, this.#batchSize * 2)
      this.stats.covered = coverage.characters
    }
  }

  /** Finds out by halving which inputs of a batch reached something new, and keeps those. */
  async #keepNew(batch: readonly Uint8Array[], coverage: Coverage): Promise<void> {
    for (const input of batch) await this.#run(input)
    if (batch.length === 1) {
      if (coverage.take() > 0) this.#keep(batch[0] as Uint8Array)
      return
    }
    if (!coverage.peek()) return
    await this.#keepNew(batch.slice(0, batch.length >> 1), coverage)
    await this.#keepNew(batch.slice(batch.length >> 1), coverage)
  }

  #keep(input: Uint8Array): void {
    this.stats.kept++
    if (this.#corpus.length < CORPUS_MAX) this.#corpus.push(input)
    else this.#corpus[this.#random.below(CORPUS_MAX)] = input
  }

  #next(): Uint8Array {
    const random = this.#random
    let input = random.once(3) || this.#corpus.length === 0 ? this.#nextValid() : random.pick(this.#corpus)
    if (random.once(32)) return input
    for (let left = 1 + random.below(MUTATIONS_MAX); left > 0; left--) input = this.#mutated(input)
    return input.length <= this.#target.inputBytesMax ? input : input.slice(0, this.#target.inputBytesMax)
  }

  #mutated(input: Uint8Array): Uint8Array {
    const { form, words = [] } = this.#target
    const other =
      this.#corpus.length > 0 && this.#random.once(2) ? this.#random.pick(this.#corpus) : this.#nextValid()
    if (words.length > 0 && this.#random.once(form === 'text' ? 3 : 8))
      return insertWord(input, this.#random, words)
    return form === 'cbor' && !this.#random.once(4)
      ? mutateCbor(input, this.#random, other)
      : mutateBytes(input, this.#random, other)
  }

  /** A valid input by the grammar. Most are used twice, since making them is slower than trying them. */
  #nextValid(): Uint8Array {
    if (this.#valid.length === 0)
      this.#valid = fc.sample(this.#target.valid, { seed: this.#validSeed++, numRuns: VALID_BATCH })
    const at = this.#random.below(this.#valid.length)
    const input = this.#valid[at] as Uint8Array
    if (this.#random.once(8)) this.#valid.splice(at, 1)
    return input
  }

  async #try(input: Uint8Array): Promise<void> {
    this.#init.onInput?.(input)
    // Native code frees much only between turns of the event loop; that is not held against the decoder.
    if (this.stats.executions++ % INPUTS_PER_TURN === 0) await turn()
    const reason = await this.#run(input, true)
    if (reason !== null) await this.#note(input, reason)
  }

  async #note(input: Uint8Array, reason: string): Promise<void> {
    if (this.findings.some((known) => known.reason === reason)) return
    const smallest = await this.#shrink(input, reason)
    this.findings.push({ target: this.#target.name, reason, input: smallest })
  }

  /** Runs an input; gives what went wrong, or null. */
  async #run(input: Uint8Array, isCounted = false): Promise<string | null> {
    const [accepted, reason] = await runOnce(this.#target, input)
    if (isCounted && accepted) this.stats.accepted++
    return reason
  }

  /** Takes parts out of the input as long as the same goes wrong. */
  async #shrink(input: Uint8Array, reason: string): Promise<Uint8Array> {
    let smallest = input
    let tries = 0
    for (let size = smallest.length >> 1; size > 0 && tries < SHRINK_TRIES_MAX; size >>= 1) {
      for (let at = 0; at < smallest.length && tries < SHRINK_TRIES_MAX; tries++) {
        const less = new Uint8Array(Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]))
        if ((await this.#run(less)) === reason) smallest = less
        else at += size
      }
    }
    return smallest
  }
}

/**
 * Runs one input and checks what must hold of every decoder: it returns, in bounded time, and leaves Object and Array as they
 * were. Gives whether the input was accepted, and what went wrong or null.
 */
export async function runOnce(
  target: Target,
  input: Uint8Array,
): Promise<readonly [accepted: boolean, reason: string | null]> {
  try {
    const startedMs = performance.now()
    const outcome = target.run(input)
    const accepted = typeof outcome === 'boolean' ? outcome : await outcome
    if (performance.now() - startedMs > INPUT_MS_MAX && (await isSlow(target, input)))
      return [accepted, `takes longer than ${INPUT_MS_MAX} ms`]
    return [accepted, isPolluted() ? 'Object.prototype or Array.prototype was changed' : null]
  } catch (error) {
    return [false, reasonOf(error)]
  }
}

/** True when an input is slow also the second and third time. */
async function isSlow(target: Target, input: Uint8Array): Promise<boolean> {
  for (let i = 0; i < 2; i++) {
    const startedMs = performance.now()
    await target.run(input)
    if (performance.now() - startedMs <= INPUT_MS_MAX) return false
  }
  return true
}

const PROTOTYPES: readonly object[] = [Object.prototype, Array.prototype, Uint8Array.prototype]
const OWN_NAMES = PROTOTYPES.map((prototype) => Reflect.ownKeys(prototype).length)

function isPolluted(): boolean {
  return PROTOTYPES.some((prototype, i) => Reflect.ownKeys(prototype).length !== OWN_NAMES[i])
}

/** What was thrown and where, without the numbers that differ from input to input. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${String(error)}`
  const place = /\((?:file:\/\/)?[^()]*\/((?:src|protocols|bootstrap|fuzz)\/[^():]+:\d+)/.exec(
    error.stack ?? '',
  )
  return `${error.name}: ${error.message.slice(0, 200)}${place === null ? '' : ` at ${place[1]}`}`
}
