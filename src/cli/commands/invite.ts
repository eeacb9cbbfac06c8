import type { Command } from '@commander-js/extra-typings'
import { orThrow } from '../../node/fault-error.ts'
import type { HanseNode } from '../../node/node.ts'
import { parseInvite } from '../../node/space/invite.ts'
import type { Role } from '../../node/space/roles.ts'
import { type ArgumentsOf, defineAction } from '../control/action.ts'
import { parseDepth } from '../depth.ts'
import { parseDuration } from '../duration.ts'
import { formatAmount, formatMoment } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'

interface Invitation {
  readonly link: string
  readonly space: string
  readonly role: string
  readonly path: string
  /** Null: never. */
  readonly expiresMs: number | null
  /** Where the guest will look for others. */
  readonly addresses: readonly string[]
  readonly bootstrap: readonly string[]
}

const inviteShape = {
  space: 'text?',
  role: 'text',
  path: 'text',
  expiresMs: 'integer?',
  depth: 'integer?',
} as const

export const inviteAction = defineAction({
  name: 'invite',
  shape: inviteShape,
  run: ({ node }, args): Invitation => inviteOf(node, args),
})

/** Makes a link. Throws where the role is none, or more than this node may give. */
export function inviteOf(
  node: HanseNode,
  { space: given, role, path, expiresMs, depth }: ArgumentsOf<typeof inviteShape>,
): Invitation {
  const space = chooseSpace(node, given)
  requireGenesis(space)
  const expires = expiresMs === undefined ? {} : { expiresMs: node.now() + expiresMs }
  const onward = depth === undefined ? {} : { depth }
  // A role that is none is refused by name.
  const link = space.invite({ role: role as Role, path, ...expires, ...onward })
  const { peers, bootstrap } = orThrow(parseInvite(link))
  return {
    link,
    space: space.id,
    role,
    path,
    expiresMs: expires.expiresMs ?? null,
    addresses: peers,
    bootstrap,
  }
}

/** `hanse invite`: a link with which somebody joins. */
export function registerInvite(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('invite')
    .description('make a link with which somebody joins a space')
    .option('--role <role>', 'what the guest may do: reader, writer or admin', 'writer')
    .option('--path <path>', 'limits the role to this path and below; without it, everywhere')
    .option(
      '--expires <duration>',
      'how long the link and what it gives are good, e.g. 12h or 7d; without it, for ever',
    )
    .option(
      '--depth <times>',
      'how often the guest may pass it on; 0: not at all; without it, as often as chains allow',
    )
    .addHelpText(
      'after',
      '\nThe link goes to standard output, remarks to standard error. Whoever has the link has its rights: send it privately.\n\nExample: hanse invite --role writer --path notes --expires 7d',
    )
    .action(async ({ role, path = '', expires, depth: times }, self) => {
      const expiresMs = expires === undefined ? undefined : orThrow(parseDuration(expires, '--expires'))
      const depth = times === undefined ? undefined : orThrow(parseDepth(times))
      const { session, space } = shell.open(self)
      const invitation = await session.execute(inviteAction, { space, role, path, expiresMs, depth })
      shell.print(invitation, ({ link }) => link)
      shell.remark(describe(invitation))
      if (invitation.addresses.length === 0) {
        shell.remark(
          invitation.bootstrap.length > 0
            ? `It names no address of this node, but ${formatAmount(invitation.bootstrap.length, 'introduction node')}.`
            : 'It names no address: the guest finds you only on the local network. Run "hanse up" first and make another link.',
        )
      }
    })
}

function describe({ role, path, expiresMs }: Invitation): string {
  const where = path === '' ? '' : ` at or below ${printable(path)}`
  const until = expiresMs === null ? 'It does not expire.' : `It expires on ${formatMoment(expiresMs)}.`
  return `Whoever has this link becomes ${role}${where}: send it privately. ${until}`
}
