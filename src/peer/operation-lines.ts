import { isControl } from '../core/changes/evaluate.ts'
import { parseClockText } from '../core/clock-text.ts'
import { PEER_MESSAGE_BYTES_TARGET, PEER_MESSAGE_OPERATIONS_MAX } from '../core/limits.ts'
import { formatOperationLine, parseOperationLine } from '../core/operation/operation-line.ts'
import type { Operation } from '../core/operation/operation.ts'
import type { Fault } from '../core/result.ts'
import { orThrow } from '../node/fault-error.ts'
import type { Space } from '../node/space/space.ts'
import type { PeerCursor } from './message.ts'

/** What came of the operations of one message. */
export interface Received {
  /** New here. */
  readonly admitted: number
  readonly duplicates: number
  /** Sound, and waiting for what they build on or for their time. */
  readonly waiting: number
  /** Refused by a check, by code. */
  readonly refused: Readonly<Record<string, number>>
  /** True where so much was forged that the rest was not looked at. */
  readonly isExhausted: boolean
}

/** The operations that somebody with that cursor lacks, as lines in groups for one message each; parents first. */
export async function* linesSince(
  space: Space,
  cursor: PeerCursor,
  mayRead: (path: string) => boolean,
): AsyncGenerator<readonly string[]> {
  const since = orThrow(parseClockText(JSON.stringify(cursor)))
  let group: string[] = []
  let size = 0
  for await (const { text } of space.exchange.operations({ since, mayRead })) {
    const line = text.trimEnd()
    group.push(line)
    size += line.length
    if (group.length < PEER_MESSAGE_OPERATIONS_MAX && size < PEER_MESSAGE_BYTES_TARGET) continue
    yield group
    group = []
    size = 0
  }
  if (group.length > 0) yield group
}

/** A group of the operations admitted here from a place on, but for those in `without`; and the place after it. Severed ones are left out. */
export function linesFrom(
  { hosted }: Space,
  place: number,
  without: ReadonlySet<string>,
  mayRead: (path: string) => boolean,
): { readonly lines: readonly string[]; readonly next: number } {
  const { store } = hosted
  const lines: string[] = []
  let size = 0
  let next = place
  for (
    ;
    next < store.count() && lines.length < PEER_MESSAGE_OPERATIONS_MAX && size < PEER_MESSAGE_BYTES_TARGET;
    next += 1
  ) {
    const { idText, operation } = namedAt(hosted, next)
    if (without.has(idText) || store.mask(next)?.isSevered === true) continue
    const { command, path } = operation.header
    const shown = isControl(command) || mayRead(path) ? operation : { ...operation, body: null }
    const line = formatOperationLine(shown)
    lines.push(line)
    size += line.length
  }
  return { lines, next }
}

function namedAt(hosted: Space['hosted'], ordinal: number) {
  const operation = hosted.operation(ordinal)
  return { idText: Buffer.from(operation.id).toString('hex'), operation }
}

/** Takes the lines of a message through the whole pipeline, as from any peer. One bad line never stops the rest. */
export async function receiveLines(
  space: Space,
  lines: readonly string[],
  source: string,
): Promise<Received & { readonly ids: readonly string[] }> {
  const refused: Record<string, number> = {}
  const count = ({ code }: Fault) => {
    refused[code] = (refused[code] ?? 0) + 1
  }
  const operations: Operation[] = []
  for (const line of lines) {
    const parsed = parseOperationLine(line)
    if (parsed.ok) operations.push(parsed.value)
    else count(parsed.fault)
  }
  let [admitted, duplicates, waiting, unchecked] = [0, 0, 0, 0]
  for (const outcome of await space.hosted.replica.receive(operations, source)) {
    switch (outcome.kind) {
      case 'admitted':
        admitted++
        break
      case 'duplicate':
        duplicates++
        break
      case 'waiting':
        waiting++
        break
      case 'refused':
        count(outcome.fault)
        break
      case 'unchecked':
        unchecked++
        break
    }
  }
  const ids = operations.map(({ id }) => Buffer.from(id).toString('hex'))
  return { admitted, duplicates, waiting, refused, isExhausted: unchecked > 0, ids }
}
