import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { createOrbitDB, KeyValueIndexed, useDatabaseType } from '@orbitdb/core'
import { LevelBlockstore } from 'blockstore-level'
import { createHelia } from 'helia'
import { createLibp2p } from 'libp2p'
import { localCommands, notePath, noteText } from '../../workloads/local/store.ts'

// Its type is keyvalue too, so it takes the place of the one that reads the whole log to find a key.
useDatabaseType(KeyValueIndexed)

/** A key-value database with its index on disk, on Helia with blocks in LevelDB; nobody is connected. An operation has one write. */
export const commands = localCommands(async (folder) => {
  const addressFile = join(folder, 'address')
  const libp2p = await createLibp2p({
    services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
  })
  const blockstore = new LevelBlockstore(join(folder, 'blocks'))
  await blockstore.open()
  const helia = await createHelia({ libp2p, blockstore, blockBrokers: [], routers: [] })
  const orbitdb = await createOrbitDB({ ipfs: helia, directory: join(folder, 'orbitdb'), id: 'bench' })
  const database = existsSync(addressFile)
    ? await orbitdb.open(readFileSync(addressFile, 'utf8'))
    : await orbitdb.open('notes', { type: 'keyvalue' })
  writeFileSync(addressFile, database.address as string)
  return {
    write: async (first, count) => {
      for (let i = first; i < first + count; i++) await database.put(notePath(i), noteText(i))
    },
    get: async (i) => (await database.get(notePath(i))) as unknown,
    save: () => undefined,
    close: async () => {
      await orbitdb.stop()
      await helia.stop()
      await blockstore.close()
    },
  }
})
