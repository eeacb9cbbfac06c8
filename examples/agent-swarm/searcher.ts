import { setTimeout as wait } from 'node:timers/promises'
import type { Memory } from './memory.ts'
import { PLACES, type Place } from './story.ts'

/** How long looking around takes, in ms: at least, and at most as much again. */
const LOOK_MS = 250
/** How long to sleep where there is nothing to do, in seconds. */
const SLEEP_SECONDS = 5

/** One agent that looks around until there is no place left. It has a script in place of a model; all it knows of others, it reads. */
export class Searcher {
  readonly #name: string
  readonly #memory: Memory
  #steps: number
  /** Places whose findings are this one's. */
  readonly #own: Place[] = []

  /** `start`: number that makes its pace its own. */
  constructor(name: string, memory: Memory, start: number) {
    this.#name = name
    this.#memory = memory
    this.#steps = start
  }

  async search(): Promise<void> {
    let { cursor } = await this.#memory.call('changes_since', { cursor: 'now' })
    for (;;) {
      const place = await this.#takeOne()
      if (place !== null) await this.#lookAround(place)
      else if ((await this.#memory.paths('findings', 'map')).length >= PLACES.length)
        return await this.#lookBack()
      // Others are still looking: sleep until one of them writes something.
      else
        ({ cursor } = await this.#memory.call('wait_for_change', { cursor, timeout_seconds: SLEEP_SECONDS }))
    }
  }

  /** Claims the first place that nobody has; null where all are taken. */
  async #takeOne(): Promise<Place | null> {
    const taken = new Set(await this.#memory.paths('tasks', 'claim'))
    for (const place of PLACES) {
      const path = `tasks/${place.id}`
      if (taken.has(path)) continue
      const claim = { action: 'claim', path, value: { by: this.#name } }
      const { claims } = await this.#memory.call('write', { edits: [claim] })
      const [mine] = claims as readonly { readonly yours: boolean }[]
      if (mine?.yours === true) return place
    }
    return null
  }

  async #lookAround({ id, name, seen, trace, about }: Place): Promise<void> {
    await wait(this.#pace())
    // Meanwhile the other node may have told of an earlier claim.
    const claim = (await this.#memory.value(`tasks/${id}`, 'claim')) as Claim
    if (claim.by !== 'you') {
      await this.#memory.call('append_event', {
        path: 'journal',
        value: { by: this.#name, left: name, to: claim.claimed.by },
      })
      return
    }
    const path = `findings/${id}`
    const found = { action: 'edit', path, set: { seen, at: name, by: this.#name } }
    await this.#memory.call('write', { edits: [found, ...(await this.#relations(path, trace)).map(toLink)] })
    await this.#memory.call('relate', { from: path, label: about.says, to: `suspects/${about.suspect}` })
    this.#own.push({ id, name, seen, trace, about })
  }

  /** Two who look at the same moment cannot read each other's findings: what is missing for that is related in the end. */
  async #lookBack(): Promise<void> {
    for (const { id, trace } of this.#own) {
      for (const relation of await this.#relations(`findings/${id}`, trace)) {
        const { path, to } = relation
        if (path < to || (await this.#isRelated(path, to)) || (await this.#isRelated(to, path))) continue
        await this.#memory.call('write', { edits: [toLink(relation)] })
      }
    }
  }

  async #relations(path: string, trace: string): Promise<readonly Relation[]> {
    const { hits } = await this.#memory.call('search', { words: trace, path: 'findings' })
    const others = new Set((hits as readonly { readonly path: string }[]).map((hit) => hit.path))
    others.delete(path)
    return [...others].map((to) => ({ path, to, trace }))
  }

  async #isRelated(path: string, to: string): Promise<boolean> {
    const edges = ((await this.#memory.value(path, 'edge')) ?? []) as readonly { readonly to: string }[]
    return edges.some((edge) => edge.to === to)
  }

  #pace(): number {
    this.#steps = (this.#steps * 7 + 3) % 11
    return LOOK_MS + (LOOK_MS * this.#steps) / 10
  }
}

/** A claim as `read` gives it. */
interface Claim {
  readonly by: string
  readonly claimed: { readonly by: string }
}

/** Two findings with something in common. */
interface Relation {
  readonly path: string
  readonly to: string
  readonly trace: string
}

const toLink = ({ path, to, trace }: Relation) => ({
  action: 'link',
  path,
  label: 'same trace',
  to,
  value: trace,
})
