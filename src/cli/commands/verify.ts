import { setImmediate } from 'node:timers/promises'
import type { Command } from '@commander-js/extra-typings'
import { toHex } from '../../core/bytes.ts'
import { createSignatureVerifier } from '../../core/native-signature.ts'
import { openDataDirectory } from '../../node/data-directory.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { Finding } from '../../node/verify/finding.ts'
import { nameOf, openStoredSpace } from '../../node/verify/open-stored-space.ts'
import { withTemporaryStore } from '../../node/verify/temporary-store.ts'
import {
  type LiveRoots,
  verifySpace,
  type VerifyProgress,
  type VerifyReport,
} from '../../node/verify/verify-space.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import { defineAction } from '../control/action.ts'
import { EXIT } from '../exit-code.ts'
import { formatAmount, formatCount, formatDuration, shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { ProgressBar } from '../output/progress-bar.ts'
import { formatPairs } from '../output/table.ts'
import type { Style } from '../output/style.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace } from './choose-space.ts'
import { displayName } from './space.ts'

type VerifyOutcome = VerifyReport & {
  readonly space: string
  readonly name: string
  /** True where nothing is wrong. */
  readonly sound: boolean
  readonly seconds: number
}

export const verifyAction = defineAction<{ readonly space: 'text?' }, VerifyOutcome, VerifyProgress>({
  name: 'verify',
  shape: { space: 'text?' },
  run: async ({ node, signal, emit }, { space: given }) => {
    const { store, replica } = chooseSpace(node, given).hosted
    return await verifyStore(store, replica, emit, signal)
  },
})

/** `hanse verify`: a whole space, from its bytes up. */
export function registerVerify(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('verify')
    .argument('[space]', 'name, id, or the beginning of the id; not needed where there is one space')
    .description('check a whole space again, from its bytes up, and say exactly what is wrong')
    .addHelpText(
      'after',
      `
Needs nobody else. It reads, checks and decides every operation again, derives everything from nothing in a file of the
temporary folder (TMPDIR) that becomes as large as the space's own, and compares. A running node does it beside its other work.
Exit code 1 where something is wrong.`,
    )
    .action(async (given, _options, self) => {
      const { session, space } = shell.open(self)
      const named = given ?? space
      const bar = new ProgressBar(shell.isJson ? null : shell.stderr, shell.errorStyle)
      const onEvent = ({ phase, done, total }: VerifyProgress) => bar.show(phase, done, total)
      try {
        const outcome = await session.execute(
          verifyAction,
          { space: named },
          { onEvent, alone: async () => await verifyAlone(session.data, named, onEvent, session.signal) },
        )
        bar.end()
        shell.print(outcome, () => formatOutcome(outcome, shell.style))
        if (!outcome.sound) shell.exitCode = EXIT.failed
      } finally {
        bar.end()
      }
    })
}

/** Without a node, which could not even begin with some of the damage. Null while another process has the directory. */
async function verifyAlone(
  data: string,
  given: string | undefined,
  onProgress: (progress: VerifyProgress) => void,
  signal: AbortSignal,
): Promise<VerifyOutcome | null> {
  const storage = openDataDirectory(data)
  if (!storage.ok) {
    if (storage.fault.code === 'IN_USE') return null
    throw new FaultError(storage.fault)
  }
  try {
    const store = openStoredSpace(storage.value, given)
    try {
      return await verifyStore(store, null, async (progress) => onProgress(progress), signal)
    } finally {
      store.close()
    }
  } finally {
    storage.value.close()
  }
}

async function verifyStore(
  store: SpaceStore,
  live: LiveRoots | null,
  onProgress: (progress: VerifyProgress) => Promise<void>,
  signal: AbortSignal,
): Promise<VerifyOutcome> {
  const beganMs = performance.now()
  const report = await withTemporaryStore(store, async (rebuilt) =>
    verifySpace({
      store,
      rebuilt,
      verifier: createSignatureVerifier(),
      live,
      onProgress,
      pause: setImmediate,
      elapsedMs: () => performance.now(),
      signal,
    }),
  )
  const seconds = Math.round(performance.now() - beganMs) / 1000
  const sound = report.findingCount === 0
  return { space: toHex(store.spaceId), name: nameOf(store), sound, seconds, ...report }
}

function formatOutcome(outcome: VerifyOutcome, style: Style): readonly string[] {
  const { space, name, operations, bodies, absentBodies, authors, clockRoot, stateRoot } = outcome
  const { seconds, findings, findingCount, unjudged } = outcome
  const notTold = style.warn('cannot be told')
  const more = findingCount - findings.length
  return [
    ...findings.flatMap((finding) => formatFinding(finding, style)),
    ...(more === 0 ? [] : [`${formatCount(more)} more`]),
    ...(findings.length === 0 ? [] : ['']),
    `${style.strong(displayName(name))}  ${style.faint(space)}`,
    ...formatPairs(
      [
        ['operations', `${formatCount(operations)} by ${formatAmount(authors, 'author')}`],
        [
          'bodies',
          `${formatCount(bodies)}${absentBodies === 0 ? '' : `; ${formatCount(absentBodies)} absent`}`,
        ],
        ['clock root', clockRoot ?? notTold],
        ['state root', stateRoot ?? notTold],
        ...(unjudged === 0
          ? []
          : [['not judged', `${formatCount(unjudged)}, which depend on what is damaged`] as const]),
        ['took', formatDuration(seconds * 1000)],
        [
          'result',
          findingCount === 0
            ? style.good('nothing is wrong')
            : style.bad(`${formatAmount(findingCount, 'thing')} wrong`),
        ],
      ],
      '  ',
    ),
  ]
}

function formatFinding({ ordinal, id, what, expected, found }: Finding, style: Style): readonly string[] {
  const where = ordinal === null ? '' : ` of operation ${ordinal}${id === null ? '' : ` (${shortId(id)})`}`
  return [
    `${style.bad(printable(what))}${where}`,
    ...formatPairs(
      [
        ['expected', printable(expected)],
        ['found', printable(found)],
      ],
      '  ',
    ),
  ]
}
