import { randomBytes } from 'node:crypto'
import { TypedEventEmitter } from 'main-event'
import {
  REMOTE_NAME_CHARACTERS_MAX,
  REMOTE_RUNS_KEPT_MAX,
  REMOTE_TOKEN_CHARACTERS_MAX,
  REMOTES_MAX,
} from '../../core/limits.ts'
import { parsePath } from '../../core/path.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import { type NodeKind, NodeRegistry } from './node-registry.ts'
import {
  NO_STATE,
  REMOTE_MODES,
  type RemoteRecord,
  type RemoteRun,
  type RemoteSchedule,
  type RemoteState,
} from './remote-record.ts'
import { parseRemoteUrl } from './remote-url.ts'

/** Options of a new remote. */
export interface AddRemoteOptions {
  readonly name: string
  /** Hexadecimal. */
  readonly spaceId: string
  readonly url: string
  /** Shown to the remote as its agent token; only where the address is HTTP. */
  readonly token?: string | undefined
  readonly path?: string | undefined
  /** PEM file, absolute. */
  readonly caFile?: string | undefined
  readonly schedule?: RemoteSchedule | undefined
  /** What this node makes itself known as there; only where the address is HTTP. Default: it does not. */
  readonly registerAs?: NodeKind | undefined
  /** True: a token goes over plain HTTP to another machine, where anybody on the way can read it. */
  readonly isInsecure?: boolean
}

/** What a book of remotes needs of the node. */
interface RemoteOwner {
  now(): number
  log(message: string): void
}

interface RemoteStorage {
  putNote(key: string, value: Uint8Array): void
  note(key: string): Uint8Array | undefined
  /** Texts that nobody but the owner of the data directory may read; null takes one away. */
  putSecret(name: string, value: string | null): void
  secret(name: string): string | undefined
}

interface RemoteBookEvents {
  /** A remote was added, removed or given another schedule. */
  changed: CustomEvent<null>
}

const NOTE = '/hanse/remotes'
const NAME = /^[a-z0-9][a-z0-9._-]*$/i

/** The remotes of a node: where else its spaces are, how they are asked, and what came of it. One run with each at a time. */
export class RemoteBook extends TypedEventEmitter<RemoteBookEvents> {
  readonly #storage: RemoteStorage
  readonly #owner: RemoteOwner
  #records: readonly RemoteRecord[]
  readonly #states = new Map<string, RemoteState>()
  readonly #running = new Map<string, Promise<unknown>>()
  /** The nodes that have made themselves known to this one. */
  readonly nodes: NodeRegistry

  constructor(storage: RemoteStorage, owner: RemoteOwner) {
    super()
    this.#storage = storage
    this.#owner = owner
    this.nodes = new NodeRegistry(storage, () => owner.now())
    const read = readJson(storage.note(NOTE))
    if (read !== undefined && !Array.isArray(read)) owner.log('the list of remotes is damaged: add them anew')
    this.#records = Array.isArray(read) ? (read as readonly RemoteRecord[]) : []
  }

  /** The remotes of a space, or of all, in the order in which they were added. */
  list(spaceId?: string): readonly RemoteRecord[] {
    return this.#records.filter((record) => spaceId === undefined || record.spaceId === spaceId)
  }

  /** Undefined where the space has none of that name. */
  find(spaceId: string, name: string): RemoteRecord | undefined {
    return this.#records.find((record) => record.spaceId === spaceId && record.name === name)
  }

  /** Throws `NO_REMOTE`. */
  get(spaceId: string, name: string): RemoteRecord {
    const found = this.find(spaceId, name)
    if (found !== undefined) return found
    const names = this.list(spaceId).map((record) => record.name)
    const known = names.length === 0 ? 'it has none: hanse remote add NAME URL' : `it has ${names.join(', ')}`
    throw new FaultError({
      code: 'NO_REMOTE',
      detail: `the space has no remote ${JSON.stringify(name)}; ${known}`,
    })
  }

