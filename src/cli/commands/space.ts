import type { Command } from '@commander-js/extra-typings'
import type { Fault } from '../../core/result.ts'
import type { TrustProfile } from '../../core/changes/control.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { Space } from '../../node/space/space.ts'
import { defineAction } from '../control/action.ts'
import { formatAmount, formatCount, formatMoment } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { formatPairs, formatTable } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace } from './choose-space.ts'

/** A space in a list. */
export interface SpaceLine {
  readonly id: string
  /** Empty while nothing of the space has arrived. */
  readonly name: string
  readonly did: string
  readonly operations: number
  readonly authors: number
}

interface SpaceDetails extends SpaceLine {
  readonly profile: string | null
  readonly openReading: boolean | null
  /** When it was made, by its founder's clock: ms since 1970. */
  readonly createdMs: number | null
  /** Published delegations. */
  readonly delegations: number
}

const PROFILES: readonly TrustProfile[] = ['local', 'coordinated', 'federated']

export const spaceCreateAction = defineAction({
  name: 'space.create',
  shape: { name: 'text', profile: 'text', openReading: 'boolean' },
  run: ({ node }, { name, profile, openReading }): SpaceLine => {
    if (!PROFILES.some((one) => one === profile)) {
      throw new FaultError({
        code: 'USAGE',
        detail: `there is no profile ${JSON.stringify(profile)}: use one of ${PROFILES.join(', ')}`,
      })
    }
    return describe(node.createSpace({ name, profile: profile as TrustProfile, openReading }))
  },
})

export const spaceListAction = defineAction({
  name: 'space.list',
  shape: {},
  run: ({ node }): { readonly spaces: readonly SpaceLine[]; readonly unreadable: readonly Fault[] } => ({
    spaces: node.spaces().map(describe),
    unreadable: node.unreadableSpaces,
  }),
})

export const spaceShowAction = defineAction({
  name: 'space.show',
  shape: { space: 'text?' },
  run: ({ node }, { space: given }): SpaceDetails => {
    const space = chooseSpace(node, given)
    const { store, id } = space.hosted
    const description = space.hosted.description()
    let delegations = 0
    for (const _token of store.tokens()) delegations++
    return {
      ...describe(space),
      profile: description?.profile ?? null,
      openReading: description?.openReading ?? null,
      createdMs: store.find(id)?.time ?? null,
      delegations,
    }
  },
})

function describe(space: Space): SpaceLine {
  const { id, name, did } = space
  return {
    id,
    name,
    did,
    operations: space.hosted.store.count(),
    authors: space.hosted.replica.clock.digest().count,
  }
}

/** `hanse space create|list|show`. */
export function registerSpace(program: Command<[], GlobalOptions>, shell: Shell): void {
  const group = program.command('space').description('make, list and show spaces')

  group
    .command('create')
    .argument('<name>', 'for people; 1 to 128 bytes')
    .description('make a space; you own it')
    .option('--profile <profile>', `how far members trust each other: ${PROFILES.join(', ')}`, 'federated')
    .option('--closed-reading', 'members read only what they are granted to read')
    .action(async (name, { profile, closedReading }, self) => {
      const { session } = shell.open(self)
      const space = await session.execute(spaceCreateAction, {
        name,
        profile,
        openReading: closedReading !== true,
      })
      shell.print(space, () => [
        ...formatPairs([
          ['space', printable(space.name)],
          ['id', space.id],
          ['did', space.did],
        ]),
        '',
        'Next: "hanse put PATH VALUE" writes to it; "hanse invite" lets others in.',
      ])
    })

  group
    .command('list')
    .description('list the spaces here')
    .action(async (_options, self) => {
      const { session } = shell.open(self)
      const { spaces, unreadable } = await session.execute(spaceListAction, {})
      shell.print(spaces, () => {
        if (spaces.length === 0 && unreadable.length === 0) {
          return 'No space yet: make one with "hanse space create NAME", or join one with "hanse join LINK".'
        }
        const rows = spaces.map(({ id, name, operations, authors }) => [
          displayName(name),
          formatCount(operations),
          formatCount(authors),
          id,
        ])
        const [titles, ...lines] = formatTable(
          [
            { title: 'NAME' },
            { title: 'OPERATIONS', align: 'right' },
            { title: 'AUTHORS', align: 'right' },
            { title: 'ID' },
          ],
          rows,
        )
        return titles === undefined ? [] : [shell.style.faint(titles), ...lines]
      })
      for (const fault of unreadable) shell.report(fault)
    })

  group
    .command('show')
    .argument('[space]', 'name, id, or the beginning of the id; not needed where there is one space')
    .description('show one space')
    .action(async (given, _options, self) => {
      const { session, space } = shell.open(self)
      const details = await session.execute(spaceShowAction, { space: given ?? space })
      shell.print(
        details,
        ({ name, id, did, profile, openReading, createdMs, operations, authors, delegations }) => {
          if (profile === null)
            return formatPairs([
              ['space', displayName(name)],
              ['id', id],
              ['did', did],
            ])
          return formatPairs([
            ['space', displayName(name)],
            ['id', id],
            ['did', did],
            ['profile', profile],
            [
              'reading',
              openReading === true ? 'every member reads everything' : 'members read what they are granted',
            ],
            ['created', createdMs === null ? 'unknown' : formatMoment(createdMs)],
            ['operations', `${formatCount(operations)} by ${formatAmount(authors, 'author')}`],
            ['delegations', formatCount(delegations)],
          ])
        },
      )
    })
}

/** A name for the eye; of a space that has not arrived, that. */
export function displayName(name: string): string {
  return name === '' ? '(not synced yet)' : printable(name)
}
