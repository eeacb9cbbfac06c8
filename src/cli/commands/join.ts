import type { Command } from '@commander-js/extra-typings'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import { isDataDirectory } from '../../node/data-directory.ts'
import type { HanseNode } from '../../node/node.ts'
import { parseInvite } from '../../node/space/invite.ts'
import type { Space } from '../../node/space/space.ts'
import { addConfigFlags } from '../config-flags.ts'
import { defineAction } from '../control/action.ts'
import { parseDuration } from '../duration.ts'
import { EXIT } from '../exit-code.ts'
import { formatAmount } from '../output/human.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { configIn, makeDataDirectory } from './init.ts'
import { readInput } from './read-input.ts'
import { displayName } from './space.ts'
import { formatOutcome, SILENCE_BEYOND_MS, withProgress } from './sync.ts'
import { syncOnce, type PeerOutcome, type SyncProgressEvent } from './sync-once.ts'

interface Joined {
  readonly space: string
  /** Empty while nothing of the space has arrived. */
  readonly name: string
  readonly operations: number
  /** True once this node's rights are published in the space, so that others accept what it writes. */
  readonly published: boolean
  readonly inSync: boolean
  readonly peers: readonly PeerOutcome[]
}

export const joinAction = defineAction<
  { readonly link: 'text'; readonly timeoutMs: 'integer' },
  Joined,
  SyncProgressEvent
>({
  name: 'join',
  shape: { link: 'text', timeoutMs: 'integer' },
  run: async ({ node, signal, emit }, { link, timeoutMs }) => {
    const space = join(node, link)
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    // Also a running node has no peer of a new space yet, and has to look for one.
    const peers = await syncOnce(node, space, { isRunning: false, signal: bounded, onProgress: emit })
    signal.throwIfAborted()
    const reached = peers.filter((outcome) => outcome.reached)
    return {
      space: space.id,
      name: space.name,
      operations: space.hosted.store.count(),
      published: isPublished(space),
      inSync: reached.length > 0 && reached.every(({ inSync }) => inSync),
      peers,
    }
  },
})

function join(node: HanseNode, link: string): Space {
  try {
    return node.join(link)
  } catch (error) {
    if (!(error instanceof FaultError) || error.code === 'BAD_INVITE' || error.code.startsWith('STORE_'))
      throw error
    // Whatever is wrong with a token or an address in it, the user has one link.
    throw new FaultError({
      code: 'BAD_INVITE',
      detail: `the link cannot be used, ask for a new one: ${error.message}`,
    })
  }
}

function isPublished({ hosted }: Space): boolean {
  return hosted.pendingTokens().every(({ digest }) => hosted.store.token(digest) !== undefined)
}

/** More than any link has. */
const LINK_BYTES_MAX = 64 * 1024

/** `hanse join`: take part in a space by an invite. */
export function registerJoin(program: Command<[], GlobalOptions>, shell: Shell): void {
  const command = program
    .command('join')
    .argument(
      '<link>',
      'hanse://join/...; - reads it from standard input, where no list of processes shows it',
    )
    .description('join a space by an invite link, and sync it once')
    .option('--timeout <duration>', 'how long peers are looked for and synced with', '30s')
    .option('--init', 'make the data directory first, where there is none')
    .addHelpText(
      'after',
      '\nExit code 1 where no peer was reached: the space is joined all the same, and "hanse up" goes on looking.',
    )
  addConfigFlags(command).action(async (given, { timeout, init = false }, self) => {
    const timeoutMs = orThrow(parseDuration(timeout, '--timeout'))
    const link =
      given === '-'
        ? Buffer.from(await readInput(shell.input, LINK_BYTES_MAX))
            .toString()
            .trim()
        : given
    orThrow(parseInvite(link))
    const flags = self.optsWithGlobals() as GlobalOptions & Readonly<Record<string, unknown>>
    const data = shell.dataOf(flags)
    if (init && !isDataDirectory(data))
      await makeDataDirectory(data, configIn(flags, shell.configOf(data, flags)))
    const { session } = shell.open(self)
    const joined = await withProgress(shell, session, async (onEvent) =>
      session.execute(
        joinAction,
        { link, timeoutMs },
        { online: true, onEvent, silenceMs: timeoutMs + SILENCE_BEYOND_MS },
      ),
    )
    shell.print(joined, () => formatJoined(joined, shell))
    if (!joined.peers.some(({ reached }) => reached)) shell.exitCode = EXIT.failed
  })
}

function formatJoined(
  { space, name, operations, published, peers }: Joined,
  { style }: Shell,
): readonly string[] {
  if (!peers.some(({ reached }) => reached)) {
    return [
      style.warn(`Joined space ${space.slice(0, 12)}, but no peer of it was reached.`),
      ...peers.flatMap((one) => formatOutcome(one, style)),
      'Nothing of it is here yet, and others do not know of you. "hanse up" goes on looking for them;',
      'as soon as one is reached, the space arrives and your rights are published.',
    ]
  }
  return [
    `Joined ${style.strong(displayName(name))}: ${formatAmount(operations, 'operation')}`,
    ...peers.flatMap((one) => formatOutcome(one, style)),
    published
      ? 'Your rights are published: others accept what you write.'
      : 'Your rights are not published yet: that happens with the next sync.',
  ]
}
