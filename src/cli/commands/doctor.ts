import type { Command } from '@commander-js/extra-typings'
import { FaultError } from '../../node/fault-error.ts'
import { faultOf } from '../../node/fault-of.ts'
import type { NodeConfig } from '../../node/config/config-keys.ts'
import { isDataDirectory } from '../../node/data-directory.ts'
import { defineAction } from '../control/action.ts'
import { AREAS, type Check, fail, ok, warn } from '../doctor/check.ts'
import { EXIT } from '../exit-code.ts'
import { printable } from '../output/printable.ts'
import type { Style } from '../output/style.ts'
import type { Session } from '../session.ts'
import type { GlobalOptions, Shell } from '../shell.ts'

/** How long each dial may take, in ms. */
const DIAL_WITHIN_MS = 5_000

/** `hanse doctor`, as far as it needs a node: a running one, or one that goes online for it. */
export const doctorAction = defineAction({
  name: 'doctor',
  shape: {},
  run: async ({ node, isRunning, http, signal: given }): Promise<{ readonly checks: readonly Check[] }> => {
    // Loaded only where it is asked for, as all that libp2p is needed for.
    const { checkBootstrap, checkClock, checkPeers, checkReachability, checkSpaces } = await import(
      '../doctor/check-node.ts'
    )
    const { network } = node
    const checks = [...checkSpaces(node), ...checkClock(node)]
    if (network === null) return { checks }
    const signal = AbortSignal.any([given, AbortSignal.timeout(DIAL_WITHIN_MS)])
    checks.push(...(await checkBootstrap(network, node.bootstrap, signal)))
    if (!isRunning) return { checks }
    checks.push(...checkReachability(network), ...(await checkPeers(network, signal)))
    checks.push(ok('http', http === null ? 'not served (http = "none")' : `served at ${http.origin}`))
    return { checks }
  },
})

/** `hanse doctor`: what is amiss, why, and what to do. */
export function registerDoctor(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('doctor')
    .description('look for what is amiss: clock, ports, reachability, storage, versions, and what to do')
    .addHelpText(
      'after',
      `
Looks at a running node, or goes online for a moment. Changes nothing. Exit code 1 where something fails; a warning is none.

Examples:
  hanse doctor
  hanse doctor --json | jq '.checks[] | select(.level != "ok")'`,
    )
    .action(async (_options, self) => {
      const flags = self.optsWithGlobals()
      const checks = await diagnose(shell, shell.dataOf(flags), () => shell.open(self).session)
      const sorted = AREAS.flatMap((area) => checks.filter((check) => check.area === area))
      const healthy = sorted.every(({ level }) => level !== 'fail')
      shell.print({ healthy, checks: sorted }, () => formatChecks(sorted, shell.style))
      if (!healthy) shell.exitCode = EXIT.failed
    })
}

async function diagnose(shell: Shell, data: string, open: () => Session): Promise<readonly Check[]> {
  const { checkConfig, checkData, checkKeys, checkOwnClock, checkStorage, checkVersions } = await import(
    '../doctor/check-machine.ts'
  )
  const nowMs = Date.now()
  const checks: Check[] = [...checkVersions(), ...checkOwnClock(nowMs), ...checkData(data)]
  if (!isDataDirectory(data)) return checks
  checks.push(...attempt('keys', () => checkKeys(data)), ...attempt('storage', () => checkStorage(data)))
  let session: Session
  try {
    session = open()
    checks.push(...checkConfig(data, session.config, nowMs))
  } catch (error) {
    return [
      ...checks,
      fail('configuration', faultOf(error).detail, 'mend it: "hanse up --help" tells every key'),
    ]
  }
  shell.interrupted.throwIfAborted()
  return [...checks, ...(await askNode(session, session.config))]
}

async function askNode(session: Session, { listen, http }: NodeConfig): Promise<readonly Check[]> {
  try {
    const { checkPorts } = await import('../doctor/check-machine.ts')
    const isRunning = await session.isRunning()
    const ports = isRunning ? [] : await checkPorts(listen)
    const { checks } = await session.execute(doctorAction, {}, { online: true })
    if (isRunning) return checks
    const notServed =
      http === 'none'
        ? ok('http', 'not served (http = "none")')
        : warn('http', 'no node runs here, so nothing is served', 'start it with "hanse up"')
    return [...ports, ...checks, notServed]
  } catch (error) {
    if (session.signal.aborted) throw error
    return [fail('spaces', faultOf(error).detail, 'see docs/cli.md, "A space that may be damaged"')]
  }
}

function attempt(area: Check['area'], check: () => readonly Check[]): readonly Check[] {
  try {
    return check()
  } catch (error) {
    const why = error instanceof FaultError || error instanceof Error ? error.message : String(error)
    return [fail(area, why, 'give this user the folder and what is in it')]
  }
}

const MARKS = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const

function formatChecks(checks: readonly Check[], style: Style): readonly string[] {
  const paint = { ok: style.good, warn: style.warn, fail: style.bad }
  const width = Math.max(...AREAS.map((area) => area.length))
  const count = (level: Check['level']) => checks.filter((check) => check.level === level).length
  return [
    ...checks.flatMap(({ area, level, found, advice }) => [
      `${paint[level](MARKS[level])}  ${area.padEnd(width)}  ${printable(found)}`,
      ...(advice === null ? [] : [`${' '.repeat(width + 8)}→ ${printable(advice)}`]),
    ]),
    '',
    `${count('ok')} ok, ${count('warn')} to know of, ${count('fail')} to mend`,
  ]
}
