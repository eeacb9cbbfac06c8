import type { HanseNode } from '../node.ts'
import type { Space } from '../space/space.ts'
import type { HttpClient } from './http-client.ts'
import type { OnRunProgress, RunTally } from './run-report.ts'

/** What one run with a remote works with. */
export interface RunContext {
  readonly node: HanseNode
  readonly space: Space
  /** Bodies at and below it. */
  readonly path: string
  readonly tally: RunTally
  readonly onProgress: OnRunProgress
  readonly signal: AbortSignal
  /** True: also what was not given before is asked for, and everything is counted by item. */
  readonly isThorough: boolean
  /** True: everything is sent or asked for again, whatever the clocks say. */
  readonly isAll: boolean
}

/** The same where the remote is spoken to over HTTP. */
export interface HttpRunContext extends RunContext {
  readonly client: HttpClient
  readonly base: URL
}
