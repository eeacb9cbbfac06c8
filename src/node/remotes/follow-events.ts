import { orThrow } from '../fault-error.ts'
import type { HanseNode } from '../node.ts'
import { addressOf, faultOfAnswer } from './node-remote.ts'
import type { RemoteRecord } from './remote-record.ts'
import { parseRemoteUrl } from './remote-url.ts'
import { clientOf } from './run-remote.ts'

/**
 * Listens to the server-sent events of a remote node, and tells that something has happened there, once at the beginning: what it was is
 * asked for, not read from the event. Ends when the remote ends it; throws where it has none, or falls silent beyond its signs of life.
 */
export async function followEvents(
  node: HanseNode,
  record: RemoteRecord,
  signal: AbortSignal,
  onNews: () => void,
): Promise<void> {
  const address = orThrow(parseRemoteUrl(record.url))
  if (address.form !== 'http') return
  const client = clientOf(node, record)
  try {
    const isSpace = address.url.pathname.includes('/v1/spaces/')
    const name = isSpace ? 'events' : `v1/spaces/${record.spaceId}/events`
    const url = addressOf(address.url, name, record.path === '' ? {} : { path: record.path })
    const answer = await client.ask(url, { signal, headers: { accept: 'text/event-stream' } })
    if (answer.status !== 200 || answer.headers['content-type']?.includes('event-stream') !== true) {
      const { error } = await faultOfAnswer(answer, url)
      throw error
    }
    onNews()
    try {
      for await (const chunk of answer.body) {
        // Lines that begin with a colon are signs of life.
        if (/^event:/m.test(Buffer.from(chunk).toString('latin1'))) onNews()
      }
    } finally {
      answer.drop()
    }
  } finally {
    client.close()
  }
}
