import * as Automerge from '@automerge/automerge'
import { historyCommands } from './history-party.ts'
import { TcpMesh } from './tcp-mesh.ts'

interface Replayed extends Record<string, unknown> {
  files: Record<string, string>
  /** Index of every commit that is in. */
  commits: Record<string, boolean>
}

/** Every replica begins with this change, the same bytes everywhere, so that they have the same objects. */
const BEGINNING = Automerge.save(
  Automerge.change(Automerge.init<Replayed>({ actor: '00' }), { time: 0 }, (draft) => {
    draft.files = {}
    draft.commits = {}
  }),
)

/** One document in each process, a change for each commit, told to everybody. */
export const commands = historyCommands(({ index, nodes }, onCommit) => {
  let doc = Automerge.load<Replayed>(BEGINNING, { actor: `${index + 1}`.padStart(8, '0') })
  const mesh = new TcpMesh(nodes - 1, (change) => {
    let patches: Automerge.Patch[] = []
    ;[doc] = Automerge.applyChanges(doc, [change], {
      patchCallback: (given) => {
        patches = given
      },
    })
    // Only now is the document the one that may be written on.
    for (const { path } of patches) if (path[0] === 'commits' && path.length === 2) onCommit(Number(path[1]))
  })
  return {
    connect: async (told) => await mesh.open(told as readonly number[]),
    connected: async () => await mesh.complete(),
    write: (commit) => {
      doc = Automerge.change(doc, (draft) => {
        for (const [path, hash] of commit.changes) {
          if (hash === null) delete draft.files[path]
          else draft.files[path] = hash
        }
        draft.commits[commit.index] = true
      })
      mesh.broadcast(Automerge.getLastLocalChange(doc) as Uint8Array)
      onCommit(commit.index)
    },
    files: () => new Map(Object.entries(doc.files)),
    close: () => mesh.close(),
  }
})
