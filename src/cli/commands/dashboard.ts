import type { Command } from '@commander-js/extra-typings'
import { FaultError } from '../../node/fault-error.ts'
import { defineAction } from '../control/action.ts'
import type { GlobalOptions, Shell } from '../shell.ts'

export const dashboardAction = defineAction({
  name: 'dashboard',
  shape: {},
  run: ({ http, isRunning }): { readonly link: string } => {
    if (http !== null) return { link: http.createLink() }
    const detail = isRunning
      ? 'this node serves no HTTP: start it without "http = none"'
      : 'no node runs here: start it with "hanse up"'
    throw new FaultError({ code: 'OFFLINE', detail })
  },
})

/** `hanse dashboard`: a link for the browser of whoever runs the node. */
export function registerDashboard(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('dashboard')
    .description('print a one-time link to the page on which the running node shows itself')
    .addHelpText('after', '\nExample: hanse dashboard')
    .action(async (_options, self) => {
      const { session } = shell.open(self)
      shell.print(await session.execute(dashboardAction, {}), ({ link }) => link)
    })
}
