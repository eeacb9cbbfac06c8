import type { Command } from '@commander-js/extra-typings'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import { addConfigFlags } from '../config-flags.ts'
import { defineAction } from '../control/action.ts'
import { parseDuration } from '../duration.ts'
import { faultOf } from '../../node/fault-of.ts'
import { EXIT, exitCodeOf } from '../exit-code.ts'
import { formatAmount, formatBytes, formatCount, formatDuration } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { ProgressBar } from '../output/progress-bar.ts'
import { formatPairs } from '../output/table.ts'
import type { Style } from '../output/style.ts'
import type { Session } from '../session.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace } from './choose-space.ts'
import { remoteListAction } from './remote.ts'
import { printRuns, runRemotes } from './remote-run.ts'
import { displayName } from './space.ts'
import { isRefusal, syncOnce, type PeerOutcome, type SyncProgressEvent } from './sync-once.ts'

interface SyncOutcome {
  readonly space: string
  readonly name: string
  /** Proved equal with every peer that was compared with. */
  readonly inSync: boolean
  readonly peers: readonly PeerOutcome[]
  /** Admitted here, afterwards. */
  readonly operations: number
}

export const syncAction = defineAction<
  { readonly space: 'text?'; readonly peer: 'text?'; readonly timeoutMs: 'integer' },
  SyncOutcome,
  SyncProgressEvent
>({
  name: 'sync',
  shape: { space: 'text?', peer: 'text?', timeoutMs: 'integer' },
  run: async ({ node, isRunning, signal, emit }, { space: given, peer, timeoutMs }) => {
    const space = chooseSpace(node, given)
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const peers = await syncOnce(node, space, { peer, isRunning, signal: bounded, onProgress: emit })
    signal.throwIfAborted()
    if (!peers.some(({ reached }) => reached)) throw nobody(peers, isRunning, timeoutMs)
    const inSync = peers.every((outcome) => outcome.reached && outcome.inSync)
    return { space: space.id, name: space.name, inSync, peers, operations: space.hosted.store.count() }
  },
})

/** Why a sync came to nothing. */
function nobody(peers: readonly PeerOutcome[], isRunning: boolean, timeoutMs: number): FaultError {
  const [first] = peers
  if (first !== undefined && !first.reached) {
    const others = peers.length > 1 ? ` (and ${formatAmount(peers.length - 1, 'other')})` : ''
    return new FaultError({
      code: first.code,
      detail: isRefusal(first.code)
        ? `${first.peer}${others} does not let this node read the space (${first.code}): ask an admin of the space for a new grant or invite`
        : `${first.peer}${others} could not be synced with: ${first.detail}`,
    })
  }
  const detail = isRunning
    ? 'no peer of this space is connected; the node goes on looking, see "hanse peers"'
    : `no peer of this space was found within ${formatDuration(timeoutMs)}: name one, hanse sync /ip4/.../p2p/..., or set peers or bootstrap in config.toml`
  return new FaultError({ code: 'NO_PEER', detail })
}