  /** Throws `BAD_NAME`, `BAD_URL`, `BAD_PATH`, `TAKEN`, `LIMIT`. Asks nothing of the remote. */
  add(options: AddRemoteOptions): RemoteRecord {
    const { name, spaceId, url, token, path = '', caFile, schedule = REMOTE_MODES.local } = options
    if (!NAME.test(name) || name.length > REMOTE_NAME_CHARACTERS_MAX)
      throw new FaultError({
        code: 'BAD_NAME',
        detail: `a remote's name has 1 to ${REMOTE_NAME_CHARACTERS_MAX} letters, digits, ".", "_", "-", and begins with a letter or digit`,
      })
    if (this.find(spaceId, name) !== undefined)
      throw new FaultError({
        code: 'TAKEN',
        detail: `the space has a remote ${name} already: remove it first`,
      })
    if (this.#records.length >= REMOTES_MAX)
      throw new FaultError({ code: 'LIMIT', detail: `a node has at most ${REMOTES_MAX} remotes` })
    orThrow(parsePath(path))
    checkToken(url, token, options.isInsecure === true)
    const { registerAs } = options
    if (registerAs !== undefined && orThrow(parseRemoteUrl(url)).form !== 'http')
      throw new FaultError({ code: 'BAD_URL', detail: 'a node registers at nodes over HTTP: this is none' })
    const record: RemoteRecord = {
      id: randomBytes(8).toString('hex'),
      name,
      spaceId,
      url,
      path,
      caFile: caFile ?? null,
      schedule,
      ...(registerAs === undefined ? {} : { registerAs }),
      addedMs: this.#owner.now(),
    }
    if (token !== undefined) this.#storage.putSecret(secretOf(record), token)
    this.#keep([...this.#records, record])
    return record
  }

  /** Throws `NO_REMOTE`. What was synced stays. */
  remove(spaceId: string, name: string): RemoteRecord {
    const record = this.get(spaceId, name)
    this.#storage.putSecret(secretOf(record), null)
    this.#storage.putNote(stateNote(record), new Uint8Array())
    this.#states.delete(record.id)
    this.#keep(this.#records.filter((one) => one !== record))
    return record
  }

  /** Gives a remote another schedule or token. Throws `NO_REMOTE`, `BAD_URL`. */
  change(
    spaceId: string,
    name: string,
    {
      schedule,
      token,
      isInsecure = false,
    }: {
      readonly schedule?: RemoteSchedule | undefined
      readonly token?: string | undefined
      readonly isInsecure?: boolean
    },
  ): RemoteRecord {
    const record = this.get(spaceId, name)
    if (token !== undefined) {
      checkToken(record.url, token, isInsecure)
      this.#storage.putSecret(secretOf(record), token)
    }
    const changed = { ...record, schedule: schedule ?? record.schedule }
    this.#keep(this.#records.map((one) => (one === record ? changed : one)))
    return changed
  }

  /** The token of a remote; undefined where it has none. Never shown. */
  tokenOf(record: RemoteRecord): string | undefined {
    return this.#storage.secret(secretOf(record))
  }

  state(record: RemoteRecord): RemoteState {
    const known = this.#states.get(record.id)
    if (known !== undefined) return known
    const read = readJson(this.#storage.note(stateNote(record)))
    const isState = typeof read === 'object' && read !== null && Array.isArray((read as RemoteState).runs)
    const state = isState ? { ...NO_STATE, ...(read as RemoteState) } : NO_STATE
    this.#states.set(record.id, state)
    return state
  }

  /** Notes something of a remote; on disk too unless it `isFleeting`. */
  note(record: RemoteRecord, news: Partial<Omit<RemoteState, 'runs'>>, isFleeting = false): void {
    const state = { ...this.state(record), ...news }
    this.#states.set(record.id, state)
    if (!isFleeting && this.#records.some(({ id }) => id === record.id)) this.#write(record, state)
  }

  /** Adds a run to the history; the oldest goes beyond REMOTE_RUNS_KEPT_MAX. */
  addRun(record: RemoteRecord, run: RemoteRun): void {
    const { runs } = this.state(record)
    const last = runs.at(-1)
    // Where nothing moves, the last look stands for all.
    const replaces = last !== undefined && run.trigger === 'schedule' && isQuiet(run) && isQuiet(last)
    const kept = [...(replaces ? runs.slice(0, -1) : runs), run].slice(-REMOTE_RUNS_KEPT_MAX)
    const state = { ...this.state(record), runs: kept }
    this.#states.set(record.id, state)
    if (!replaces && this.#records.some(({ id }) => id === record.id)) this.#write(record, state)
  }

  /** True while a run with the remote goes on. */
  isRunning({ id }: RemoteRecord): boolean {
    return this.#running.has(id)
  }

  /** Does something when nothing else is done with the remote. */
  async exclusively<T>({ id }: RemoteRecord, work: () => Promise<T>): Promise<T> {
    const before = this.#running.get(id) ?? Promise.resolve()
    const own = before.then(work, work)
    const settled = own.catch(() => {})
    this.#running.set(id, settled)
    try {
      return await own
    } finally {
      if (this.#running.get(id) === settled) this.#running.delete(id)
    }
  }

  #write(record: RemoteRecord, state: RemoteState): void {
    this.#storage.putNote(stateNote(record), Buffer.from(JSON.stringify(state)))
  }

  #keep(records: readonly RemoteRecord[]): void {
    this.#records = records
    this.#storage.putNote(NOTE, Buffer.from(JSON.stringify(records)))
    this.safeDispatchEvent('changed', { detail: null })
  }
}

const secretOf = ({ id }: RemoteRecord): string => `remote-${id}`
const stateNote = ({ id }: RemoteRecord): string => `/hanse/remotes/${id}`
const isQuiet = (run: RemoteRun): boolean =>
  run.gained === 0 && run.sent === 0 && run.refused === 0 && run.code === null

function readJson(note: Uint8Array | undefined): unknown {
  if (note === undefined || note.length === 0) return undefined
  try {
    return JSON.parse(Buffer.from(note).toString()) as unknown
  } catch {
    return null
  }
}

function checkToken(text: string, token: string | undefined, isInsecure: boolean): void {
  const address = orThrow(parseRemoteUrl(text))
  if (token === undefined) return
  if (address.form !== 'http')
    throw new FaultError({ code: 'BAD_URL', detail: 'a token is for remotes over HTTP: this one needs none' })
  if (token.length > REMOTE_TOKEN_CHARACTERS_MAX || !/^[\x21-\x7e]+$/.test(token))
    throw new FaultError({ code: 'BAD_TOKEN', detail: 'the token is no token: copy it again, whole' })
  const { protocol, hostname } = address.url
  const isHere = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)
  if (protocol === 'http:' && !isHere && !isInsecure)
    throw new FaultError({
      code: 'BAD_URL',
      detail: `over http:// anybody on the way to ${hostname} could read the token: use https://, or add --insecure if nobody can`,
    })
}
