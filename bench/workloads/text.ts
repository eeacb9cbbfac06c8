import { type Figures, seconds, type Subject, type Workload } from '../measure.ts'
import { readTrace, replayOn } from '../text-trace.ts'

interface PeerText {
  edit(patches: readonly (readonly [number, number, string])[]): Uint8Array
  merge(updates: readonly Uint8Array[]): void
  text(): string
  save(): Uint8Array
}
type Peers = Readonly<
  Record<string, (isShared: boolean) => { create(): PeerText; open(saved: Uint8Array): PeerText }>
>

/** A peer that keeps everything in memory, one replica for each author of the trace. */
function peer(name: string): Subject {
  return {
    name,
    without: 'sign, authorise or keep on disk',
    run: async ({ trace: given }): Promise<Figures> => {
      const trace = readTrace(String(given))
      // A package of its own, so its types are not known here.
      const file = new URL('../peers/text.ts', import.meta.url).href
      const { TEXT_PEERS } = (await import(file)) as { readonly TEXT_PEERS: Peers }
      const maker = TEXT_PEERS[name]?.(trace.agents > 1)
      if (maker === undefined) throw new Error(`no peer ${name}`)
      const replicas = Array.from({ length: trace.agents }, () => maker.create())
      if (trace.startContent !== '') replicas[0]?.edit([[0, 0, trace.startContent]])
      const applySeconds = await seconds(() => replayOn(replicas, trace))
      // Concurrent insertions beside concurrent deletions may end otherwise than recorded in some orders of characters: told, not hidden.
      const matches = replicas.every((replica) => replica.text() === trace.endContent) ? 1 : 0
      const saved = replicas[0]?.save() as Uint8Array
      let opened = ''
      const openSeconds = await seconds(() => {
        opened = maker.open(saved).text()
      })
      if (opened !== replicas[0]?.text()) throw new Error('the opened text is not the saved one')
      return { matches, applySeconds, openSeconds, storedBytes: saved.length }
    },
  }
}

const COMPARED = { applySeconds: 'less', openSeconds: 'less', storedBytes: 'less' } as const

/** One workload for each trace. */
export const TEXT_WORKLOADS: readonly Workload[] = [
  'sveltecomponent.sequential',
  'rustcode.sequential',
  'friendsforever.concurrent',
].map((trace) => ({
  name: `text-${trace.split('.')[0] ?? trace}`,
  question: `How long does it take to replay ${trace}, to open the text again, and how many bytes is it?`,
  sizes: { trace },
  quick: { trace },
  subjects: [peer('Yjs'), peer('Loro'), peer('Automerge')],
  compared: COMPARED,
}))
