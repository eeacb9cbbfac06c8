import type { Action } from './control/action.ts'
import { deleteAction } from './commands/delete.ts'
import { getAction } from './commands/get.ts'
import { grantAction } from './commands/grant.ts'
import { inviteAction } from './commands/invite.ts'
import { joinAction } from './commands/join.ts'
import { listAction } from './commands/list.ts'
import { logAction } from './commands/log.ts'
import { peersAction } from './commands/peers.ts'
import { editAction, putAction } from './commands/put.ts'
import { spaceCreateAction, spaceListAction, spaceShowAction } from './commands/space.ts'
import { statusAction } from './commands/status.ts'
import { syncAction } from './commands/sync.ts'
import { whoamiAction } from './commands/whoami.ts'
import { whyAction } from './commands/why.ts'

/** What a running node does for commands, by name. Each is the function that the command runs itself where no node runs. */
export const ACTIONS: ReadonlyMap<string, Action> = new Map(
  [
    deleteAction,
    editAction,
    getAction,
    grantAction,
    inviteAction,
    joinAction,
    listAction,
    logAction,
    peersAction,
    putAction,
    spaceCreateAction,
    spaceListAction,
    spaceShowAction,
    statusAction,
    syncAction,
    whoamiAction,
    whyAction,
  ].map((action) => {
    // The server checks arguments against the action's own shape before it runs it.
    return [action.name, action as unknown as Action]
  }),
)
