import type { Command } from '@commander-js/extra-typings'
import { FaultError } from '../../node/fault-error.ts'
import { nowAndThen } from '../../node/exchange/space-exchange.ts'
import { runNearest } from '../../node/remotes/nearest.ts'
import { runRemote } from '../../node/remotes/run-remote.ts'
import type { RunDirection, RunReport } from '../../node/remotes/run-report.ts'
import { defineAction } from '../control/action.ts'
import type { Session } from '../session.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace } from './choose-space.ts'
import { FILE_SILENCE_MS } from './input-file.ts'
import { remoteListAction } from './remote.ts'
import { exitOf, formatRun, type RunProgressEvent, withRunProgress } from './remote-report.ts'

/** What runs with remotes came to. */
export interface RemoteRuns {
  readonly space: string
  readonly name: string
  readonly runs: readonly RunReport[]
}

export const remoteRunAction = defineAction<
  {
    readonly space: 'text?'
    readonly remote: 'text?'
    readonly direction: 'text'
    readonly path: 'text?'
    readonly all: 'boolean'
    readonly every: 'boolean'
  },
  RemoteRuns,
  RunProgressEvent
>({
  name: 'remote.run',
  shape: {
    space: 'text?',
    remote: 'text?',
    direction: 'text',
    path: 'text?',
    all: 'boolean',
    every: 'boolean',
  },
  run: async ({ node, signal, emit }, { space: given, remote, direction, path, all, every }) => {
    const space = chooseSpace(node, given)
    const options = {
      direction: direction as RunDirection,
      trigger: 'demand' as const,
      path,
      isAll: all,
      signal,
      onProgress: telling(emit),
    }
    const { id, name } = space
    const records = node.remotes.list(id)
    if (remote !== undefined) {
      const run = await runRemote(node, node.remotes.get(id, remote), options)
      return { space: id, name, runs: [run] }
    }
    if (records.length === 0)
      throw new FaultError({
        code: 'NO_REMOTE',
        detail: `the space has no remote: hanse remote add origin URL`,
      })
    if (!every) return { space: id, name, runs: await runNearest(node, records, options) }
    const runs: RunReport[] = []
    for (const record of records) runs.push(await runRemote(node, record, options))
    return { space: id, name, runs }
  },
})

/** Passes progress on, but not more often than anybody could see. */
export function telling(
  emit: (event: RunProgressEvent) => Promise<void>,
): (progress: RunProgressEvent) => Promise<void> {
  let last: RunProgressEvent | null = null
  const tell = nowAndThen(async () => {
    if (last !== null) await emit(last)
  })
  return async (progress) => {
    last = progress
    await tell(progress.done, progress.total)
  }
}

/** Runs with remotes of a space, and shows how far it is. */
export async function runRemotes(
  shell: Shell,
  session: Session,
  args: {
    readonly space: string | undefined
    readonly remote: string | undefined
    readonly direction: RunDirection
    readonly path: string | undefined
    readonly all: boolean
    readonly every: boolean
  },
): Promise<RemoteRuns> {
  const { remotes } = await session.execute(remoteListAction, { space: args.space, all: false })
  const concerned = remotes.filter(({ name }) => args.remote === undefined || name === args.remote)
  // Only peers need libp2p, which takes a while to come up.
  const online = concerned.some(({ kind }) => kind === 'peer')
  return await withRunProgress(shell, async (onEvent) =>
    session.execute(remoteRunAction, args, { onEvent, online, silenceMs: FILE_SILENCE_MS }),
  )
}

/** Prints runs, and says by the exit code how they went. */
export function printRuns(shell: Shell, outcome: RemoteRuns, isVerbose: boolean): void {
  shell.print(outcome, ({ runs }) => runs.flatMap((run) => formatRun(run, shell.style, isVerbose)))
  shell.exitCode = Math.max(shell.exitCode, exitOf(outcome.runs))
}

/** `hanse pull`: from a remote. */
export function registerPull(program: Command<[], GlobalOptions>, shell: Shell): void {
  registerRun(program, shell, 'pull', 'take what a remote has and this node lacks, checked and merged')
}

/** `hanse push`: to a remote. */
export function registerPush(program: Command<[], GlobalOptions>, shell: Shell): void {
  registerRun(program, shell, 'push', 'send what this node has and a remote lacks')
}

function registerRun(
  program: Command<[], GlobalOptions>,
  shell: Shell,
  direction: 'pull' | 'push',
  description: string,
): void {
  program
    .command(direction)
    .description(description)
    .argument('[remote]', 'its name; without it the nearest that answers, of those the space has')
    .option('--path <path>', 'bodies only at or below this path')
    .option('--all', 'everything again, e.g. bodies that an earlier --path left out')
    .option('--every-remote', 'each remote of the space, whether or not another fails')
    .option('--verbose', 'every item and every refusal')
    .addHelpText(
      'after',
      `\nExamples:\n  hanse ${direction}\n  hanse ${direction} origin --path notes --verbose`,
    )
    .action(async (remote, { path, all = false, everyRemote = false, verbose = false }, self) => {
      const { session, space } = shell.open(self)
      const args = { space, remote, direction, path, all, every: everyRemote }
      printRuns(shell, await runRemotes(shell, session, args), verbose)
    })
}
