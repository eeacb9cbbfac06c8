export { FaultError } from './node/fault-error.ts'
export { createNode, type CreateSpaceOptions, HanseNode, type NodeOptions } from './node/node.ts'
export type { Item } from './node/space/item.ts'
export { type GrantOptions, type LogEntry, type PutOptions, Space } from './node/space/space.ts'
