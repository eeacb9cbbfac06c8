import { ChangeFeed } from '../feed/change-feed.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import type { SharingSpace } from './share.ts'

/** The note under which a space keeps which tables this node shares in it. */
const TABLES_NOTE = 'tables'

/** A space as sharing tables sees it. `space`: its public interface. */
export function sharingSpace(
  space: Pick<SharingSpace, 'write' | 'get' | 'list'>,
  hosted: HostedSpace,
): SharingSpace {
  const { store } = hosted
  const feed = new ChangeFeed(hosted.replica)
  return {
    write: (edits) => space.write(edits),
    get: (path, type) => space.get(path, type),
    list: (prefix) => space.list(prefix),
    cursor: () => feed.now(),
    async *changedSince(cursor, prefix) {
      for await (const { path } of feed.changes({ since: cursor, path: prefix, types: ['map'], live: false }))
        yield path
    },
    note: () => store.note(TABLES_NOTE),
    putNote: (value) => store.transaction('power', (writer) => writer.putNote(TABLES_NOTE, value)),
  }
}
