import type { NodeConfig } from '../node/config/config-keys.ts'
import { FaultError, orThrow } from '../node/fault-error.ts'
import type { HanseNode } from '../node/node.ts'
import type { HttpServer } from '../http/http-server.ts'
import { VERSION } from './version.ts'

/** The port that `auto` takes where it is free. */
const PRESET_PORT = 7420

/** Serves HTTP as the configuration says; null where it says none. Throws `BAD_CONFIG`, or `IN_USE` where a port that was asked for is taken. */
export async function serveHttp(
  node: HanseNode,
  { http, httpTlsCert, httpTlsKey, httpCors }: NodeConfig,
  onError: (error: unknown) => void,
): Promise<HttpServer | null> {
  if (http === 'none') return null
  // Loaded only where it is served: it takes as long as a whole command.
  const { HttpServer } = await import('../http/http-server.ts')
  const { parseListenAddress } = await import('../http/listen-address.ts')
  if ((httpTlsCert === '') !== (httpTlsKey === ''))
    throw new FaultError({
      code: 'BAD_CONFIG',
      detail: 'a certificate needs its key: give both --http-tls-cert and --http-tls-key',
    })
  const tls = httpTlsCert === '' ? {} : { tls: { certFile: httpTlsCert, keyFile: httpTlsKey } }
  const init = { node, version: VERSION, corsOrigins: httpCors, onError, ...tls }
  if (http !== 'auto') return await HttpServer.start({ ...init, listen: orThrow(parseListenAddress(http)) })
  const host = '127.0.0.1'
  try {
    return await HttpServer.start({ ...init, listen: { host, port: PRESET_PORT } })
  } catch (error) {
    if (!(error instanceof FaultError) || error.code !== 'IN_USE') throw error
    return await HttpServer.start({ ...init, listen: { host, port: 0 } })
  }
}
