import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server as TcpServer,
} from 'node:net'

/** A plain web server of a test, on a free port of loopback. */
export class HttpHost {
  readonly #server: Server
  /** Every request there was: `GET /path`. */
  readonly asked: string[] = []

  private constructor(answer: (request: IncomingMessage, response: ServerResponse) => void) {
    this.#server = createServer((request, response) => {
      this.asked.push(`${request.method} ${request.url}`)
      answer(request, response)
    })
  }

  static async start(
    answer: (request: IncomingMessage, response: ServerResponse) => void,
  ): Promise<HttpHost> {
    const host = new HttpHost(answer)
    await new Promise<void>((resolve) => {
      host.#server.listen(0, '127.0.0.1', resolve)
    })
    return host
  }

  /** Files by path, with ETags; 404 for all else. */
  static async ofFiles(files: Map<string, Uint8Array>): Promise<HttpHost> {
    return await HttpHost.start((request, response) => {
      const file = files.get(new URL(request.url ?? '', 'http://h').pathname)
      if (file === undefined) return void response.writeHead(404).end('nothing')
      const etag = `"${file.length}-${file.at(-9)}"`
      if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end()
      response.writeHead(200, { etag, 'content-length': file.length }).end(file)
    })
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
  }
}

/** A line to a server that is cut in the middle of an answer: the first times after so many bytes, then no more. */
export class CuttingLine {
  readonly #server: TcpServer
  /** Lines cut so far. */
  cuts = 0

  private constructor(port: number, cutAfter: readonly number[]) {
    this.#server = createTcpServer((near) => {
      const far = connect(port, '127.0.0.1')
      let left = cutAfter[this.cuts] ?? Infinity
      far.on('data', (chunk) => {
        // However much comes in one piece on a busy machine, no more than the limit goes on.
        const passed = chunk.subarray(0, left)
        left -= passed.length
        if (left > 0) {
          near.write(passed)
          return
        }
        this.cuts++
        far.destroy()
        near.write(passed, () => near.destroy())
      })
      near.on('data', (chunk) => far.write(chunk))
      for (const [one, other] of [[near, far] as const, [far, near] as const]) {
        one.on('error', () => other.destroy())
        one.on('close', () => other.destroy())
      }
    })
  }

  static async start(port: number, cutAfter: readonly number[]): Promise<CuttingLine> {
    const line = new CuttingLine(port, cutAfter)
    await new Promise<void>((resolve) => {
      line.#server.listen(0, '127.0.0.1', resolve)
    })
    return line
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  stop(): void {
    this.#server.close()
  }
}
