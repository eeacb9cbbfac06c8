import type { Fault } from '../../core/result.ts'
import type { HanseNode } from '../../node/node.ts'
import type { Space } from '../../node/space/space.ts'
import type { HttpDoor } from '../control/action.ts'
import { formatAmount, formatCount, formatTime, shortDid } from '../output/human.ts'
import { formatJson } from '../../core/json.ts'
import { printable } from '../output/printable.ts'
import { formatPairs } from '../output/table.ts'
import { formatDid } from '../../core/principal.ts'
import type { Shell } from '../shell.ts'
import { displayName } from './space.ts'

/** How long a message that was printed is not printed again, in ms; and messages remembered for that. */
const REPEAT_AFTER_MS = 5 * 60 * 1000
const MESSAGES_REMEMBERED_MAX = 256
/** How often spaces that came by a command are looked for, in ms. */
const NEW_SPACES_EVERY_MS = 250

/** How a node is come to. */
interface Door {
  readonly data: string
  readonly socket: string
  readonly http: HttpDoor | null
  /** A link to join a space with; null where none was asked for. */
  readonly invite: string | null
}

/** What a running node tells: lines for people, or JSON events. */
export class UpReport {
  readonly #shell: Shell
  readonly #saidAtMs = new Map<string, number>()
  readonly #watched = new Set<Space>()
  /** Peers in sync, by space and peer: told when it changes, not at every comparison. */
  readonly #inSync = new Map<string, boolean>()

  /** What was to be told before the node was up: `listening` is always the first event. */
  #early: (() => void)[] | null = []

  constructor(shell: Shell) {
    this.#shell = shell
  }

  listening(node: HanseNode, { data, socket, http, invite }: Door): void {
    const { did, peerId, addresses } = node
    const spaces = node.spaces()
    this.#event(
      {
        event: 'listening',
        peerId,
        did,
        addresses,
        socket,
        http: http?.origin ?? null,
        ...(invite === null ? {} : { invite }),
        data,
        pid: process.pid,
        spaces: spaces.map(({ id, name }) => ({ id, name })),
      },
      () => [
        this.#shell.style.strong('Hanse node is up.'),
        ...formatPairs([
          ['author', did],
          ['peer', peerId],
          ['data', printable(data)],
          ['http', http?.origin ?? 'not served'],
          ...listed('addresses', addresses.length > 0 ? addresses : ['none: this node dials only']),
          ...listed(
            'spaces',
            spaces.length > 0
              ? spaces.map(({ name }) => displayName(name))
              : ['none yet: hanse space create NAME, or hanse join LINK'],
          ),
        ]),
        ...(http === null ? [] : [`Look at it (this link works once): ${http.createLink()}`]),
        ...(invite === null ? [] : ['Whoever has this link joins with it: send it privately.', invite]),
        this.#shell.style.faint('Ctrl-C stops it.'),
      ],
    )
    const early = this.#early ?? []
    this.#early = null
    for (const tell of early) tell()
    for (const fault of node.unreadableSpaces)
      this.#trouble({ event: 'unreadable', ...fault }, `a space cannot be read: ${fault.detail}`)
  }

  /** Tells from now on who connects, who is in sync, and who forked, also in spaces that are made or joined later. */
  watch(node: HanseNode): void {
    node.addEventListener('connect', ({ detail: { peer, space } }) => {
      this.#event({ event: 'connect', peer: peer.toString(), space: space.id }, (at) => [
        `${at} ${peer.toString()} connected in ${displayName(space.name)}`,
      ])
    })
    const look = () => {
      for (const space of node.spaces()) if (!this.#watched.has(space)) this.#watch(space)
    }
    look()
    setInterval(look, NEW_SPACES_EVERY_MS).unref()
  }

  /** What the node has to say; the same at most once in a while. */
  log(message: string): void {
    const nowMs = Date.now()
    const saidAtMs = this.#saidAtMs.get(message)
    if (saidAtMs !== undefined && nowMs - saidAtMs < REPEAT_AFTER_MS) return
    this.#saidAtMs.delete(message)
    this.#saidAtMs.set(message, nowMs)
    if (this.#saidAtMs.size > MESSAGES_REMEMBERED_MAX)
      this.#saidAtMs.delete(this.#saidAtMs.keys().next().value as string)
    this.#trouble({ event: 'log', message }, message)
  }

  /** An error that was survived. */
  fault(fault: Fault): void {
    this.#trouble({ event: 'fault', ...fault }, `survived an error: ${fault.detail}`)
  }

  /** Sharing a table has come upon a trouble, or out of it. */
  table(space: Space, db: string, table: string, what: string): void {
    this.#trouble(
      { event: 'table', space: space.id, db, table, what },
      `${printable(table)} of ${printable(db)}: ${what}`,
    )
  }

  stopping(): void {
    if (!this.#shell.isJson) this.#shell.write('Stopping.\n')
  }

  stopped(): void {
    if (this.#shell.isJson) this.#shell.write(`${formatJson({ event: 'stopped' })}\n`)
  }

  #watch(space: Space): void {
    this.#watched.add(space)
    space.addEventListener('sync', ({ detail: { peer, report } }) => {
      const key = `${space.id} ${peer}`
      const { inSync, sent, gained, weLack, theyLack } = report
      const isNews = sent > 0 || gained > 0 || this.#inSync.get(key) !== inSync
      this.#inSync.set(key, inSync)
      if (!isNews) return
      this.#event({ event: 'sync', space: space.id, peer, inSync, sent, gained, weLack, theyLack }, (at) => {
        const verdict = inSync
          ? this.#shell.style.good('in sync')
          : this.#shell.style.warn(`we lack ${formatCount(weLack)}, they lack ${formatCount(theyLack)}`)
        return [
          `${at} ${displayName(space.name)} with ${peer}: sent ${formatAmount(sent, 'operation')}, got ${formatCount(gained)}; ${verdict}`,
        ]
      })
    })
    space.addEventListener('fork', ({ detail }) => {
      const author = formatDid(detail.author)
      this.#event({ event: 'fork', space: space.id, author }, (at) => [
        this.#shell.style.warn(
          `${at} ${displayName(space.name)}: author ${shortDid(author)} has forked; the proof is kept`,
        ),
      ])
    })
    space.addEventListener('outdated', ({ detail: { type, version } }) => {
      this.#event({ event: 'outdated', space: space.id, type, version }, (at) => [
        this.#shell.style.warn(
          `${at} ${displayName(space.name)}: somebody writes ${printable(type)} version ${version}, which this version of Hanse does not know`,
        ),
      ])
    })
  }

  #event(event: Readonly<Record<string, unknown>>, lines: (at: string) => readonly string[]): void {
    if (this.#shell.isJson) return this.#shell.write(`${formatJson(event)}\n`)
    this.#shell.write(`${lines(this.#now()).join('\n')}\n`)
  }

  #trouble(event: Readonly<Record<string, unknown>>, text: string): void {
    if (this.#early !== null) {
      if (this.#early.length < MESSAGES_REMEMBERED_MAX) this.#early.push(() => this.#trouble(event, text))
      return
    }
    if (this.#shell.isJson) return this.#shell.write(`${formatJson(event)}\n`)
    this.#shell.stderr.write(`${this.#shell.errorStyle.faint(`${this.#now()} ${printable(text)}`)}\n`)
  }

  #now(): string {
    return formatTime(Date.now(), Date.now())
  }
}

function listed(title: string, values: readonly string[]): readonly (readonly [string, string])[] {
  return values.map((value, index) => [index === 0 ? title : '', printable(value)])
}
