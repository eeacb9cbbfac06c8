import type { Command } from '@commander-js/extra-typings'
import { formatPairs } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { VERSION } from '../version.ts'

/** `hanse version`: this program, and what it can talk to and read. */
export function registerVersion(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('version')
    .description('show the versions of this program, its protocols and its files')
    .addHelpText('after', '\nExamples:\n  hanse version\n  hanse version --json | jq -r .protocols.sync')
    .action(async () => {
      // Loaded only where it is asked for.
      const [{ SYNC_PROTOCOL }, { BLOBS_PROTOCOL }, { INTRODUCTION_PROTOCOL }, { SCHEMA_VERSION }] =
        await Promise.all([
          import('../../../protocols/sync/index.ts'),
          import('../../../protocols/blobs/index.ts'),
          import('../../../protocols/introduction/index.ts'),
          import('../../storage/sqlite/schema.ts'),
        ])
      const protocols = { sync: SYNC_PROTOCOL, blobs: BLOBS_PROTOCOL, introduction: INTRODUCTION_PROTOCOL }
      const versions = { hanse: VERSION, node: process.versions.node, protocols, schema: SCHEMA_VERSION }
      shell.print(versions, () =>
        formatPairs([
          ['hanse', VERSION],
          ['node', process.versions.node],
          ...Object.values(protocols).map((id, index) => [index === 0 ? 'protocols' : '', id] as const),
          ['schema', `${SCHEMA_VERSION} of a space's file`],
        ]),
      )
    })
}
