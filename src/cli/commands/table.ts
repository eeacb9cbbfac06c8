import { resolve } from 'node:path'
import { type Command, Option } from '@commander-js/extra-typings'
import { FaultError } from '../../node/fault-error.ts'
import type { TableReport, TableStatus } from '../../node/tables/table-report.ts'
import type { TableAdded } from '../../node/tables/space-tables.ts'
import { defineAction } from '../control/action.ts'
import { EXIT } from '../exit-code.ts'
import { formatAmount, formatCount } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { formatPairs } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'

/** How long a running node may take for one table, in ms: a million rows are compared in less. */
const SILENCE_MS = 10 * 60 * 1000

export const tableAddAction = defineAction({
  name: 'table add',
  shape: {
    space: 'text?',
    db: 'text',
    table: 'text',
    path: 'text?',
    columns: 'texts?',
    prefer: 'text?',
    takeOver: 'boolean',
  },
  run: async ({ node }, { space: given, prefer, ...options }): Promise<TableAdded> => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    if (prefer !== undefined && prefer !== 'space' && prefer !== 'local')
      throw new FaultError({ code: 'BAD_REQUEST', detail: 'prefer is "space" or "local"' })
    return await space.tables.add({ ...options, prefer })
  },
})

export const tableListAction = defineAction({
  name: 'table list',
  shape: { space: 'text?' },
  run: ({ node }, { space: given }): readonly TableStatus[] => chooseSpace(node, given).tables.list(),
})

export const tableRemoveAction = defineAction({
  name: 'table remove',
  shape: { space: 'text?', db: 'text', table: 'text' },
  run: async (
    { node },
    { space: given, db, table },
  ): Promise<{ readonly db: string; readonly table: string }> => {
    await chooseSpace(node, given).tables.remove(db, table)
    return { db, table }
  },
})

export const tableSyncAction = defineAction({
  name: 'table sync',
  shape: { space: 'text?', isWhole: 'boolean' },
  run: async ({ node }, { space: given, isWhole }): Promise<readonly TableReport[]> =>
    await chooseSpace(node, given).tables.checkLocalChanges({ isWhole }),
})

/** `hanse table`: existing SQLite tables as a part of a space. */
export function registerTable(program: Command<[], GlobalOptions>, shell: Shell): void {
  const group = program
    .command('table')
    .description('share tables of SQLite databases that other programs read and write')
    .addHelpText(
      'after',
      '\nWhile "hanse up" runs, changes travel both ways by themselves. Every row is a map in the space, every column a field.',
    )
  registerAdd(group, shell)
  group
    .command('list')
    .description('the shared tables, what waits, and the rows that differ from the space, with the reason')
    .action(async (_options, self) => {
      const { session, space } = shell.open(self)
      const tables = await session.execute(tableListAction, { space })
      shell.print(tables, () => tables.flatMap((table) => formatStatus(table, shell)))
      if (tables.length === 0)
        shell.remark('No table is shared in this space: "hanse table add DB TABLE" shares one.')
    })
  group
    .command('remove')
    .argument('<db>', 'the SQLite file')
    .argument('<table>')
    .description('stop sharing a table; its rows stay, there and in the space')
    .action(async (db, table, _options, self) => {
      const { session, space } = shell.open(self)
      const removed = await session.execute(tableRemoveAction, { space, db: resolve(db), table })
      shell.print(removed, () => `${printable(table)} is not shared any more. Its rows stay where they are.`)
    })
  const sync = (name: string, isWhole: boolean, description: string) =>
    group
      .command(name)
      .description(description)
      .action(async (_options, self) => {
        const { session, space } = shell.open(self)
        const reports = await session.execute(tableSyncAction, { space, isWhole }, { silenceMs: SILENCE_MS })
        shell.print(reports, () => reports.flatMap((report) => formatReport(report, shell)))
        if (reports.some(({ fault, conflicts }) => fault !== null || conflicts > 0))
          shell.exitCode = EXIT.failed
      })
  sync('sync', false, 'publish and apply what has changed, now: for scripts, and where no node runs')
  sync('check', true, 'compare every row of every shared table with the space, and mend what differs')
}

function registerAdd(group: Command<[], GlobalOptions>, shell: Shell): void {
  group
    .command('add')
    .argument('<db>', 'the SQLite file')
    .argument('<table>', 'a table with a primary key')
    .description('share a table: its rows go into the space, the rows of the space come into it')
    .option('--path <path>', 'where the rows are in the space (default: the name of the table)')
    .option('--columns <list>', 'share these alone, with commas between them, besides the primary key')
    .addOption(
      new Option('--prefer <side>', 'whose values stand in rows that are there already and differ').choices([
        'space',
        'local',
      ] as const),
    )
    .option('--take-over', 'also where the database says that another node shares the table')
    .action(async (db, table, { path, columns, prefer, takeOver = false }, self) => {
      const { session, space } = shell.open(self)
      const added = await session.execute(
        tableAddAction,
        {
          space,
          db: resolve(db),
          table,
          path,
          columns: columns?.split(',').map((column) => column.trim()),
          prefer,
          takeOver,
        },
        { silenceMs: SILENCE_MS },
      )
      shell.print(added, () => [
        shell.style.good(`${printable(table)} is shared at ${printable(added.path)}.`),
        ...formatReport(added, shell),
      ])
      for (const warning of added.warnings) shell.remark(`Note: ${warning}.`)
    })
}

function formatReport({ table, published, applied, conflicts, fault, compared }: TableReport, shell: Shell) {
  const differ =
    conflicts === 0
      ? ''
      : `, ${formatAmount(conflicts, 'row differs', 'rows differ')} (see "hanse table list")`
  const rows = compared === null ? '' : ` of ${formatCount(compared.rows)}`
  const line = `${printable(table)}: ${formatAmount(published, 'row')} published, ${formatCount(applied)}${rows} applied${differ}`
  return fault === null ? [line] : [line, shell.style.warn(printable(fault.detail))]
}

function formatStatus(status: TableStatus, shell: Shell): readonly string[] {
  const { db, table, path, columns, waiting, conflicts, conflictRows, outdated, schemaVersion, fault } =
    status
  const { here, newest } = schemaVersion
  const isNewer = newest > here
  return [
    shell.style.strong(printable(table)),
    ...formatPairs(
      [
        ['database', printable(db)],
        ['path', printable(path)],
        ['columns', columns === null ? 'all' : printable(columns.join(', '))],
        ['waiting', formatAmount(waiting, 'row')],
        ['conflicts', formatCount(conflicts)],
        ...conflictRows.map(
          ({ key, code, detail }) => ['', `${printable(key)}: ${code}, ${printable(detail)}`] as const,
        ),
        ...(conflicts > conflictRows.length ? [['', 'and more'] as const] : []),
        ...(outdated.length === 0
          ? []
          : [
              [
                'outdated',
                `others have columns that are missing here: ${printable(outdated.join(', '))}`,
              ] as const,
            ]),
        ...(isNewer
          ? [['schema', `others are at user_version ${newest}, this database is at ${here}`] as const]
          : []),
        ...(fault === null ? [] : [['fault', shell.style.warn(printable(fault.detail))] as const]),
      ],
      '  ',
    ),
  ]
}
