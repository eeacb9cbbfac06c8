import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { HanseNode } from '../node/node.ts'
import type { OperatorSessions } from './operator-sessions.ts'

/** The application, with types of requests that follow from their schemas. */
export type HttpApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** What every group of routes works with. */
export interface HttpContext {
  readonly node: HanseNode
  readonly sessions: OperatorSessions
  /** The version of this program. */
  readonly version: string
  /** Aborts when the server stops: streams end then. */
  readonly stopping: AbortSignal
  /** Hears of what failed by our own fault, where no answer can say so any more. */
  readonly onError: (error: unknown) => void
}
