import { createNode, type HanseNode } from '../../../src/node/node.ts'
import type { Space } from '../../../src/node/space/space.ts'
import type { Commands } from '../../party.ts'

/** A second node of the space, in a process of its own: who writes through the first has readers. */
let node: HanseNode
let space: Space

export const commands: Commands = {
  join: async ({ link, ...options }: { readonly link: string; readonly dataDirectory: string }) => {
    node = await createNode({ ...options, listen: [], dht: false, relay: false })
    space = node.join(link)
  },
  /** Resolves when so many operations are here. */
  untilHolds: async (operations: number) => {
    const done = Promise.withResolvers<void>()
    const look = () => {
      if (space.hosted.store.count() >= operations) done.resolve()
    }
    space.addEventListener('change', look)
    look()
    await done.promise
  },
  stop: async () => await node.stop(),
}