/** `hanse sync`: once, both ways, with whoever there is. */
export function registerSync(program: Command<[], GlobalOptions>, shell: Shell): void {
  const command = program
    .command('sync')
    .argument(
      '[peer]',
      'name of a remote, peer id or address; without it the nearest remote, or, where there is none, every peer',
    )
    .description('compare a space with its peers and remotes once, and exchange what either side lacks')
    .option(
      '--timeout <duration>',
      'give up after; without a running node also how long peers are looked for',
      '30s',
    )
    .option('--path <path>', 'with remotes: bodies only at or below this path')
    .option('--all', 'with remotes: everything again, whatever the clocks say')
    .option('--every-remote', 'each remote of the space, whether or not another fails')
    .option('--verbose', 'with remotes: every item and every refusal')
    .addHelpText(
      'after',
      '\nA running node does it; without one, this command goes online, syncs and leaves.\nExit code 0 only where every peer that was found is proved to be in sync.',
    )
  addConfigFlags(command).action(
    async (peer, { timeout, path, all = false, everyRemote = false, verbose = false }, self) => {
      const timeoutMs = orThrow(parseDuration(timeout, '--timeout'))
      const { session, space } = shell.open(self)
      const remotes = peer?.startsWith('/') === true ? [] : await remotesOf(session, space)
      if (peer === undefined ? remotes.length > 0 : remotes.includes(peer)) {
        const args = { space, remote: peer, direction: 'sync' as const, path, all, every: everyRemote }
        printRuns(shell, await runRemotes(shell, session, args), verbose)
        // Peers that are connected are synced with anyway; a node that does not run would have to look for some.
        return
      }
      const outcome = await withProgress(shell, session, async (onEvent) =>
        session.execute(
          syncAction,
          { space, peer, timeoutMs },
          { online: true, onEvent, silenceMs: timeoutMs + SILENCE_BEYOND_MS },
        ),
      )
      shell.print(outcome, () => [
        `${shell.style.strong(displayName(outcome.name))}: ${formatAmount(outcome.operations, 'operation')}`,
        ...outcome.peers.flatMap((one) => formatOutcome(one, shell.style)),
      ])
      if (!outcome.inSync) shell.exitCode = EXIT.failed
    },
  )
}

/** The names of a space's remotes. */
async function remotesOf(session: Session, space: string | undefined): Promise<readonly string[]> {
  const { remotes } = await session.execute(remoteListAction, { space, all: false })
  return remotes.map(({ name }) => name)
}

/** What a running node may take beyond the bound that it was given, in ms. */
export const SILENCE_BEYOND_MS = 15_000

/** Shows progress while work goes on, on a terminal and on standard error; and afterwards what was in the way of reaching anybody. */
export async function withProgress<T extends { readonly peers: readonly PeerOutcome[] }>(
  shell: Shell,
  session: Session,
  work: (onEvent: (event: SyncProgressEvent) => void) => Promise<T>,
): Promise<T> {
  const bar = new ProgressBar(shell.isJson ? null : shell.stderr, shell.errorStyle)
  const showNotes = () => {
    for (const note of session.notes) shell.remark(note)
  }
  try {
    const outcome = await work(({ peers, done, total }) =>
      bar.show(peers === 0 ? 'looking for peers' : 'syncing', done, total),
    )
    bar.end()
    if (!outcome.peers.some(({ reached }) => reached)) showNotes()
    return outcome
  } catch (error) {
    bar.end()
    // Bad input is said in one line.
    if (exitCodeOf(faultOf(error)) === EXIT.failed) showNotes()
    throw error
  }
}

/** What came of one peer, for people. */
export function formatOutcome(outcome: PeerOutcome, style: Style): readonly string[] {
  if (!outcome.reached)
    return [
      `${style.bad('not reached')}  ${printable(outcome.peer)}`,
      `             ${printable(outcome.detail)}`,
    ]
  const { peer, inSync, sent, received, gained, weLack, theyLack, bytesSent, bytesReceived, durationMs } =
    outcome
  const lacking = [
    ...(weLack > 0 ? [`we lack ${formatCount(weLack)}`] : []),
    ...(theyLack > 0 ? [`they lack ${formatCount(theyLack)}`] : []),
  ].join(', ')
  const verdict = inSync
    ? style.good('in sync (proved)')
    : style.warn(`not in sync: ${lacking || 'states differ or bodies are absent'}`)
  return [
    `with ${peer}`,
    ...formatPairs(
      [
        ['sent', `${formatAmount(sent, 'operation')}, ${formatBytes(bytesSent)}`],
        [
          'received',
          `${formatAmount(received, 'operation')} (${formatCount(gained)} new), ${formatBytes(bytesReceived)}`,
        ],
        ['took', formatDuration(durationMs)],
        ['result', verdict],
      ],
      '  ',
    ),
  ]
}
