import type { Command } from '@commander-js/extra-typings'
import { CONTROL_PAGE_ITEMS } from '../../core/limits.ts'
import type { OutdatedKind } from '../../node/replica/outdated.ts'
import {
  describeHeld,
  type HeldOperation,
  heldTotals,
  type HeldTotals,
} from '../../node/space/held-status.ts'
import { defineAction } from '../control/action.ts'
import { formatAmount, formatBytes, formatCount, formatMoment, shortDid, shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { formatTable } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace } from './choose-space.ts'

interface HeldOutcome {
  readonly space: string
  readonly name: string
  /** False where no node runs: then nothing is held, since what waits is in the memory of the running node alone. */
  readonly running: boolean
  readonly totals: HeldTotals
  /** Changes that were admitted without being understood: they wait for a newer version of this program. */
  readonly outdated: readonly OutdatedKind[]
}

export const heldAction = defineAction<{ readonly space: 'text?' }, HeldOutcome, readonly HeldOperation[]>({
  name: 'held',
  shape: { space: 'text?' },
  run: async ({ node, isRunning, signal, emit }, { space: given }) => {
    const space = chooseSpace(node, given)
    const { held: lane } = space.hosted.replica
    const held = describeHeld(lane)
    const totals = heldTotals(lane)
    for (let at = 0; at < held.length; at += CONTROL_PAGE_ITEMS) {
      signal.throwIfAborted()
      await emit(held.slice(at, at + CONTROL_PAGE_ITEMS))
    }
    return {
      space: space.id,
      name: space.name,
      running: isRunning,
      totals,
      outdated: space.status().outdated,
    }
  },
})

/** `hanse held`: what waits, and for what. */
export function registerHeld(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('held')
    .argument('[space]', 'name, id, or the beginning of the id; not needed where there is one space')
    .description('list the operations that wait, for what, and what is not understood here')
    .addHelpText(
      'after',
      '\nWhat waits is in the memory of the running node; whatever is dropped, sync brings again.\nNothing that waits has an effect, and it holds up nothing else.',
    )
    .action(async (given, _options, self) => {
      const { session, space } = shell.open(self)
      const held: HeldOperation[] = []
      const outcome = await session.execute(
        heldAction,
        { space: given ?? space },
        { onEvent: (page) => void held.push(...page) },
      )
      shell.print({ ...outcome, held }, () => formatHeld(outcome, held, shell))
    })
}

function formatHeld(
  { running, totals, outdated }: HeldOutcome,
  held: readonly HeldOperation[],
  shell: Shell,
): readonly string[] {
  const rows = held.map(({ id, author, code, detail, waitsFor, peer, sinceMs, dueMs, bytes }) => [
    shortId(id),
    shortDid(author),
    printable(code),
    dueMs === null
      ? waitsFor.slice(0, 2).map(shortId).join(' ') + (waitsFor.length > 2 ? ' …' : '')
      : formatMoment(dueMs),
    formatMoment(sinceMs),
    formatBytes(bytes),
    `…${printable(peer).slice(-8)}`,
    printable(detail),
  ])
  const titles = ['operation', 'author', 'code', 'waits for', 'since', 'size', 'from', 'because']
  const [head, ...lines] = formatTable(
    titles.map((title) => ({ title: title.toUpperCase() })),
    rows,
  )
  const waiting = running
    ? [
        ...(head === undefined ? [] : [shell.style.faint(head), ...lines, '']),
        `${formatAmount(totals.operations, 'operation')} of at most ${formatCount(totals.max.operations)}, ${formatBytes(totals.bytes)} of at most ${formatBytes(totals.max.bytes)}`,
        ...totals.peers.map(
          ({ peer, operations, bytes }) =>
            `  from ${printable(peer)}: ${formatCount(operations)} of ${formatCount(totals.perPeerMax.operations)}, ${formatBytes(bytes)} of ${formatBytes(totals.perPeerMax.bytes)}`,
        ),
      ]
    : [
        'No node runs here, so nothing is held: what waits is in the memory of the running node alone ("hanse up").',
      ]
  return [...waiting, ...outdated.map((kind) => shell.style.warn(formatOutdated(kind)))]
}

/** A kind of change that is not understood, for people. */
function formatOutdated({ type, version, changes }: OutdatedKind): string {
  const what = type === '' ? 'other unknown types' : `type ${printable(type)} version ${version}`
  return `not understood: ${formatAmount(changes, 'change')} of ${what}, without effect here; a newer Hanse may know it`
}
