/**
 * Who an operation came from, where the owner of this node handed over a file. Its operations pass the same checks as everybody's; but no
 * peer is to blame for a bad one, and none of them keeps the rest from being looked at.
 */
export const FILE_SOURCE = 'file'

/**
 * Who an operation came from, where an agent handed it over by its token: held to the same budget of forged signatures as a peer, over
 * all its connections.
 */
export const agentSource = (name: string): string => `${AGENT}${name}`

/** True where operations came by another door than libp2p, whose peer ids hold no colon: of its peers none has forwarded them. */
export const isOtherDoor = (source: string): boolean => source === FILE_SOURCE || source.includes(':')

/** True for files and agents: they are no peers, whose standing a space keeps. */
export const isHandedOver = (source: string): boolean => source === FILE_SOURCE || source.startsWith(AGENT)

const AGENT = 'agent:'
