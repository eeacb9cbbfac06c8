import { resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import { cloneSpace } from '../../node/remotes/clone.ts'
import { describeRemote, type RemoteDescription } from '../../node/remotes/remote-status.ts'
import type { RunReport } from '../../node/remotes/run-report.ts'
import { defineAction } from '../control/action.ts'
import { formatAmount } from '../output/human.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { FILE_SILENCE_MS } from './input-file.ts'
import {
  addScheduleFlags,
  addTokenFlags,
  type RemoteFlags,
  scheduleArguments,
  scheduleOf,
  tokenOf,
} from './remote.ts'
import { exitOf, formatRun, type RunProgressEvent, withRunProgress } from './remote-report.ts'
import { telling } from './remote-run.ts'
import { displayName } from './space.ts'

interface Cloned {
  readonly space: string
  readonly name: string
  readonly created: boolean
  readonly from: 'snapshot' | 'operations' | null
  readonly operations: number
  readonly remote: RemoteDescription
  readonly run: RunReport
  /** True where this node may write somewhere in it. */
  readonly writable: boolean
  /** `did:key` of this node, to be granted a role. */
  readonly did: string
}

export const cloneAction = defineAction<
  {
    readonly url: 'text'
    readonly name: 'text?'
    readonly token: 'text?'
    readonly insecure: 'boolean'
    readonly caFile: 'text?'
    readonly path: 'text?'
    readonly expected: 'text?'
    readonly live: 'boolean?'
    readonly everyMs: 'integer?'
    readonly afterChanges: 'integer?'
    readonly windowMs: 'integer?'
  },
  Cloned,
  RunProgressEvent
>({
  name: 'clone',
  shape: {
    url: 'text',
    name: 'text?',
    token: 'text?',
    insecure: 'boolean',
    caFile: 'text?',
    path: 'text?',
    expected: 'text?',
    live: 'boolean?',
    everyMs: 'integer?',
    afterChanges: 'integer?',
    windowMs: 'integer?',
  },
  run: async (
    { node, signal, emit },
    { url, name, token, insecure, caFile, path, expected, ...schedule },
  ) => {
    const options = { url, name, token, isInsecure: insecure, caFile, path, expected, signal }
    const { space, created, from, remote, report } = await cloneSpace(node, {
      ...options,
      schedule: scheduleOf(schedule),
      onProgress: telling(emit),
    })
    const purpose = {
      invoker: node.author.publicKey,
      command: '/op/write',
      path: path ?? '',
      timeMs: node.now(),
      bodySize: 0,
    }
    return {
      space: space.id,
      name: space.name,
      created,
      from,
      operations: space.hosted.store.count(),
      remote: describeRemote(node, remote),
      run: report,
      writable: space.hosted.tokens.find(purpose).ok,
      did: node.did,
    }
  },
})

/** `hanse clone`: a space from somewhere else, whole. */
export function registerClone(program: Command<[], GlobalOptions>, shell: Shell): void {
  const command = program
    .command('clone')
    .argument('<url>', 'http(s)://host:port of a node, a folder or file on a web server, or file:///folder')
    .description(
      'make a space here from a remote: its snapshot, what came since, and the remote written down',
    )
    .option('--name <name>', 'what to call the remote', 'origin')
    .option('--path <path>', 'only bodies at or below this path')
    .option('--ca <file>', 'PEM file of the authority that the remote’s certificate is of')
    .addHelpText(
      'after',
      '\nA data directory is made where there is none. With --space, the whole id of the space that it must be.\n\nExample: hanse clone https://hub.example:7420 --token-file token.txt --mode continuous',
    )
  addScheduleFlags(addTokenFlags(command)).action(async (url, given, self) => {
    const options = given as unknown as RemoteFlags & { readonly name: string }
    const token = await tokenOf(options, shell)
    await initialise(shell, self.optsWithGlobals())
    const { session, space } = shell.open(self)
    const { name, path, ca, insecure = false } = options
    const caFile = ca === undefined ? undefined : resolve(ca)
    const args = { url, name, token, insecure, caFile, path, expected: space?.toLowerCase() }
    const cloned = await withRunProgress(shell, async (onEvent) =>
      session.execute(
        cloneAction,
        { ...args, ...scheduleArguments(options) },
        { onEvent, silenceMs: FILE_SILENCE_MS },
      ),
    )
    shell.print(cloned, () => [
      `${shell.style.strong(displayName(cloned.name))}: ${formatAmount(cloned.operations, 'operation')}${cloned.from === null ? ', was here already' : `, from ${cloned.from === 'snapshot' ? 'its snapshot' : 'its operations'}`}`,
      `space ${cloned.space}`,
      ...formatRun(cloned.run, shell.style, false),
      ...(cloned.writable
        ? []
        : [
            '',
            `To write here, somebody who may has to say there: hanse grant ${cloned.did} --role writer`,
            'Then "hanse pull" brings the right here.',
          ]),
    ])
    shell.exitCode = Math.max(shell.exitCode, exitOf([cloned.run]))
  })
}

/** A data directory where there is none, as "hanse init" makes it. */
async function initialise(shell: Shell, flags: GlobalOptions): Promise<void> {
  const data = shell.dataOf(flags)
  const { isDataDirectory } = await import('../../node/data-directory.ts')
  if (isDataDirectory(data)) return
  const { makeDataDirectory } = await import('./init.ts')
  await makeDataDirectory(data, {})
}
