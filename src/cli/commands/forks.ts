import type { Command } from '@commander-js/extra-typings'
import { toHex } from '../../core/bytes.ts'
import { decodeForkProof, verifyForkProof } from '../../core/fork-proof.ts'
import { CONTROL_PAGE_ITEMS, FORK_PROOF_BYTES_MAX } from '../../core/limits.ts'
import { createSignatureVerifier } from '../../core/native-signature.ts'
import { formatDid } from '../../core/principal.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import { describeForks, type ForkStatus } from '../../node/space/fork-status.ts'
import { defineAction } from '../control/action.ts'
import { formatCount, shortDid, shortId } from '../output/human.ts'
import { formatPairs, formatTable } from '../output/table.ts'
import type { Style } from '../output/style.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace } from './choose-space.ts'
import { readInput } from './read-input.ts'

export const forksAction = defineAction<
  { readonly space: 'text?'; readonly proof: 'boolean' },
  { readonly forks: number },
  readonly ForkStatus[]
>({
  name: 'forks',
  shape: { space: 'text?', proof: 'boolean' },
  run: async ({ node, signal, emit }, { space: given, proof }) => {
    const { replica } = chooseSpace(node, given).hosted
    let forks = 0
    let page: ForkStatus[] = []
    for (const fork of describeForks(replica, proof)) {
      forks++
      page.push(fork)
      if (page.length < CONTROL_PAGE_ITEMS) continue
      signal.throwIfAborted()
      await emit(page)
      page = []
    }
    if (page.length > 0) await emit(page)
    return { forks }
  },
})

/** `hanse forks` and `hanse forks check`. */
export function registerForks(program: Command<[], GlobalOptions>, shell: Shell): void {
  const group = program
    .command('forks')
    .argument('[space]', 'name, id, or the beginning of the id; not needed where there is one space')
    .description('list the authors who have two logs, with the proof')
    .option(
      '--proof',
      'add each proof by itself, which "hanse forks check" believes without knowing the space',
    )
    .addHelpText(
      'after',
      '\nAn author who has forked is frozen here: what it writes is neither gossiped nor built on. "hanse contain" takes its effect.',
    )
    .action(async (given, { proof = false }, self) => {
      const { session, space } = shell.open(self)
      const forks: ForkStatus[] = []
      await session.execute(
        forksAction,
        { space: given ?? space, proof },
        { onEvent: (page) => void forks.push(...page) },
      )
      shell.print(forks, () => formatForks(forks, shell.style))
      if (forks.length === 0) shell.remark('No author has forked, as far as is known here.')
    })

  group
    .command('check')
    .argument('<file>', 'holds a proof as "hanse forks --proof" gives it; - for standard input')
    .description('check a fork proof by itself, without a node, a space or a network')
    .addHelpText('after', '\nExit code 1 where it proves nothing, 2 where it is no proof at all.')
    .action(async (file) => {
      const text = await readInput(file === '-' ? shell.input : file, TEXT_BYTES_MAX)
      const fork = orThrow(
        verifyForkProof(orThrow(decodeForkProof(parseText(text))), createSignatureVerifier().verifySync),
      )
      const [low, high] = fork.ids
      const proven = {
        space: toHex(fork.space),
        author: formatDid(fork.author),
        seq: fork.seq,
        prev: fork.prev === null ? null : toHex(fork.prev),
        operations: [toHex(low), toHex(high)],
      }
      shell.print(proven, ({ space, author, seq, prev, operations }) => [
        shell.style.good('The proof holds: this key has signed two operations at the same place of its log.'),
        ...formatPairs([
          ['author', author],
          ['space', space],
          ['place', `seq ${formatCount(seq)}, ${prev === null ? 'at the beginning' : `after ${prev}`}`],
          ...operations.map((id) => ['operation', id] as const),
        ]),
      ])
    })
}

/** A proof in base64url, and white space at its ends. */
const TEXT_BYTES_MAX = Math.ceil((FORK_PROOF_BYTES_MAX * 4) / 3) + 64

function parseText(text: Uint8Array): Uint8Array {
  const trimmed = Buffer.from(text).toString('latin1').trim()
  const bytes = Buffer.from(trimmed, 'base64url')
  if (trimmed !== '' && bytes.toString('base64url') === trimmed) return new Uint8Array(bytes)
  throw new FaultError({
    code: 'BAD_FILE',
    detail: 'this is not a fork proof: it is one line of base64url, as "hanse forks --proof" gives it',
  })
}

function formatForks(forks: readonly ForkStatus[], style: Style): readonly string[] {
  const rows = forks.map(({ author, seq, operations, heads, keptHeads, frozen, contained }) => [
    shortDid(author),
    formatCount(seq),
    operations.map(shortId).join(' '),
    `${formatCount(keptHeads)} of ${formatCount(heads)}`,
    frozen ? 'yes' : 'no',
    contained ? 'yes' : 'no',
  ])
  const titles = ['author', 'seq', 'operations', 'heads kept', 'frozen', 'contained']
  const [head, ...lines] = formatTable(
    titles.map((title) => ({ title: title.toUpperCase() })),
    rows,
  )
  if (head === undefined) return []
  const proofs = forks.flatMap(({ author, proof }) =>
    proof === undefined ? [] : ['', `${style.faint('proof against')} ${author}`, proof],
  )
  return [style.faint(head), ...lines, ...proofs]
}
