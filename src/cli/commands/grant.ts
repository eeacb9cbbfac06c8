import type { Command } from '@commander-js/extra-typings'
import { orThrow } from '../../node/fault-error.ts'
import type { Role } from '../../node/space/roles.ts'
import { defineAction } from '../control/action.ts'
import { parseDepth } from '../depth.ts'
import { parseDuration } from '../duration.ts'
import { formatMoment, shortDid } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'

interface Grant {
  /** Digest of the delegation, hexadecimal. */
  readonly token: string
  readonly to: string
  readonly role: string
  readonly path: string
  /** Null: never. */
  readonly expiresMs: number | null
}

export const grantAction = defineAction({
  name: 'grant',
  shape: { space: 'text?', to: 'text', role: 'text', path: 'text', expiresMs: 'integer?', depth: 'integer?' },
  run: ({ node }, { space: given, to, role, path, expiresMs, depth }): Grant => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const expires = expiresMs === undefined ? {} : { expiresMs: node.now() + expiresMs }
    const onward = depth === undefined ? {} : { depth }
    // A role that is none is refused by name.
    const token = space.grant({ to, role: role as Role, path, ...expires, ...onward })
    return { token, to, role, path, expiresMs: expires.expiresMs ?? null }
  },
})

/** `hanse grant`: rights for a key that is known already. */
export function registerGrant(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('grant')
    .argument('<did>', 'did:key of who gets it, as "hanse whoami" shows there')
    .description('give somebody a role in a space')
    .requiredOption('--role <role>', 'reader, writer or admin')
    .option('--path <path>', 'limits the role to this path and below; without it, everywhere')
    .option('--expires <duration>', 'how long it is good, e.g. 12h or 7d; without it, for ever')
    .option(
      '--depth <times>',
      'how often it may be passed on; 0: not at all; without it, as often as chains allow',
    )
    .addHelpText('after', '\nExample: hanse grant did:key:z6Mk... --role writer --path notes --expires 30d')
    .action(async (did, { role, path = '', expires, depth: times }, self) => {
      const expiresMs = expires === undefined ? undefined : orThrow(parseDuration(expires, '--expires'))
      const depth = times === undefined ? undefined : orThrow(parseDepth(times))
      const { session, space } = shell.open(self)
      const grant = await session.execute(grantAction, { space, to: did, role, path, expiresMs, depth })
      shell.print(grant, ({ token }) => {
        const where = path === '' ? '' : ` at or below ${printable(path)}`
        const until = grant.expiresMs === null ? '' : ` until ${formatMoment(grant.expiresMs)}`
        return `${shortDid(did)} is now ${role}${where}${until}; token ${token}`
      })
    })
}
