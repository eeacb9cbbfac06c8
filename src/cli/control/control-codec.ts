import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import { formatJson, parseJson } from '../../core/json.ts'

/**
 * The control protocol: one JSON value a line, over a Unix domain socket that only the owner of the data directory can open. One
 * request at a time on a connection; its answer is any number of events, and then a result or a fault.
 */
const CONTROL_VERSION = 1

export interface ControlRequest {
  readonly id: number
  readonly action: string
  readonly args: unknown
}

/** A line of an answer. */
export type ControlAnswer =
  | { readonly id: number; readonly event: unknown }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly fault: Fault }

export function formatRequest({ id, action, args }: ControlRequest): string {
  return `${formatJson({ hanse: CONTROL_VERSION, id, action, args })}\n`
}

export function formatAnswer(answer: ControlAnswer): string {
  return `${formatJson(answer)}\n`
}

/** Reads a request: exactly the fields hanse, id, action and args. `BAD_REQUEST`; `OTHER_VERSION` for another version of the protocol. */
export function parseRequest(line: string): Result<ControlRequest, Fault<'BAD_REQUEST' | 'OTHER_VERSION'>> {
  const fields = parseFields(line)
  if (fields === null) return fail('BAD_REQUEST', 'a request is one JSON object a line')
  const { hanse, id, action, args, ...rest } = fields
  if (hanse !== CONTROL_VERSION) {
    return fail(
      'OTHER_VERSION',
      `the running node speaks version ${CONTROL_VERSION} of the control protocol: restart it after an update`,
    )
  }
  const isSound = isId(id) && typeof action === 'string' && Object.keys(rest).length === 0
  return isSound
    ? ok({ id, action, args })
    : fail('BAD_REQUEST', 'a request has the fields hanse, id, action and args')
}

/** Reads a line of an answer; null where it is not one. */
export function parseAnswer(line: string): ControlAnswer | null {
  const fields = parseFields(line)
  if (fields === null) return null
  const { id, ...rest } = fields
  const [kind, ...others] = Object.keys(rest)
  if (!isId(id) || others.length > 0) return null
  switch (kind) {
    case 'event':
      return { id, event: rest['event'] }
    case 'result':
      return { id, result: rest['result'] }
    case 'fault': {
      const { code, detail } = (rest['fault'] ?? {}) as Partial<Record<string, unknown>>
      return typeof code === 'string' && typeof detail === 'string' ? { id, fault: { code, detail } } : null
    }
    default:
      return null
  }
}

function parseFields(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value = parseJson(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

const isId = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
