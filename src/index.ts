export { FaultError } from './node/fault-error.ts'
export { createNode, type CreateSpaceOptions, HanseNode, type NodeOptions } from './node/node.ts'
export type {
  ContainmentReport,
  ContainOptions,
  GrantOptions,
  InviteOptions,
  RevocationReport,
  RevokeOptions,
} from './node/space/authority.ts'
export type { DelegationStatus } from './node/space/delegation-status.ts'
export type { Explanation } from './node/space/explain.ts'
export type { Item } from './node/space/item.ts'
export { type LogEntry, type PutOptions, Space } from './node/space/space.ts'
