import type { Answer, Memory } from './memory.ts'
import { SUSPECTS } from './story.ts'

/** How long to sleep between two changes, in seconds. */
const SLEEP_SECONDS = 1

interface Finding {
  readonly seen: string
  readonly at: string
  readonly by: string
}

interface Edge {
  readonly label: string
  readonly to: string
  readonly value: unknown
}

/** What came of it, as the memory has it. */
export interface Verdict {
  readonly findings: readonly Finding[]
  /** Pairs of findings that searchers have related. */
  readonly related: number
  /** Each with how many findings point at them, and how many clear them; the most suspected first. */
  readonly suspects: readonly {
    readonly name: string
    readonly pointing: number
    readonly clearing: number
  }[]
}

/** The agent with a read-only token: tells what the others write, as it comes, and sums it up. It takes part in nothing. */
export class Reporter {
  readonly #memory: Memory
  readonly #say: (who: string, text: string) => void
  readonly #told = new Set<string>()
  #isEnding = false

  constructor(memory: Memory, say: (who: string, text: string) => void) {
    this.#memory = memory
    this.#say = say
  }

  /** Tells what is written from now on, until it is told to come to an end, and then what is left to tell. */
  async follow(): Promise<void> {
    let { cursor } = await this.#memory.call('changes_since', { cursor: 'now' })
    while (!this.#isEnding) {
      const answer = await this.#memory.call('wait_for_change', { cursor, timeout_seconds: SLEEP_SECONDS })
      ;({ cursor } = answer)
      for (const { items } of answer['changes'] as readonly { readonly items: readonly Answer[] }[])
        for (const item of items) await this.#tell(item)
    }
    for (const path of await this.#memory.paths('findings', 'map')) await this.#tell({ path, type: 'map' })
  }

  end(): void {
    this.#isEnding = true
  }

  async #tell({ path, type }: Answer): Promise<void> {
    const at = String(path)
    if (type === 'log') return await this.#tellJournal(at)
    if (type !== 'map' || !at.startsWith('findings/') || this.#told.has(at)) return
    this.#told.add(at)
    const { seen, at: where, by } = (await this.#memory.value(at, 'map')) as Finding
    this.#say(by, `at ${where}: ${seen}`)
    const edges = ((await this.#memory.value(at, 'edge')) ?? []) as readonly Edge[]
    for (const { label, to, value } of edges)
      if (label === 'same trace')
        this.#say(by, `⤷ the same ${String(value)} as at ${await this.#placeOf(to)}`)
  }

  async #tellJournal(path: string): Promise<void> {
    const entries = (await this.#memory.value(path, 'log')) as readonly {
      readonly id: string
      readonly value: Answer
    }[]
    for (const { id, value } of entries) {
      if (this.#told.has(id)) continue
      this.#told.add(id)
      this.#say(
        String(value['by']),
        `leaves ${String(value['left'])} to ${String(value['to'])}, whose claim was earlier`,
      )
    }
  }

  async #placeOf(path: string): Promise<string> {
    return ((await this.#memory.value(path, 'map')) as Finding).at
  }

  async verdict(): Promise<Verdict> {
    const findings: Finding[] = []
    const edges: Edge[] = []
    for (const path of await this.#memory.paths('findings', 'map')) {
      findings.push((await this.#memory.value(path, 'map')) as Finding)
      edges.push(...(((await this.#memory.value(path, 'edge')) ?? []) as readonly Edge[]))
    }
    const count = (label: string, id: string) =>
      edges.filter((edge) => edge.label === label && edge.to === `suspects/${id}`).length
    const suspects = SUSPECTS.map(({ id, name }) => ({
      name,
      pointing: count('points at', id),
      clearing: count('clears', id),
    })).toSorted((a, b) => b.pointing - b.clearing - (a.pointing - a.clearing))
    return { findings, related: edges.filter(({ label }) => label === 'same trace').length, suspects }
  }
}
