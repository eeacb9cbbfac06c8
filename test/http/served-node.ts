import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HttpServer, type HttpServerInit } from '../../src/http/http-server.ts'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import type { NodeOptions } from '../../src/node/node-options.ts'
import type { Role } from '../../src/node/space/roles.ts'
import type { Space } from '../../src/node/space/space.ts'

/** A node with a space, offline, served over HTTP on a free port. */
export class ServedNode {
  readonly node: HanseNode
  readonly space: Space
  #server: HttpServer
  readonly #folder: string

  private constructor(node: HanseNode, space: Space, server: HttpServer, folder: string) {
    this.node = node
    this.space = space
    this.#server = server
    this.#folder = folder
  }

  static async start(
    init: Partial<HttpServerInit> & {
      readonly now?: () => number
      /** Default: offline. */
      readonly nodeOptions?: NodeOptions
    } = {},
  ): Promise<ServedNode> {
    const folder = mkdtempSync(join(tmpdir(), 'hanse-http-'))
    const { now, nodeOptions = { online: false }, ...rest } = init
    const node = await createNode({
      dataDirectory: folder,
      ...nodeOptions,
      ...(now === undefined ? {} : { now }),
    })
    const space = node.createSpace({ name: 'lab' })
    const listen = { host: '127.0.0.1', port: 0 }
    const server = await HttpServer.start({ node, version: '0.0.0', listen, ...rest })
    return new ServedNode(node, space, server, folder)
  }

  get server(): HttpServer {
    return this.#server
  }

  /** Ends the server with all its connections, and serves the same node again on that port. */
  async restart(port: number): Promise<void> {
    await this.#server.stop()
    const listen = { host: '127.0.0.1', port }
    this.#server = await HttpServer.start({ node: this.node, version: '0.0.0', listen })
  }

  /** A token for the space of this node. */
  token(name: string, role: Role, path = ''): string {
    return this.node.agents.add({ name, reach: [{ space: this.space, role, path }] }).token
  }

  /** A request as an agent; JSON in, JSON out. */
  async ask(
    token: string | null,
    method: string,
    path: string,
    body?: unknown,
    given: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const headers: Record<string, string> = { ...given }
    if (token !== null) headers['authorization'] = `Bearer ${token}`
    if (body !== undefined) headers['content-type'] = 'application/json'
    const response = await fetch(this.server.origin + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    })
    const text = await response.text()
    const type = response.headers.get('content-type') ?? ''
    return {
      status: response.status,
      headers: response.headers,
      body: /json/.test(type) && text !== '' ? JSON.parse(text) : text,
    }
  }

  async stop(): Promise<void> {
    await this.server.stop()
    await this.node.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // A test reads of it what it expects, and fails where that is not there.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any
}
