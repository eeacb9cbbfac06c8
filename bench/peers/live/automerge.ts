import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import * as Automerge from '@automerge/automerge'
import { type DocHandle, Repo } from '@automerge/automerge-repo'
import { WebSocketClientAdapter, WebSocketServerAdapter } from '@automerge/automerge-repo-network-websocket'
import { WebSocketServer } from 'ws'
import { type LiveCluster, liveEdges, type LiveInit } from '../../workloads/live/cluster.ts'
import { entryPath, entryValue } from '../../workloads/sync/entries.ts'

/** As much of a websocket server as is used; the package has no types. */
interface Server {
  address(): AddressInfo
  close(): void
}

interface Entries extends Record<string, unknown> {
  entries: Record<string, Automerge.ImmutableString>
}

/** A repo in memory for each node, over its websocket; one document, entries as JSON in scalars. */
export async function start(init: LiveInit): Promise<LiveCluster> {
  const { nodes, onVisible } = init
  const servers: Server[] = []
  const repos: Repo[] = []
  const handles: DocHandle<Entries>[] = []
  const edges = liveEdges(init)
  for (let i = 0; i < nodes; i++) {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await once(server, 'listening')
    servers.push(server)
    const dialled = edges
      .filter(([from]) => from === i)
      .map(([, to]) => servers[to]?.address().port)
      .map((port) => new WebSocketClientAdapter(`ws://127.0.0.1:${port}`))
    // A repo finds nothing before somebody has come to each of its servers.
    const isDialled = edges.some(([, to]) => to === i)
    repos.push(
      new Repo({ network: [...(isDialled ? [new WebSocketServerAdapter(server)] : []), ...dialled] }),
    )
  }
  const degreeOf = (i: number) => edges.filter((edge) => edge.includes(i)).length
  while (!repos.every((repo, i) => repo.peers.length >= degreeOf(i)))
    await new Promise((resolve) => void setTimeout(resolve, 20))
  for (const [i, repo] of repos.entries()) {
    const [first] = handles
    const handle =
      first === undefined ? repo.create<Entries>({ entries: {} }) : await repo.find<Entries>(first.url)
    await handle.whenReady()
    handles.push(handle)
    handle.on('change', ({ patches }) => {
      for (const { path } of patches) {
        const entry = path.length === 2 ? handle.doc().entries[String(path[1])] : undefined
        if (entry !== undefined) onVisible(i, (JSON.parse(String(entry)) as { readonly n: number }).n)
      }
    })
  }
  return {
    write: (node, numbers) => {
      handles[node]?.change(({ entries }) => {
        for (const n of numbers)
          entries[entryPath(n)] = new Automerge.ImmutableString(JSON.stringify(entryValue(n)))
      })
    },
    stop: async () => {
      await Promise.all(repos.map(async (repo) => await repo.shutdown()))
      for (const server of servers) server.close()
    },
  }
}
