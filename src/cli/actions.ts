import type { Action } from './control/action.ts'
import { agentAddAction, agentAllowAction, agentListAction, agentRevokeAction } from './commands/agent.ts'
import { changesAction } from './commands/changes.ts'
import { appendAction } from './commands/append.ts'
import {
  blobGetAction,
  blobListAction,
  blobPruneAction,
  blobPutAction,
  blobShowAction,
  blobWantsAction,
} from './commands/blob-actions.ts'
import { blameAction } from './commands/blame.ts'
import { cloneAction } from './commands/clone.ts'
import { claimAction, releaseAction } from './commands/claim.ts'
import { namesAction } from './commands/completion.ts'
import { conflictsAction, conflictsKeepAction, conflictsTakeAction } from './commands/conflicts.ts'
import { countAction } from './commands/count.ts'
import { delegationsAction } from './commands/delegations.ts'
import { dashboardAction } from './commands/dashboard.ts'
import { deleteAction } from './commands/delete.ts'
import { deltaAction } from './commands/delta.ts'
import { doctorAction } from './commands/doctor.ts'
import { diffAction } from './commands/diff.ts'
import { explainAction, explainRightAction } from './commands/explain.ts'
import { forksAction } from './commands/forks.ts'
import { getAtAction } from './commands/get-at.ts'
import { getAction } from './commands/get.ts'
import { grantAction } from './commands/grant.ts'
import { heldAction } from './commands/held.ts'
import { identityAction, identityRecoverAction, identityRotateAction } from './commands/identity.ts'
import { importEntitiesAction, importHistoryAction } from './commands/import.ts'
import { inviteAction } from './commands/invite.ts'
import { joinAction } from './commands/join.ts'
import { kindAddAction, kindListAction, kindRemoveAction } from './commands/kind.ts'
import { httpOriginAction } from './commands/mcp.ts'
import { linkAction, unlinkAction } from './commands/link.ts'
import { listAction } from './commands/list.ts'
import { logAction, versionsAction } from './commands/log.ts'
import { opsClockAction, opsExportAction, opsImportAction } from './commands/ops.ts'
import { peersAction } from './commands/peers.ts'
import { proveAction } from './commands/prove.ts'
import { editAction, putAction } from './commands/put.ts'
import { remoteAddAction, remoteListAction, remoteRemoveAction, remoteSetAction } from './commands/remote.ts'
import { remoteRunAction } from './commands/remote-run.ts'
import { remoteNodesAction, remoteStatsAction, remoteStatusAction } from './commands/remote-status.ts'
import { revertAction } from './commands/revert.ts'
import { containAction, endorseAction, revokeAction } from './commands/revoke.ts'
import { snapshotExportAction, snapshotImportAction } from './commands/snapshot.ts'
import { searchAction } from './commands/search.ts'
import { spaceCreateAction, spaceListAction, spaceShowAction } from './commands/space.ts'
import { sqlAction } from './commands/sql.ts'
import { statusAction } from './commands/status.ts'
import { syncAction } from './commands/sync.ts'
import { tableAddAction, tableListAction, tableRemoveAction, tableSyncAction } from './commands/table.ts'
import { tagAction, untagAction } from './commands/tag.ts'
import { textBlameAction, textEditAction, textSetAction, textShowAction } from './commands/text.ts'
import { topAction } from './commands/top.ts'
import { verifyAction } from './commands/verify.ts'
import { whoamiAction } from './commands/whoami.ts'
import { writeAction } from './commands/write.ts'

/** What a running node does for commands, by name. Each is the function that the command runs itself where no node runs. */
export const ACTIONS: ReadonlyMap<string, Action> = new Map(
  [
    agentAddAction,
    agentAllowAction,
    agentListAction,
    agentRevokeAction,
    blobGetAction,
    blobListAction,
    blobPruneAction,
    blobPutAction,
    blobShowAction,
    blobWantsAction,
    appendAction,
    changesAction,
    claimAction,
    cloneAction,
    blameAction,
    conflictsAction,
    conflictsKeepAction,
    conflictsTakeAction,
    containAction,
    countAction,
    dashboardAction,
    delegationsAction,
    deleteAction,
    deltaAction,
    editAction,
    diffAction,
    doctorAction,
    endorseAction,
    explainAction,
    explainRightAction,
    forksAction,
    getAction,
    getAtAction,
    heldAction,
    httpOriginAction,
    grantAction,
    identityAction,
    identityRecoverAction,
    identityRotateAction,
    importEntitiesAction,
    importHistoryAction,
    inviteAction,
    joinAction,
    kindAddAction,
    kindListAction,
    kindRemoveAction,
    linkAction,
    listAction,
    namesAction,
    logAction,
    opsClockAction,
    opsExportAction,
    opsImportAction,
    peersAction,
    proveAction,
    putAction,
    releaseAction,
    remoteAddAction,
    remoteListAction,
    remoteNodesAction,
    remoteRemoveAction,
    remoteRunAction,
    remoteSetAction,
    remoteStatsAction,
    remoteStatusAction,
    revertAction,
    revokeAction,
    snapshotExportAction,
    snapshotImportAction,
    searchAction,
    spaceCreateAction,
    spaceListAction,
    spaceShowAction,
    sqlAction,
    statusAction,
    syncAction,
    tableAddAction,
    tableListAction,
    tableRemoveAction,
    tableSyncAction,
    tagAction,
    unlinkAction,
    untagAction,
    textBlameAction,
    textEditAction,
    textSetAction,
    textShowAction,
    topAction,
    verifyAction,
    versionsAction,
    whoamiAction,
    writeAction,
  ].map((action) => {
    // The server checks arguments against the action's own shape before it runs it.
    return [action.name, action as unknown as Action]
  }),
)
