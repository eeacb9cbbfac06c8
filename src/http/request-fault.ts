import type { Fault } from '../core/result.ts'
import { FaultError } from '../node/fault-error.ts'

/** Where in a request something is not as it should be: a JSON pointer that begins with the part, such as `/body/edits/3/path`. */
export interface RequestFlaw {
  readonly pointer: string
  readonly detail: string
}

/** A fault that parts of the request are to blame for, with where they are. */
export class RequestFault extends FaultError {
  readonly errors: readonly RequestFlaw[]

  constructor(fault: Fault, errors: readonly RequestFlaw[]) {
    super(fault)
    this.errors = errors
  }
}

/** Runs something for one part of the request; what it throws names that part. */
export function at<T>(pointer: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof FaultError) || error instanceof RequestFault) throw error
    const { code, message: detail } = error
    throw new RequestFault({ code, detail: `${pointer}: ${detail}` }, [{ pointer, detail }])
  }
}

/** What a write was refused for by the chain of the caller's delegations, in words for whoever has the token. */
export function refusedWrite(fault: FaultError, path: string): Fault {
  const detail = `your token does not let you write at ${JSON.stringify(path)}: ask who runs this node for one that does (${fault.code}: ${fault.message})`
  return { code: fault.code, detail }
}

/** True for faults of authority. */
export const isOfRight = ({ code }: Pick<Fault, 'code'>): boolean => code.startsWith('CAP_')

/** Runs what writes at one path, and says of a refusal what it means to whoever has the token. */
export function explained<T>(path: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof FaultError) || !isOfRight(error)) throw error
    throw new FaultError(refusedWrite(error, path))
  }
}
