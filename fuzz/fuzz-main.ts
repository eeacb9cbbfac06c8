import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { casesOf } from './cases.ts'
import { Coverage } from './coverage.ts'
import { Fuzzer } from './fuzzer.ts'
import { TARGETS } from './targets/all.ts'
import type { WorkerInit, WorkerOutcome } from './watch.ts'

/** The thread that main.ts starts for one target. */
const { target: name, seed, milliseconds, isGuided, counters, input } = workerData as WorkerInit
const target = TARGETS.find((target) => target.name === name)
if (target === undefined) throw new Error(`there is no target ${name}`)

const root = pathToFileURL(dirname(import.meta.dirname)).href
const coverage = isGuided
  ? new Coverage((url) =>
      ['src', 'protocols', 'bootstrap'].some((folder) => url.startsWith(`${root}/${folder}/`)),
    )
  : null
coverage?.start()
const fuzzer = new Fuzzer(target, {
  seed,
  coverage,
  cases: casesOf(name).map(({ input }) => input),
  onInput(bytes) {
    input.set(bytes.subarray(0, input.length))
    Atomics.store(counters, 1, bytes.length)
    Atomics.add(counters, 0, 1)
  },
})
const endMs = performance.now() + milliseconds
await fuzzer.run(() => performance.now() >= endMs)
coverage?.stop()
const outcome: WorkerOutcome = { stats: fuzzer.stats, findings: fuzzer.findings }
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- the port of a thread, not a window
parentPort?.postMessage(outcome)
