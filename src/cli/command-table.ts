import type { Command } from '@commander-js/extra-typings'
import type { GlobalOptions, Shell } from './shell.ts'

/** Adds commands to the program. */
export type Register = (program: Command<[], GlobalOptions>, shell: Shell) => void

/** Commands that one module has: their names, and the module when one of them is asked for. */
export interface CommandEntry {
  readonly names: readonly string[]
  readonly load: () => Promise<Register>
}

const entry = (names: string, load: () => Promise<Register>): CommandEntry => ({
  names: names.split(' '),
  load,
})

/** Every command in the order of the help text, by what they are for. A command line loads the one that it names. */
export const COMMAND_TABLE: readonly (readonly [heading: string, entries: readonly CommandEntry[]])[] = [
  [
    'This node:',
    [
      entry('init', async () => (await import('./commands/init.ts')).registerInit),
      entry('up', async () => (await import('./commands/up.ts')).registerUp),
      entry('dashboard', async () => (await import('./commands/dashboard.ts')).registerDashboard),
      entry('agent', async () => (await import('./commands/agent.ts')).registerAgent),
      entry('mcp', async () => (await import('./commands/mcp.ts')).registerMcp),
      entry('whoami', async () => (await import('./commands/whoami.ts')).registerWhoami),
      entry('identity', async () => (await import('./commands/identity.ts')).registerIdentity),
      entry('doctor', async () => (await import('./commands/doctor.ts')).registerDoctor),
      entry('top', async () => (await import('./commands/top.ts')).registerTop),
      entry(
        'completion __complete',
        async () => (await import('./commands/completion.ts')).registerCompletion,
      ),
      entry('version', async () => (await import('./commands/version.ts')).registerVersion),
    ],
  ],
  [
    'Spaces and members:',
    [
      entry('space', async () => (await import('./commands/space.ts')).registerSpace),
      entry('invite', async () => (await import('./commands/invite.ts')).registerInvite),
      entry('join', async () => (await import('./commands/join.ts')).registerJoin),
      entry('grant', async () => (await import('./commands/grant.ts')).registerGrant),
      entry('delegations', async () => (await import('./commands/delegations.ts')).registerDelegations),
      entry('revoke contain endorse', async () => (await import('./commands/revoke.ts')).registerRevoke),
    ],
  ],
  [
    'Content:',
    [
      entry('put', async () => (await import('./commands/put.ts')).registerPut),
      entry('get', async () => (await import('./commands/get.ts')).registerGet),
      entry('list', async () => (await import('./commands/list.ts')).registerList),
      entry('delete', async () => (await import('./commands/delete.ts')).registerDelete),
      entry('blob', async () => (await import('./commands/blob.ts')).registerBlob),
    ],
  ],
  [
    'Content by type:',
    [
      entry('link unlink', async () => (await import('./commands/link.ts')).registerLink),
      entry('append', async () => (await import('./commands/append.ts')).registerAppend),
      entry('tag untag', async () => (await import('./commands/tag.ts')).registerTag),
      entry('count', async () => (await import('./commands/count.ts')).registerCount),
      entry('text', async () => (await import('./commands/text.ts')).registerText),
      entry('claim release', async () => (await import('./commands/claim.ts')).registerClaim),
      entry('write', async () => (await import('./commands/write.ts')).registerWrite),
    ],
  ],
  [
    'History:',
    [
      entry('log', async () => (await import('./commands/log.ts')).registerLog),
      entry('blame', async () => (await import('./commands/blame.ts')).registerBlame),
      entry('diff', async () => (await import('./commands/diff.ts')).registerDiff),
      entry('revert', async () => (await import('./commands/revert.ts')).registerRevert),
      entry('conflicts', async () => (await import('./commands/conflicts.ts')).registerConflicts),
    ],
  ],
  [
    'Asking and following:',
    [
      entry('sql', async () => (await import('./commands/sql.ts')).registerSql),
      entry('search', async () => (await import('./commands/search.ts')).registerSearch),
      entry('kind', async () => (await import('./commands/kind.ts')).registerKind),
      entry('changes', async () => (await import('./commands/changes.ts')).registerChanges),
      entry('delta', async () => (await import('./commands/delta.ts')).registerDelta),
    ],
  ],
  [
    'Federation:',
    [
      entry('status', async () => (await import('./commands/status.ts')).registerStatus),
      entry('peers', async () => (await import('./commands/peers.ts')).registerPeers),
      entry('sync', async () => (await import('./commands/sync.ts')).registerSync),
      entry('explain', async () => (await import('./commands/explain.ts')).registerExplain),
    ],
  ],
  [
    'Remotes:',
    [
      entry('clone', async () => (await import('./commands/clone.ts')).registerClone),
      entry('remote', async () => (await import('./commands/remote.ts')).registerRemote),
      entry('pull', async () => (await import('./commands/remote-run.ts')).registerPull),
      entry('push', async () => (await import('./commands/remote-run.ts')).registerPush),
    ],
  ],
  [
    'Files:',
    [
      entry('ops', async () => (await import('./commands/ops.ts')).registerOps),
      entry('snapshot', async () => (await import('./commands/snapshot.ts')).registerSnapshot),
      entry('import', async () => (await import('./commands/import.ts')).registerImport),
    ],
  ],
  ['Tables:', [entry('table', async () => (await import('./commands/table.ts')).registerTable)]],
  [
    'Looking closely:',
    [
      entry('held', async () => (await import('./commands/held.ts')).registerHeld),
      entry('forks', async () => (await import('./commands/forks.ts')).registerForks),
      entry('prove check', async () => (await import('./commands/prove.ts')).registerProve),
      entry('verify', async () => (await import('./commands/verify.ts')).registerVerify),
    ],
  ],
]
