import type { Command } from '@commander-js/extra-typings'
import { FaultError } from '../../node/fault-error.ts'
import type { Space } from '../../node/space/space.ts'
import { defineAction } from '../control/action.ts'
import { itemLines } from '../output/item-lines.ts'
import { printable } from '../output/printable.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'

/** A set after it was written. */
interface Tagged {
  readonly id: string
  readonly path: string
  readonly type: 'set'
  /** Its members now. */
  readonly value: readonly string[]
}

export const tagAction = defineAction({
  name: 'tag',
  shape: { space: 'text?', path: 'text', tags: 'texts' },
  run: ({ node }, { space: given, path, tags }): Tagged => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const id = space.tag(path, tags)
    return { id, path, type: 'set', value: membersOf(space, path) }
  },
})

export const untagAction = defineAction({
  name: 'untag',
  shape: { space: 'text?', path: 'text', tags: 'texts' },
  run: ({ node }, { space: given, path, tags }): Tagged => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const present = membersOf(space, path)
    if (tags.some((tag) => present.includes(tag)) || tags.some((tag) => tag === '')) {
      const id = space.tag(path, [], tags)
      return { id, path, type: 'set', value: membersOf(space, path) }
    }
    throw new FaultError({
      code: 'NOT_FOUND',
      detail: `${JSON.stringify(path)} has none of these tags: see "hanse get ${path} --type set"`,
    })
  },
})

function membersOf(space: Space, path: string): readonly string[] {
  return (space.get(path, 'set')?.value ?? []) as readonly string[]
}

/** `hanse tag` and `hanse untag`: members of a set. */
export function registerTag(program: Command<[], GlobalOptions>, shell: Shell): void {
  const tell = ({ path, value }: Tagged) =>
    value.length === 0
      ? `${printable(path)} has no tags`
      : `${printable(path)}: ${itemLines('set', value, Date.now()).join()}`
  program
    .command('tag')
    .argument('<path>', 'what is tagged, e.g. tasks/7')
    .argument('<tags...>', 'one or more tags')
    .description('add tags')
    .action(async (path, tags, _options, self) => {
      const { session, space } = shell.open(self)
      shell.print(await session.execute(tagAction, { space, path, tags }), tell)
    })
  program
    .command('untag')
    .argument('<path>', 'what is tagged')
    .argument('<tags...>', 'one or more tags')
    .description('remove tags; one that somebody adds at the same time stays')
    .action(async (path, tags, _options, self) => {
      const { session, space } = shell.open(self)
      shell.print(await session.execute(untagAction, { space, path, tags }), tell)
    })
}
