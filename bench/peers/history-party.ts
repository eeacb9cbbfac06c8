import { createHash } from 'node:crypto'
import type { Commit } from '../../src/node/exchange/history-file.ts'
import type { Commands } from '../party.ts'
import { CommitQueue } from '../workloads/history/commit-queue.ts'
import type { Opened } from '../workloads/history/parties.ts'
import { isAsRecorded, readRecorded } from '../workloads/history/recorded.ts'

/** A peer's replica, as a history is replayed on it. */
export interface HistoryReplica {
  /** Connects with those that were told of before, and gives what the next are to be told. */
  connect(told: readonly unknown[]): Promise<unknown>
  /** Resolves when there is a connection with everybody. */
  connected(): Promise<void>
  /** Writes a commit as one change of its own; it counts as here once `onCommit` is called with it. */
  write(commit: Commit): void
  /** Path → hash of what it holds now. */
  files(): ReadonlyMap<string, unknown>
  close(): Promise<void> | void
}

/** The commands of a party that replays on `create`'s replica. `onCommit` is to be called with the index of every commit, once it is here. */
export function historyCommands(
  create: (opened: Opened, onCommit: (index: number) => void) => Promise<HistoryReplica> | HistoryReplica,
): Commands {
  let opened: Opened
  let replica: HistoryReplica
  let queue: CommitQueue
  let isReplaying = false
  let isWriting = false
  const complete = Promise.withResolvers<void>()

  const writeAll = () => {
    // Writing notes commits, which would write again.
    if (!isReplaying || isWriting) return
    isWriting = true
    for (let commit = queue.next(); commit !== undefined; commit = queue.next()) replica.write(commit)
    isWriting = false
    if (queue.isComplete) complete.resolve()
  }

  return {
    async open(given: Opened): Promise<void> {
      opened = given
      queue = new CommitQueue(readRecorded(opened.history).history, opened.index, opened.nodes)
      replica = await create(opened, (index) => {
        queue.note(index)
        writeAll()
      })
    },
    connect: async (told: readonly unknown[]) => await replica.connect(told),
    connected: async () => await replica.connected(),
    async replay(): Promise<void> {
      isReplaying = true
      writeAll()
      await complete.promise
    },
    matches: () => isAsRecorded(replica.files(), readRecorded(opened.history).expected),
    stateRoot: () =>
      createHash('sha256')
        .update(JSON.stringify([...replica.files()].toSorted(([a], [b]) => (a < b ? -1 : 1))))
        .digest('hex'),
    close: async () => await replica.close(),
  }
}
