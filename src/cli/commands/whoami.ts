import type { Command } from '@commander-js/extra-typings'
import type { KeyState } from '../../node/identity.ts'
import { defineAction } from '../control/action.ts'
import { printable } from '../output/printable.ts'
import { formatPairs } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { formatKeyState } from './identity.ts'

export interface Whoami {
  /** `did:key` of the author. */
  readonly did: string
  readonly peerId: string
  /** Whether the author key may be written with; the worst of its states in all spaces. */
  readonly state: KeyState
  /** True where a node is running on the data directory. */
  readonly running: boolean
  /** Of the running node. */
  readonly pid: number | null
  /** Where others can dial it. */
  readonly addresses: readonly string[]
  readonly spaces: number
}

export const whoamiAction = defineAction({
  name: 'whoami',
  shape: {},
  run: ({ node, isRunning }): Whoami => ({
    did: node.did,
    peerId: node.peerId,
    state: node.identity.status().state,
    running: isRunning,
    pid: isRunning ? process.pid : null,
    addresses: node.addresses,
    spaces: node.spaces().length,
  }),
})

/** `hanse whoami`: the two identities of this node. */
export function registerWhoami(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('whoami')
    .description('show who this node is: author, peer, addresses')
    .action(async (_options, self) => {
      const { session } = shell.open(self)
      const outcome = await session.execute(whoamiAction, {})
      shell.print({ ...outcome, data: session.data }, ({ did, peerId, state, pid, addresses, spaces }) => [
        ...formatPairs([
          ['author', did],
          ['peer', peerId],
          ['key', formatKeyState(state, shell.style)],
          ['data', printable(session.data)],
          ['node', pid === null ? 'not running: start it with "hanse up"' : `running, process ${pid}`],
          ['spaces', String(spaces)],
          ...addresses.map((address, index) => [index === 0 ? 'addresses' : '', printable(address)] as const),
        ]),
      ])
    })
}
