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
