import { fromHex, toHex } from '../../core/bytes.ts'
import { HASH_BYTES } from '../../core/hash.ts'
import { OPERATION_LINE_BYTES_MAX } from '../../core/limits.ts'
import { parseOperationLine } from '../../core/operation/operation-line.ts'
import { assembleOperation, type Operation } from '../../core/operation/operation.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import type { HanseNode } from '../node.ts'
import type { Space } from '../space/space.ts'
import { readUnpacked, unpackedStream } from './exchange-file.ts'
import { importOperations, type ImportOperationsOptions, type LineCounts } from './import-operations.ts'
import { importSnapshot, type SnapshotImport, type SnapshotProgress } from './import-snapshot.ts'
import { openSnapshot } from './snapshot-file.ts'
import { nowAndThen, type OnProgress } from './space-exchange.ts'
import { readTextLines } from './text-lines.ts'

/** Into which space a file goes. */
export interface FileTarget {
  readonly file: string
  /** Name, id or beginning of the id of a space; the whole id of one that is not here. Default: the one the file is of. */
  readonly space?: string | undefined
}

/** A space into which a file went. */
export interface FilledSpace {
  readonly space: Space
  /** True where it was not here before. */
  readonly created: boolean
}

/**
 * Takes a file of operations into the space it is of. A space that is not here is created where that is asked for, by `isNew` or by its
 * whole id, and the first operation in the file is its genesis.
 */
export async function importOperationsFile(
  node: HanseNode,
  options: FileTarget &
    ImportOperationsOptions & { readonly isNew?: boolean; readonly onProgress?: OnProgress },
): Promise<FilledSpace & { readonly counts: LineCounts }> {
  const { file, isNew = false, space: given } = options
  const first = await firstOperation(file)
  const fileId = first === null ? null : toHex(first.header.space ?? first.id)
  const held = heldSpace(node, given, fileId)
  if (held !== null) {
    const counts = await held.exchange.importOperations(options)
    publishRights(node, held)
    return { space: held, created: false, counts }
  }
  if (first === null || fileId === null)
    throw new FaultError({ code: 'BAD_FILE', detail: `${file} holds no operation` })
  if (given !== undefined && given.toLowerCase() !== fileId)
    throw new FaultError({
      code: 'WRONG_SPACE',
      detail: `the operations are of space ${fileId}, not of ${given}`,
    })
  if (!isNew && given === undefined)
    throw new FaultError({
      code: 'NO_SPACE',
      detail: `the operations are of space ${fileId}, which is not here: --new takes it up, or join it first`,
    })
  if (first.header.space !== null)
    throw new FaultError({
      code: 'NO_SPACE',
      detail: `the file does not begin with the genesis of space ${fileId}: export it whole, without --since`,
    })
  return await node.adopt(first, async (space) => {
    const counts = await space.exchange.importOperations(options)
    return { space, created: true, counts }
  })
}

/**
 * Takes a stream of operations of a space that is not here, its genesis first, and so makes the space; what has come stays where the stream
 * breaks off. `expected`: the space's id, hexadecimal.
 */
export async function importNewSpace(
  node: HanseNode,
  source: AsyncIterable<Uint8Array>,
  { expected, ...options }: ImportOperationsOptions & { readonly expected?: string | undefined },
): Promise<{ readonly space: Space; readonly counts: LineCounts }> {
  const lines = readTextLines(unpackedStream(source), OPERATION_LINE_BYTES_MAX)
  const first = await lines.next()
  const text = first.done === true ? null : first.value.text
  const genesis = text?.ok === true ? parseOperationLine(text.value) : text
  if (genesis?.ok !== true || genesis.value.header.space !== null) {
    await lines.return(undefined)
    throw new FaultError({ code: 'BAD_FILE', detail: 'it does not begin with the genesis of a space' })
  }
  const id = toHex(genesis.value.id)
  if (expected !== undefined && expected !== id) {
    await lines.return(undefined)
    throw new FaultError({ code: 'WRONG_SPACE', detail: `it is of space ${id}, not of ${expected}` })
  }
  const all = async function* () {
    if (first.done !== true) yield first.value
    yield* lines
  }
  return await node.adopt(genesis.value, async (space) => {
    return { space, counts: await importOperations(space.hosted, all(), options) }
  })
}

