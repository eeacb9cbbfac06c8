import { importNewSpace, importSnapshotFile } from '../exchange/import-file.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import { faultOf } from '../fault-of.ts'
import type { HanseNode } from '../node.ts'
import type { Space } from '../space/space.ts'
import { downloading, type FilePlace, openOperations, withSnapshot } from './files-remote.ts'
import { HttpClient } from './http-client.ts'
import { addressOf, askVersion, faultOfAnswer } from './node-remote.ts'
import type { RemoteRecord, RemoteSchedule } from './remote-record.ts'
import { parseRemoteUrl } from './remote-url.ts'
import { runRemote } from './run-remote.ts'
import type { OnRunProgress, RunReport } from './run-report.ts'

export interface CloneOptions {
  readonly url: string
  /** Of the remote. Default: origin. */
  readonly name?: string | undefined
  readonly token?: string | undefined
  readonly isInsecure?: boolean
  readonly caFile?: string | undefined
  readonly path?: string | undefined
  readonly schedule?: RemoteSchedule | undefined
  /** Whole id of the space it must be, hexadecimal. */
  readonly expected?: string | undefined
  readonly onProgress?: OnRunProgress
  readonly signal: AbortSignal
}

/** A space that was cloned, and the remote it came from. */
export interface Clone {
  readonly space: Space
  /** False where the space was here already; then it was synced. */
  readonly created: boolean
  /** From what the space was made; null where it was here. */
  readonly from: 'snapshot' | 'operations' | null
  readonly remote: RemoteRecord
  readonly report: RunReport
}

/**
 * Makes a space from a remote's snapshot, or from its operations where there is no snapshot or it cannot be used, then catches up and
 * writes the remote down. Where that breaks off in the middle, what has come stays and the remote is noted, so that a pull goes on.
 */
export async function cloneSpace(node: HanseNode, options: CloneOptions): Promise<Clone> {
  const { url, token, caFile, signal, expected } = options
  const address = orThrow(parseRemoteUrl(url))
  if (address.form === 'peer')
    throw new FaultError({
      code: 'BAD_URL',
      detail: 'a peer tells strangers nothing of its spaces: ask for an invite, and run "hanse join LINK"',
    })
  const client = new HttpClient({ token, ...(caFile === undefined ? {} : { caFile }) })
  try {
    const isFiles =
      address.form === 'file' || /\.(jsonl|jsonl\.zst|snapshot|hanse)$/.test(address.url.pathname)
    const version = isFiles ? null : await askVersion(client, address.url, expected, signal)
    const spaceId = version?.spaceId ?? expected
    if (version !== null && expected !== undefined && version.spaceId !== expected)
      throw new FaultError({
        code: 'WRONG_SPACE',
        detail: `there is space ${version.spaceId.slice(0, 64)}, not ${expected}`,
      })
    const held = node.spaces().find(({ id }) => id === spaceId)
    if (held !== undefined) return await finish(node, held, null, options)
    const place: FilePlace =
      address.form === 'file'
        ? { form: 'file', place: address.folder }
        : { form: 'http', client, place: address.url }
    const made =
      version === null
        ? await fromFiles(node, place, options)
        : await fromNode(node, place as FilePlace & { readonly form: 'http' }, version.spaceId, options)
    return await finish(node, made.space, made.from, options)
  } finally {
    client.close()
  }
}

interface Made {
  readonly space: Space
  readonly from: 'snapshot' | 'operations'
}

/** From the snapshot that the node makes; else from its operations, which go on from where they break off. */
async function fromNode(
  node: HanseNode,
  { client, place }: FilePlace & { readonly form: 'http' },
  spaceId: string,
  options: CloneOptions,
): Promise<Made> {
  const { signal, path = '' } = options
  const { onProgress = () => {} } = options
  const query = { space: spaceId, ...(path === '' ? {} : { path }) }
  const url = addressOf(place, 'snapshot/latest', query)
  try {
    const made = await downloading(
      { client, url, signal, onProgress },
      async (file) => await takeSnapshot(node, file, spaceId, options),
    )
    return { space: made, from: 'snapshot' }
  } catch (error) {
    signal.throwIfAborted()
    if (faultOf(error).code === 'BUG') throw error
    node.log(
      `the snapshot of ${place.host} cannot be used, its operations are taken instead: ${faultOf(error).detail}`,
    )
  }
  const held = node.spaces().find(({ id }) => id === spaceId)
  // What holds of a snapshot stays; the rest comes by the pull that follows.
  if (held !== undefined) return { space: held, from: 'operations' }
  const operations = addressOf(place, 'ops', query)
  const answer = await client.ask(operations, { signal, headers: { 'accept-encoding': 'zstd, gzip' } })
  if (answer.status !== 200) throw (await faultOfAnswer(answer, operations)).error
  return { space: await takeOperations(node, answer.body, spaceId, options), from: 'operations' }
}

/** From the snapshot, where there is one; else from the file of operations. */
async function fromFiles(node: HanseNode, place: FilePlace, options: CloneOptions): Promise<Made> {
  const { signal, expected } = options
  const { onProgress = () => {} } = options
  try {
    const made = await withSnapshot(place, { known: null, signal, onProgress }, async (file) =>
      takeSnapshot(node, file, expected, options),
    )
    if (typeof made !== 'string') return { space: made, from: 'snapshot' }
  } catch (error) {
    if (faultOf(error).code !== 'NO_FILE') throw error
  }
  const operations = await openOperations(place, signal)
  if (operations === null)
    throw new FaultError({
      code: 'NO_FILE',
      detail: `there is no space at ${options.url}: neither a Hanse node, nor ops.jsonl.zst or latest.snapshot`,
    })
  return { space: await takeOperations(node, operations, expected, options), from: 'operations' }
}

async function takeSnapshot(
  node: HanseNode,
  file: string,
  expected: string | undefined,
  { signal, onProgress = () => {} }: CloneOptions,
): Promise<Space> {
  const target = expected === undefined ? {} : { space: expected }
  const { space } = await importSnapshotFile(node, {
    file,
    ...target,
    signal,
    onProgress: async ({ done, total }) => await onProgress({ what: 'checking', done, total }),
  })
  return space
}

/** The space stays where its operations break off: then the pull that follows goes on. */
async function takeOperations(
  node: HanseNode,
  source: AsyncIterable<Uint8Array>,
  expected: string | undefined,
  { signal, onProgress = () => {} }: CloneOptions,
): Promise<Space> {
  let done = 0
  const before = new Set(node.spaces().map(({ id }) => id))
  try {
    const onReport = async () => await onProgress({ what: 'receiving', done: ++done, total: 0 })
    return (await importNewSpace(node, source, { expected, signal, onReport })).space
  } catch (error) {
    const made = node.spaces().find(({ id }) => !before.has(id))
    if (made === undefined || faultOf(error).code !== 'UNREACHABLE') throw error
    return made
  }
}

async function finish(
  node: HanseNode,
  space: Space,
  from: Clone['from'],
  options: CloneOptions,
): Promise<Clone> {
  const {
    url,
    name = 'origin',
    token,
    isInsecure = false,
    caFile,
    path,
    schedule,
    onProgress,
    signal,
  } = options
  const known = node.remotes.list(space.id).find((record) => record.name === name && record.url === url)
  const remote =
    known ?? node.remotes.add({ name, spaceId: space.id, url, token, isInsecure, caFile, path, schedule })
  const report = await runRemote(node, remote, {
    direction: 'pull',
    trigger: 'demand',
    signal,
    ...(onProgress === undefined ? {} : { onProgress }),
  })
  return { space, created: from !== null, from, remote, report }
}
