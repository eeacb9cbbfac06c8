import { createNode } from '../../src/node/node.ts'
import type { NodeOptions } from '../../src/node/node-options.ts'

/**
 * Two nodes that know nothing but the local network; prints `equal` once they agree. Run by mdns.test.ts in a network of its own,
 * so that no multicast leaves the machine.
 */
const options: NodeOptions = {
  listen: ['/ip4/127.0.0.1/tcp/0'],
  mdns: true,
  relay: false,
  dht: false,
}
const alice = await createNode(options)
const home = alice.createSpace({ name: 'home' })
const bob = await createNode(options)
const away = bob.join(home.invite({ role: 'writer', addresses: false }))
away.addEventListener('eose', () => {
  process.stdout.write('equal\n')
  process.exit(0)
})
