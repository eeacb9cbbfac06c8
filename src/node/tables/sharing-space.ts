import { toHex } from '../../core/bytes.ts'
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
  return {
    write: (edits) => space.write(edits),
    get: (path, type) => space.get(path, type),
    list: (prefix) => space.list(prefix),
    // The state is a function of the operations and of which bodies have arrived.
    revision: () => `${toHex(hosted.replica.clockRoot())}:${store.absentBodyCount()}`,
    note: () => store.note(TABLES_NOTE),
    putNote: (value) => store.transaction('power', (writer) => writer.putNote(TABLES_NOTE, value)),
  }
}
