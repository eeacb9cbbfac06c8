import type { Fault } from '../core/result.ts'
import { StoreError } from '../storage/store-error.ts'
import { FaultError } from './fault-error.ts'

/** What a thrown thing says to the person at the terminal or behind a request. `BUG` for what nobody but us can mend. */
export function faultOf(error: unknown): Fault {
  if (error instanceof FaultError) return { code: error.code, detail: error.message }
  if (error instanceof StoreError) return error.fault
  if (!(error instanceof Error)) return bug(String(error))
  if (error.name === 'SyncError' && 'code' in error)
    return { code: String(error.code), detail: error.message }
  if (error.name === 'TimeoutError') return { code: 'TIMEOUT', detail: 'it took too long and was given up' }
  if ('syscall' in error) return { code: 'IO', detail: error.message }
  return bug(`${error.name}: ${error.message}`)
}

const bug = (what: string): Fault => ({
  code: 'BUG',
  detail: `internal error, please report it: ${what} (HANSE_DEBUG=1 shows where)`,
})
