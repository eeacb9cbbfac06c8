import type { Command } from '@commander-js/extra-typings'
import type { ContainmentReport, Impact, RevocationReport } from '../../node/space/revocation-report.ts'
import { defineAction } from '../control/action.ts'
import { formatAmount, formatMoment, shortDid, shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { formatTable } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { wholeId } from './choose-operation.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'

export const revokeAction = defineAction({
  name: 'revoke',
  shape: { space: 'text?', target: 'text', since: 'text?', purge: 'boolean', dryRun: 'boolean' },
  run: ({ node }, { space: given, target, since, purge, dryRun }): RevocationReport => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const cut = since === undefined ? {} : { since: wholeId(space, since) }
    return space.revoke({ target, purge, dryRun, ...cut })
  },
})

export const containAction = defineAction({
  name: 'contain',
  shape: { space: 'text?', author: 'text', since: 'text', dryRun: 'boolean' },
  run: ({ node }, { space: given, author, since, dryRun }): ContainmentReport => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    return space.contain({ author, since: wholeId(space, since), dryRun })
  },
})

export const endorseAction = defineAction({
  name: 'endorse',
  shape: { space: 'text?', operations: 'texts' },
  run: ({ node }, { space: given, operations }): { readonly endorsements: readonly string[] } => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    return { endorsements: space.endorse(operations.map((operation) => wholeId(space, operation))) }
  },
})

/** `hanse revoke`, `hanse contain`, `hanse endorse`: taking back authority, and mending where that took too much. */
export function registerRevoke(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('revoke')
    .argument(
      '<target>',
      'digest of a delegation as "hanse delegations" shows it, or the did:key of somebody',
    )
    .description('end delegations; what was done under them keeps its effect unless you say otherwise')
    .option('--since <operation>', 'this operation, and what was made after having seen it, loses its effect')
    .option('--purge', 'everything ever done under the delegations loses its effect', false)
    .option('--dry-run', 'show what would lose its effect, and do nothing', false)
    .addHelpText(
      'after',
      '\nA revocation reaches those who have not heard of it too: what they write under the delegation has no effect once it arrives.\nOnly who gave a delegation, or is above them, can revoke it. "hanse endorse" mends what was hit by mistake.',
    )
    .action(async (target, { since, purge, dryRun }, self) => {
      const { session, space } = shell.open(self)
      const report = await session.execute(revokeAction, { space, target, since, purge, dryRun })
      shell.print(report, () => formatReport(report, dryRun))
    })

  program
    .command('contain')
    .argument('<author>', 'did:key of who is not to be trusted any more')
    .description('revoke all that somebody holds from an operation on, and list what others built on it')
    .requiredOption('--since <operation>', 'the first operation that is not to be trusted')
    .option('--dry-run', 'show what would happen, and do nothing', false)
    .action(async (author, { since, dryRun }, self) => {
      const { session, space } = shell.open(self)
      const report = await session.execute(containAction, { space, author, since, dryRun })
      shell.print(report, () => [...formatReport(report, dryRun), ...formatTainted(report)])
    })

  program
    .command('endorse')
    .argument('<operations...>', 'ids, or beginnings of them, of operations that a revocation masks')
    .description('give operations their effect back that a revocation masked by mistake')
    .action(async (operations, _options, self) => {
      const { session, space } = shell.open(self)
      const outcome = await session.execute(endorseAction, { space, operations })
      shell.print(outcome, () => `endorsed ${formatAmount(operations.length, 'operation')}`)
    })
}

function formatReport(report: RevocationReport, dryRun: boolean): readonly string[] {
  const { tokens, outOfReach, endedBelow, openInvites, masked, revived } = report
  const count = (impacts: readonly Impact[]) => impacts.reduce((sum, { operations }) => sum + operations, 0)
  const loses = `${formatAmount(count(masked), 'operation')} ${dryRun ? 'would lose' : 'lost'} effect`
  return [
    `${dryRun ? 'would revoke' : 'revoked'} ${formatAmount(tokens.length, 'delegation')}: ${loses}`,
    ...formatImpacts('lose their effect', masked),
    ...formatImpacts('get their effect back', revived),
    ...(endedBelow.length === 0
      ? []
      : [
          '',
          `given on from there, and ended with it: ${endedBelow.map(({ token, audience }) => `${shortId(token)} to ${shortDid(audience)}`).join(', ')}`,
        ]),
    ...openInvites.flatMap((invite) => [
      '',
      `They came by an invite whose link is still good: "hanse revoke ${shortId(invite)}" ends it, for everybody who came by it.`,
    ]),
    ...(outOfReach.length === 0
      ? []
      : [
          '',
          `${formatAmount(outOfReach.length, 'delegation')} given by somebody this node is not above: ${outOfReach.map(shortId).join(', ')}`,
        ]),
  ]
}

function formatImpacts(title: string, impacts: readonly Impact[]): readonly string[] {
  if (impacts.length === 0) return []
  const columns = [
    { title: 'AUTHOR' },
    { title: 'PATH' },
    { title: title.toUpperCase(), align: 'right' as const },
  ]
  const rows = impacts.map(({ author, path, operations }) => [
    shortDid(author),
    path === '' ? '(root)' : printable(path),
    String(operations),
  ])
  return ['', ...formatTable(columns, rows)]
}

function formatTainted({ tainted, taintedCount }: ContainmentReport): readonly string[] {
  if (taintedCount === 0) return ['', 'nobody else has written after having seen it']
  const rows = tainted.map(({ id, author, path, time }) => [
    shortId(id),
    shortDid(author),
    path === '' ? '(root)' : printable(path),
    formatMoment(time),
  ])
  const columns = ['OPERATION', 'AUTHOR', 'PATH', 'TIME'].map((title) => ({ title }))
  return [
    '',
    `${formatAmount(taintedCount, 'operation')} by others ${taintedCount === 1 ? 'was' : 'were'} made after having seen it, and keep their effect; decide for yourself:`,
    ...formatTable(columns, rows),
    ...(taintedCount > tainted.length ? [`and ${taintedCount - tainted.length} more`] : []),
  ]
}
