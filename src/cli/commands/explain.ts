import type { Command } from '@commander-js/extra-typings'
import type { Explanation, LinkExplanation, RightExplanation } from '../../node/space/explain.ts'
import { defineAction } from '../control/action.ts'
import { EXIT } from '../exit-code.ts'
import { FaultError } from '../../node/fault-error.ts'
import { formatMoment, shortDid, shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { formatPairs } from '../output/table.ts'
import type { Style } from '../output/style.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { wholeId } from './choose-operation.ts'
import { chooseSpace } from './choose-space.ts'

export const explainAction = defineAction({
  name: 'explain',
  shape: { space: 'text?', operation: 'text' },
  run: ({ node }, { space: given, operation }): Explanation => {
    const space = chooseSpace(node, given)
    return space.explain(wholeId(space, operation))
  },
})

export const explainRightAction = defineAction({
  name: 'explain right',
  shape: { space: 'text?', author: 'text', command: 'text', path: 'text' },
  run: ({ node }, { space, author, command, path }): RightExplanation =>
    chooseSpace(node, space).explainRight(author, path, command),
})

/** `hanse explain`: what became of an operation here, or what somebody may do. */
export function registerExplain(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('explain')
    .argument('[operation]', 'its id, or the beginning of it that "hanse log" shows')
    .description('explain what became of an operation here and by which chain, or what somebody may do')
    .option('--author <did>', 'instead of an operation: may this key do something now, and by which chains?')
    .option('--path <path>', 'with --author: where; without it, everywhere')
    .option('--command <command>', 'with --author: what', '/op/write')
    .addHelpText(
      'after',
      `
Exit code 1 where the operation is not known here, or the author may not.

Examples: hanse explain 3f9a21c0
          hanse explain --author did:key:z6Mk... --path notes/today`,
    )
    .action(async (operation, { author, path = '', command }, self) => {
      const { session, space } = shell.open(self)
      if ((operation === undefined) === (author === undefined)) {
        throw new FaultError({ code: 'BAD_REQUEST', detail: 'give an operation, or --author' })
      }
      if (author !== undefined) {
        const right = await session.execute(explainRightAction, { space, author, command, path })
        shell.print(right, () => formatRight(right, shell.style))
        if (!right.allowed) shell.exitCode = EXIT.failed
        return
      }
      const explanation = await session.execute(explainAction, { space, operation: operation as string })
      shell.print(explanation, () => formatExplanation(explanation, shell.style))
      if (explanation.verdict === 'unknown') shell.exitCode = EXIT.failed
    })
}

function formatExplanation(explanation: Explanation, style: Style): readonly string[] {
  const {
    id,
    verdict,
    code,
    detail,
    author,
    nextKeys,
    chain,
    maskedBy,
    endorsedBy,
    void: voids,
  } = explanation
  const paint = verdict === 'admitted' ? style.good : verdict === 'refused' ? style.bad : style.warn
  return formatPairs([
    ['operation', id],
    ['verdict', verdict + (code === null ? '' : ` (${printable(code)})`)],
    ['because', printable(detail)],
    ...(author === null ? [] : [['author', author] as const]),
    ...nextKeys.map((next) => ['now writes as', next] as const),
    ...chain.map((link, index) => [index === 0 ? 'by tokens' : '', formatLink(link)] as const),
    ...maskedBy.map(
      ({ operation, author: by, target }) =>
        [
          'revoked by',
          `${shortId(operation)} of ${shortDid(by)}, which ended ${shortId(target ?? '')}`,
        ] as const,
    ),
    ...endorsedBy.map(
      ({ operation, author: by }) => ['endorsed by', `${shortId(operation)} of ${shortDid(by)}`] as const,
    ),
    ...voids.map(({ index, detail: why }) => [`change ${index}`, `no effect: ${printable(why)}`] as const),
  ]).map((line) => (line.startsWith('verdict') ? line.replace(verdict, paint(verdict)) : line))
}

function formatRight(
  { author, command, path, allowed, chains }: RightExplanation,
  style: Style,
): readonly string[] {
  const where = path === '' ? 'everywhere' : `at ${printable(path)}`
  const lines = [
    `${author} ${allowed ? style.good('may') : style.bad('may not')} ${printable(command)} ${where}`,
    ...(chains.length === 0 && !allowed ? ['No chain of delegations reaches this key.'] : []),
  ]
  for (const [index, { chain, code, detail }] of chains.entries()) {
    lines.push(
      '',
      `chain ${index}: ${code === null ? style.good('holds') : `${style.bad(printable(code))}, ${printable(detail)}`}`,
      ...chain.map((link, place) => `  token ${place}  ${formatLink(link)}`),
    )
  }
  return lines
}

/** `3f9a21c0…: …AbCd → …EfGh, /op at or below notes, until 2026-12-01 10:00`. */
function formatLink({ digest, terms }: LinkExplanation): string {
  if (terms === null) return `${shortId(digest)} (not published here)`
  const { issuer, audience, command, path, expiresMs, depth } = terms
  const where = path === null ? ', under a policy' : path === '' ? '' : ` at or below ${printable(path)}`
  const until = expiresMs === null ? '' : `, until ${formatMoment(expiresMs)}`
  const onward = depth === null ? '' : `, passed on at most ${depth} times`
  return `${shortId(digest)}: ${shortDid(issuer)} to ${shortDid(audience)}, ${printable(command)}${where}${until}${onward}`
}
