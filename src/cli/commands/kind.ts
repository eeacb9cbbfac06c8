import type { Command } from '@commander-js/extra-typings'
import { FaultError } from '../../node/fault-error.ts'
import { COLUMN_TYPES, isColumnType } from '../../node/query/kind.ts'
import type { Kind, KindList } from '../../node/query/kinds.ts'
import { defineAction } from '../control/action.ts'
import { shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { formatTable } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { collect } from './collect.ts'

interface Declared {
  readonly name: string
  /** Of the operation; null where nothing changed. */
  readonly id: string | null
}

export const kindAddAction = defineAction({
  name: 'kind.add',
  /** `columns`: `name:type` each. */
  shape: { space: 'text?', name: 'text', path: 'text', columns: 'texts' },
  run: ({ node }, { space: given, name, path, columns }): Declared => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    return { name, id: space.queries.kinds.declare({ name, path, columns: columns.map(readColumn) }) }
  },
})

export const kindListAction = defineAction({
  name: 'kind.list',
  shape: { space: 'text?' },
  run: ({ node }, { space: given }): KindList => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    return space.queries.kinds.list()
  },
})

export const kindRemoveAction = defineAction({
  name: 'kind.remove',
  shape: { space: 'text?', name: 'text' },
  run: ({ node }, { space: given, name }): Declared => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const id = space.queries.kinds.remove(name)
    if (id !== null) return { name, id }
    throw new FaultError({
      code: 'NOT_FOUND',
      detail: `no kind ${JSON.stringify(name)} is declared here: see "hanse kind list"`,
    })
  },
})

function readColumn(text: string): Kind['columns'][number] {
  const at = text.lastIndexOf(':')
  const type = text.slice(at + 1)
  if (at > 0 && isColumnType(type)) return { name: text.slice(0, at), type }
  throw new FaultError({
    code: 'USAGE',
    detail: `--column ${JSON.stringify(text)} must be of the form name:type, the type one of ${COLUMN_TYPES.join(', ')}`,
  })
}

/** `hanse kind add|list|remove`: tables of entities, for SQL. */
export function registerKind(program: Command<[], GlobalOptions>, shell: Shell): void {
  const group = program.command('kind').description('declare kinds of entities, each a view for SQL')

  group
    .command('add')
    .argument('<name>', 'of the kind and its view: small letters, digits, underscores')
    .description('declare a kind for everybody in the space, or change what is declared')
    .requiredOption('--path <path>', 'its items are the maps below this path')
    .option(
      '--column <name:type>',
      `a field as a column; ${COLUMN_TYPES.join(', ')}; may be repeated`,
      collect,
    )
    .addHelpText(
      'after',
      '\nExample:\n  hanse kind add people --path people --column name:text --column born:integer\n  hanse sql "select name, born from people order by born"',
    )
    .action(async (name, { path, column = [] }, self) => {
      const { session, space } = shell.open(self)
      const declared = await session.execute(kindAddAction, { space, name, path, columns: column })
      shell.print(declared, ({ id }) =>
        id === null ? `${name} is declared so already` : `${name} declared by operation ${shortId(id)}`,
      )
    })

  group
    .command('list')
    .description('list the declared kinds, and why one has no view')
    .action(async (_options, self) => {
      const { session, space } = shell.open(self)
      const list = await session.execute(kindListAction, { space })
      shell.print(list, ({ kinds }) => formatKinds(kinds, shell))
      if (list.kinds.length === 0) shell.remark('No kind is declared: see "hanse kind add --help".')
      if (list.more) shell.remark('There are more declarations than are looked at.')
    })

  group
    .command('remove')
    .argument('<name>')
    .description('take a declaration away; the items stay')
    .action(async (name, _options, self) => {
      const { session, space } = shell.open(self)
      const removed = await session.execute(kindRemoveAction, { space, name })
      shell.print(removed, () => `${name} is no kind any more`)
    })
}

function formatKinds(kinds: readonly Kind[], shell: Shell): readonly string[] {
  const rows = kinds.map(({ name, path, columns, problem }) => [
    printable(name),
    path === null ? '' : printable(path) || '(root)',
    problem === null ? columns.map((column) => printable(`${column.name}:${column.type}`)).join(' ') : '',
    problem === null ? '' : printable(problem),
  ])
  const hasProblems = kinds.some(({ problem }) => problem !== null)
  const [titles, ...lines] = formatTable(
    [
      { title: 'KIND' },
      { title: 'PATH' },
      { title: 'COLUMNS' },
      { title: hasProblems ? 'NO VIEW BECAUSE' : '' },
    ],
    rows,
  )
  return titles === undefined ? [] : [shell.style.faint(titles), ...lines]
}
