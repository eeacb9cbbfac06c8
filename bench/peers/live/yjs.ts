import * as Y from 'yjs'
import type { LiveCluster, LiveInit } from '../../workloads/live/cluster.ts'
import { entryPath, entryValue } from '../../workloads/sync/entries.ts'
import { TcpMesh } from '../tcp-mesh.ts'

/** A document in memory for each node; every update goes to all others over bare TCP. Always fully meshed: an update is not passed on. */
export async function start({ nodes, onVisible }: LiveInit): Promise<LiveCluster> {
  const ports: number[] = []
  const meshes: TcpMesh[] = []
  const maps: Y.Map<unknown>[] = []
  for (let i = 0; i < nodes; i++) {
    const doc = new Y.Doc()
    const map = doc.getMap('entries')
    const mesh = new TcpMesh(nodes - 1, (update) => Y.applyUpdate(doc, update, mesh))
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== mesh) mesh.broadcast(update)
    })
    map.observe(({ keysChanged }) => {
      for (const key of keysChanged) onVisible(i, (map.get(key) as { readonly n: number }).n)
    })
    ports.push(await mesh.open(ports))
    meshes.push(mesh)
    maps.push(map)
  }
  if (nodes > 1) await Promise.all(meshes.map(async (mesh) => await mesh.complete()))
  return {
    write: (node, numbers) => {
      const map = maps[node] as Y.Map<unknown>
      map.doc?.transact(() => {
        for (const n of numbers) map.set(entryPath(n), entryValue(n))
      })
    },
    stop: async () => {
      for (const mesh of meshes) mesh.close()
      await Promise.resolve()
    },
  }
}
