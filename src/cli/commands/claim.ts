import type { Command } from '@commander-js/extra-typings'
import { parseValue } from '../../core/value-json.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import type { ClaimValue } from '../../node/space/item.ts'
import type { Space } from '../../node/space/space.ts'
import { defineAction } from '../control/action.ts'
import { shortDid, shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { givenValue } from './given-value.ts'

export const claimAction = defineAction({
  name: 'claim',
  shape: { space: 'text?', path: 'text', value: 'text', queue: 'boolean?' },
  run: ({ node }, { space: given, path, value, queue = false }) => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const before = holderOf(space, path)
    if (before !== undefined && !queue) {
      const whose = before.author === node.did ? 'you hold' : `${before.author} holds`
      throw new FaultError({
        code: 'CLAIMED',
        detail: `${whose} ${JSON.stringify(path)} already: see "hanse get ${path} --type claim"; --queue claims it for when that is released`,
      })
    }
    const id = space.claim(path, orThrow(parseValue(value)))
    const after = holderOf(space, path)
    if (after === undefined) throw new Error('bug: a claim is not there')
    const held = before === undefined && after.author === node.did
    return { id, path, type: 'claim', author: after.author, held, final: after.final } as const
  },
})

export const releaseAction = defineAction({
  name: 'release',
  shape: { space: 'text?', path: 'text' },
  run: ({ node }, { space: given, path }) => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const id = space.release(path)
    const holder = holderOf(space, path)?.author ?? null
    if (id !== null) return { id, path, type: 'claim', author: holder } as const
    throw new FaultError({
      code: 'NOT_FOUND',
      detail:
        holder === null
          ? `nobody claims ${JSON.stringify(path)}`
          : `${holder} claims ${JSON.stringify(path)}, and you do not: "hanse delete ${path} --type claim" takes everybody's claims away`,
    })
  },
})

function holderOf(space: Space, path: string): ClaimValue | undefined {
  return space.get(path, 'claim')?.value as ClaimValue | undefined
}

/** `hanse claim` and `hanse release`: what only one may have. */
export function registerClaim(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('claim')
    .argument('<path>', 'what is claimed, e.g. releases/v1.0.0')
    .argument('[value]', 'what for: JSON where it is JSON, else text; - reads standard input')
    .description('claim what only one may have: the first claim holds, provisionally')
    .option('--text', 'take the value as text, even where it is JSON')
    .option('--queue', 'claim it although it is claimed, for when it is released')
    .addHelpText(
      'after',
      '\nProvisional: a claim that was made earlier elsewhere may still arrive, and then holds instead.\nExit code 1 where somebody holds it already, as far as is known here.',
    )
    .action(async (path, value, { text, queue }, self) => {
      const { session, space } = shell.open(self)
      const json = value === undefined ? 'null' : await givenValue(value, text === true, shell)
      const claimed = await session.execute(claimAction, { space, path, value: json, queue })
      shell.print(claimed, ({ id, held, author }) =>
        held
          ? `${printable(path)} claimed by operation ${shortId(id)} (provisional)`
          : `${printable(path)} is held by ${shortDid(author)}; claimed behind it by operation ${shortId(id)}`,
      )
    })
  program
    .command('release')
    .argument('<path>', 'what is claimed')
    .description('release your claims on it')
    .action(async (path, _options, self) => {
      const { session, space } = shell.open(self)
      const released = await session.execute(releaseAction, { space, path })
      shell.print(released, ({ id, author }) => {
        const next = author === null ? '' : `; ${shortDid(author)} holds it now (provisional)`
        return `${printable(path)} released by operation ${shortId(id)}${next}`
      })
    })
}
