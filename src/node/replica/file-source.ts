/**
 * Who an operation came from, where the owner of this node handed over a file. Its operations pass the same checks as everybody's; but no
 * peer is to blame for a bad one, and none of them keeps the rest from being looked at.
 */
export const FILE_SOURCE = 'file'
