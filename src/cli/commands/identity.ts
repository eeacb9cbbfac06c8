import type { Command } from '@commander-js/extra-typings'
import { orThrow } from '../../node/fault-error.ts'
import type {
  IdentityStatus,
  KeyState,
  RotationReport,
  SpaceRecovery,
  SpaceRotation,
} from '../../node/identity.ts'
import { addConfigFlags } from '../config-flags.ts'
import { defineAction } from '../control/action.ts'
import { parseDuration } from '../duration.ts'
import { EXIT } from '../exit-code.ts'
import { formatAmount, formatMoment, shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import type { Style } from '../output/style.ts'
import { formatPairs, formatTable } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace } from './choose-space.ts'
import { displayName } from './space.ts'
import { syncOnce, type PeerOutcome, type SyncProgressEvent } from './sync-once.ts'
import { SILENCE_BEYOND_MS, withProgress } from './sync.ts'

export const identityAction = defineAction({
  name: 'identity',
  shape: {},
  run: ({ node }): IdentityStatus => node.identity.status(),
})

export const identityRotateAction = defineAction({
  name: 'identity rotate',
  shape: {},
  run: ({ node }): RotationReport => node.identity.rotate(),
})

interface Recovery {
  readonly spaces: readonly SpaceRecovery[]
  /** What came of the peers that were asked. */
  readonly peers: readonly PeerOutcome[]
}

export const identityRecoverAction = defineAction<
  {
    readonly space: 'text?'
    readonly peer: 'text?'
    readonly onlyCopy: 'boolean'
    readonly timeoutMs: 'integer'
  },
  Recovery,
  SyncProgressEvent
>({
  name: 'identity recover',
  shape: { space: 'text?', peer: 'text?', onlyCopy: 'boolean', timeoutMs: 'integer' },
  run: async ({ node, isRunning, signal, emit }, { space: given, peer, onlyCopy, timeoutMs }) => {
    const spaces = given === undefined ? node.spaces() : [chooseSpace(node, given)]
    const peers: PeerOutcome[] = []
    for (const space of onlyCopy ? [] : spaces) {
      if (node.identity.stateOf(space) === 'sound') continue
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
      peers.push(...(await syncOnce(node, space, { peer, isRunning, signal: bounded, onProgress: emit })))
      signal.throwIfAborted()
    }
    return { spaces: node.identity.recover(spaces, onlyCopy), peers }
  },
})

/** `hanse identity`, `hanse identity rotate|recover`: the key that this node writes with. */
export function registerIdentity(program: Command<[], GlobalOptions>, shell: Shell): void {
  const group = program
    .command('identity')
    .description('show the key this node writes with and whether it may go on; rotate or recover it')
    .action(async (_options, self) => {
      const { session } = shell.open(self)
      const identity = await session.execute(identityAction, {})
      shell.print(identity, () => formatIdentity(identity, shell.style))
    })

  group
    .command('rotate')
    .description('take a new key; the present one gives it all that it holds, and is kept')
    .addHelpText(
      'after',
      `
What the former key granted stays, and only who is above that key can revoke it: the new key is not.
Where nothing more can be passed on, an admin has to grant the new key what it needs; the answer says so.`,
    )
    .action(async (_options, self) => {
      const { session } = shell.open(self)
      const report = await session.execute(identityRotateAction, {})
      shell.print(report, () => formatRotation(report, shell.style))
      if (report.spaces.some(({ fault }) => fault !== null)) shell.exitCode = EXIT.failed
    })

  const recover = group
    .command('recover')
    .argument('[peer]', 'peer id or address; without it, every peer of the spaces')
    .description('go on with the key after a backup was restored: find its last operations at a peer')
    .option('--only-copy', 'ask nobody: nothing was written since, the data directory was only moved', false)
    .option('--timeout <duration>', 'give up looking for peers of a space after', '30s')
    .addHelpText(
      'after',
      `
A space is recovered once this node is proved to be in sync with a peer of it. That peer may be behind as well: where the
key was used shortly before the backup was needed, wait until others are connected, or take a new key: "hanse identity rotate".
Exit code 0 only where every space is recovered.`,
    )
  addConfigFlags(recover).action(async (peer, { timeout, onlyCopy }, self) => {
    const timeoutMs = orThrow(parseDuration(timeout, '--timeout'))
    const { session, space } = shell.open(self)
    const recovery = await withProgress(shell, session, async (onEvent) =>
      session.execute(
        identityRecoverAction,
        { space, peer, onlyCopy, timeoutMs },
        { online: !onlyCopy, onEvent, silenceMs: timeoutMs + SILENCE_BEYOND_MS },
      ),
    )
    shell.print(recovery, ({ spaces }) =>
      spaces.length === 0
        ? 'there is no space here'
        : spaces.flatMap((one) => formatRecovery(one, shell.style)),
    )
    if (recovery.spaces.some(({ isSound }) => !isSound)) shell.exitCode = EXIT.failed
  })
}

