import { createNode } from '../../../src/node/node.ts'
import type { ItemEdit } from '../../../src/node/space/item-edit.ts'
import { localCommands, notePath, noteText } from './store.ts'

/** A node that talks to nobody, with one space. */
export const commands = localCommands(async (dataDirectory) => {
  const node = await createNode({ dataDirectory, online: false })
  const space = node.spaces()[0] ?? node.createSpace({ name: 'local' })
  return {
    write: (first, count) =>
      space.write(
        Array.from({ length: count }, (_, i): ItemEdit => {
          return { kind: 'put', path: notePath(first + i), value: noteText(first + i) }
        }),
      ),
    get: (i) => space.get(notePath(i))?.value,
    list: (folder) => space.list(`notes/${folder}`),
    save: () => undefined,
    close: async () => await node.stop(),
  }
})