/** Takes a snapshot into the space it is of; one that is not here is created. */
export async function importSnapshotFile(
  node: HanseNode,
  options: FileTarget & {
    readonly onProgress?: (progress: SnapshotProgress) => void | Promise<void>
    readonly signal?: AbortSignal
  },
): Promise<FilledSpace & SnapshotImport> {
  const { file, space: given, signal } = options
  const { manifest, content } = await openSnapshot(file)
  const fileId = toHex(manifest.space)
  const held = heldSpace(node, given, fileId)
  const genesis = await genesisOf(content, manifest.space)
  if (held === null && given !== undefined && given.toLowerCase() !== fileId)
    throw new FaultError({
      code: 'WRONG_SPACE',
      detail: `the snapshot is of space ${fileId}, not of ${given}`,
    })
  const fill = async (space: Space, isEmpty: boolean) => {
    const tell = nowAndThen((done, total) => options.onProgress?.({ phase, done, total }))
    let phase: SnapshotProgress['phase'] = 'importing'
    const report = await importSnapshot(space.hosted.replica, {
      file,
      isEmpty,
      verifier: node.verifier,
      now: () => node.now(),
      onProgress: async (progress) => {
        phase = progress.phase
        await tell(progress.done, progress.total)
      },
      ...(signal === undefined ? {} : { signal }),
    })
    publishRights(node, space)
    return { space, created: held === null, ...report }
  }
  if (held !== null) return await fill(held, held.hosted.store.count() === 0 && node.network === null)
  return await node.adopt(genesis, async (space) => await fill(space, true))
}

/** Whoever has joined and got the space in a file publishes what they joined with now, as after a first sync. */
function publishRights(node: HanseNode, space: Space): void {
  try {
    space.publishPendingTokens()
  } catch (error) {
    if (!(error instanceof FaultError)) throw error
    node.log(`the rights of this node in ${space.name} are not published yet: ${error.message}`)
  }
}

/** The space of a file among those that are here; null where it is not. Throws where one is named that is another. */
function heldSpace(node: HanseNode, given: string | undefined, fileId: string | null): Space | null {
  const held = node.spaces().find(({ id }) => id === fileId) ?? null
  if (given === undefined) return held
  if (fromHex(given)?.length === HASH_BYTES && !node.spaces().some(({ id }) => id === given.toLowerCase()))
    return null
  const named = node.space(given)
  if (fileId !== null && named.id !== fileId)
    throw new FaultError({
      code: 'WRONG_SPACE',
      detail: `the file is of space ${fileId}, not of ${named.id}`,
    })
  return named
}

/** The first line that is an operation; null where none is. */
async function firstOperation(file: string): Promise<Operation | null> {
  for await (const { text } of readTextLines(readUnpacked(file), OPERATION_LINE_BYTES_MAX)) {
    const parsed = text.ok ? parseOperationLine(text.value) : text
    if (parsed.ok) return parsed.value
  }
  return null
}

async function genesisOf(
  content: Awaited<ReturnType<typeof openSnapshot>>['content'],
  spaceId: Uint8Array,
): Promise<Operation> {
  for await (const record of content) {
    const [first] = record.kind === 'operations' ? record.operations : []
    if (first === undefined) break
    const { headerBytes, signature, body } = first
    const operation = orThrow(assembleOperation(headerBytes, signature, body))
    if (toHex(operation.id) === toHex(spaceId)) return operation
    break
  }
  throw new FaultError({
    code: 'BAD_FILE',
    detail: 'the snapshot does not begin with the genesis of its space',
  })
}