/** What a state of the key means, in a few words. */
export function formatKeyState(state: KeyState, style: Style): string {
  switch (state) {
    case 'sound':
      return style.good('sound')
    case 'restored':
      return style.warn('restored or copied: writing is stopped, see "hanse identity recover"')
    case 'behind':
      return style.warn('written with elsewhere: writing is stopped, see "hanse identity recover"')
    case 'forked':
      return style.bad('forked: writing is stopped, see "hanse identity rotate"')
  }
}

function formatIdentity(identity: IdentityStatus, style: Style): readonly string[] {
  const { did, peerId, sinceMs, state, previous, next, spaces } = identity
  const rows = spaces.map(({ id, name, state: here, operations, holds }) => [
    displayName(name),
    shortId(id),
    String(operations),
    holds.length === 0 ? '(nothing)' : holds.map(printable).join(', '),
    here,
  ])
  const titles = ['space', 'id', 'operations', 'holds', 'state'].map((title) => ({
    title: title.toUpperCase(),
  }))
  return [
    ...formatPairs([
      ['author', did],
      ['peer', peerId],
      ['since', formatMoment(sinceMs)],
      ['state', formatKeyState(state, style)],
      ...previous.map(
        (key, index) =>
          [
            index === 0 ? 'previous' : '',
            key.did + (key.untilMs === null ? '' : `, until ${formatMoment(key.untilMs)}`),
          ] as const,
      ),
      ...(next === null ? [] : [['next', `${next}: a rotation is under way`] as const]),
    ]),
    ...(spaces.length === 0 ? [] : ['', ...formatTable(titles, rows)]),
    ...[...new Set(spaces.flatMap(({ detail }) => (detail === null ? [] : [detail])))].flatMap((detail) => [
      '',
      detail,
    ]),
  ]
}

function formatRotation({ did, previous, spaces }: RotationReport, style: Style): readonly string[] {
  return [
    ...formatPairs([
      ['author', did],
      ['before', previous],
    ]),
    ...spaces.map((space) => `${displayName(space.name)}: ${formatStep(space, style)}`),
  ]
}

function formatStep({ outcome, fault }: SpaceRotation, style: Style): string {
  if (outcome === null) return style.bad(printable(fault?.detail ?? ''))
  const lost =
    outcome.lostChains === 0
      ? ''
      : style.warn(`; ${formatAmount(outcome.lostChains, 'chain')} could not be passed on`)
  switch (outcome.step) {
    case 'announced':
      return `${style.good('handed over')} by the former key${lost}`
    case 'delegated':
      return `${style.good('handed over')} by the new key, since the former one must not write${lost}`
    case 'pending':
      return `handed over once the space has arrived${lost}`
    case 'done':
      return style.good('handed over before')
    case 'nothing':
      return 'the former key held nothing here'
  }
}

function formatRecovery({ name, state, isSound, detail }: SpaceRecovery, style: Style): readonly string[] {
  if (isSound)
    return [`${displayName(name)}: ${style.good(state === 'sound' ? 'sound, as before' : 'recovered')}`]
  return [
    `${displayName(name)}: ${style.warn('not recovered')}, no peer is proved to be in sync`,
    `  ${detail ?? ''}`,
  ]
}
