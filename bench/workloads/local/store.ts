import { mkdirSync } from 'node:fs'
import { seconds } from '../../measure.ts'
import type { Commands } from '../../party.ts'
import { bytesOf } from '../in-folder.ts'

/** Names of the notes are in folders of so many, for what has folders. */
export const FOLDER_NOTES = 100

export const notePath = (i: number) => `notes/${Math.floor(i / FOLDER_NOTES)}/${i % FOLDER_NOTES}`
export const noteText = (i: number) => `entry ${i} of the benchmark`

/** Notes on this machine, by number: Hanse, a peer, or a floor. */
export interface LocalStore {
  /** Writes notes `first` to `first + count − 1` as one operation, or as near to that as it has. */
  write(first: number, count: number): unknown
  /** The text of a note. */
  get(i: number): unknown
  /** All texts in a folder; absent where it has no such thing. */
  list?(folder: number): Iterable<unknown>
  /** Has everything in the folder, for what does not write as it goes. */
  save(): unknown
  close(): unknown
}

interface Amount {
  readonly count: number
  readonly perOperation: number
}

/** The commands of a party that has one store; `open` opens what is in a folder, or begins it. */
export function localCommands(open: (folder: string) => Promise<LocalStore> | LocalStore): Commands {
  let store: LocalStore
  let folder = ''
  return {
    /** Seconds until the first note can be read; `expected`: whether there is one. */
    async open({ directory, expected }: { readonly directory: string; readonly expected: boolean }) {
      folder = directory
      mkdirSync(folder, { recursive: true })
      return await seconds(async () => {
        store = await open(folder)
        if (expected && (await store.get(0)) !== noteText(0)) throw new Error('a wrong answer')
      })
    },

    /** Seconds of writing, each operation after the one before, and of saving at the end. */
    async write({ count, perOperation }: Amount) {
      const writeSeconds = await seconds(async () => {
        for (let first = 0; first < count; first += perOperation) {
          const written = store.write(first, Math.min(perOperation, count - first))
          if (written instanceof Promise) await written
        }
      })
      const saveSeconds = await seconds(async () => await store.save())
      return { writeSeconds, saveSeconds }
    },

    /** Seconds of reading, scattered over all. */
    async read({ notes, reads }: { readonly notes: number; readonly reads: number }) {
      return await seconds(async () => {
        for (let i = 0; i < reads; i++) {
          // Prime, and so to almost any number of notes.
          const number = (i * 7_919) % notes
          const got = store.get(number)
          if ((got instanceof Promise ? await got : got) !== noteText(number))
            throw new Error('a wrong answer')
        }
      })
    },

    /** Seconds of listing folders; null where it has none. */
    async list({ notes, lists }: { readonly notes: number; readonly lists: number }) {
      if (store.list === undefined) return null
      const list = store.list.bind(store)
      const folders = notes / FOLDER_NOTES
      return await seconds(() => {
        for (let i = 0; i < lists; i++)
          if ([...list((i * 7_919) % folders)].length !== FOLDER_NOTES) throw new Error('a wrong answer')
      })
    },

    async close() {
      await store.close()
      return bytesOf(folder)
    },
  }
}
