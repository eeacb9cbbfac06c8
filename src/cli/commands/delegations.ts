import type { Command } from '@commander-js/extra-typings'
import type { DelegationStatus } from '../../node/space/delegation-status.ts'
import { defineAction } from '../control/action.ts'
import { formatMoment, shortDid, shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { formatTable } from '../output/table.ts'
import type { Style } from '../output/style.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'

export const delegationsAction = defineAction({
  name: 'delegations',
  shape: { space: 'text?' },
  run: ({ node }, { space: given }): readonly DelegationStatus[] => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    return space.delegations()
  },
})

/** `hanse delegations`: who gave what to whom, and what became of it. */
export function registerDelegations(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('delegations')
    .description('list who gave which rights to whom in a space, and what became of them')
    .addHelpText(
      'after',
      '\nRevoke one with "hanse revoke TOKEN", or all that somebody holds with "hanse revoke DID".',
    )
    .action(async (_options, self) => {
      const { session, space } = shell.open(self)
      const delegations = await session.execute(delegationsAction, { space })
      shell.print(delegations, () => formatDelegations(delegations, shell.style))
    })
}

function formatDelegations(delegations: readonly DelegationStatus[], style: Style): readonly string[] {
  const rows = delegations.map(
    ({ digest, issuer, audience, command, path, expiresMs, depth, rotation, state }) => [
      shortId(digest),
      shortDid(issuer),
      shortDid(audience) + (rotation ? ' (rotation)' : ''),
      printable(command),
      path === null ? '(policy)' : path === '' ? '(all)' : printable(path),
      expiresMs === null ? 'never' : formatMoment(expiresMs),
      depth === null ? '' : String(depth),
      state,
    ],
  )
  const titles = ['token', 'from', 'to', 'command', 'path', 'expires', 'depth', 'state']
  const [head, ...lines] = formatTable(
    titles.map((title) => ({ title: title.toUpperCase() })),
    rows,
  )
  if (head === undefined) return []
  const painted = lines.map((line) =>
    line.replace(/(active|revoked|expired|pending|unfounded)$/, (state) =>
      state === 'active' ? style.good(state) : style.warn(state),
    ),
  )
  return [style.faint(head), ...painted]
}
