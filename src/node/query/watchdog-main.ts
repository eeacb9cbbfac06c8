import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { SQL_PROCESS_LOOK_MS, SQL_PROCESS_MEMORY_BYTES_MAX, SQL_TIMEOUT_MS_MAX } from '../../core/limits.ts'
import { OUT_OF_MEMORY, type WatchdogInit } from './query-message.ts'

/**
 * Ends the process that it is a thread of: where that takes too much memory, where whoever started it is gone, and where it is busy for
 * longer than any query may be. The main thread cannot look itself while SQLite works.
 */
const { busy, parent } = workerData as WatchdogInit
let sinceMs = Date.now()

for (;;) {
  if (Atomics.load(busy, 0) === 0) {
    Atomics.wait(busy, 0, 0)
    sinceMs = Date.now()
  }
  if (process.memoryUsage.rss() > SQL_PROCESS_MEMORY_BYTES_MAX) end(OUT_OF_MEMORY)
  // An orphan has another parent, where systems tell; the time limit is for where they do not.
  if (process.ppid !== parent || Date.now() - sinceMs > SQL_TIMEOUT_MS_MAX) end('hanse-query: left alone')
  Atomics.wait(busy, 0, 1, SQL_PROCESS_LOOK_MS)
}

function end(reason: string): void {
  try {
    writeSync(2, reason)
  } catch {
    // Nobody is there any more to read it.
  }
  process.kill(process.pid, 'SIGKILL')
}
