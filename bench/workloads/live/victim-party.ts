import { createNode, type HanseNode } from '../../../src/node/node.ts'
import type { Commands } from '../../party.ts'

/** The node that mallory has to itself: honest, and connected to every other. In a process of its own, as it would be. */
let node: HanseNode

export const commands: Commands = {
  start: async ({ link, ...options }: { readonly link: string; dataDirectory: string; peers: string[] }) => {
    node = await createNode({ ...options, listen: ['/ip4/127.0.0.1/tcp/0'], dht: false, relay: false })
    node.join(link)
    return `${String(node.addresses[0]).replace(/\/p2p\/.*$/, '')}/p2p/${node.peerId}`
  },
  stop: async () => await node.stop(),
}
