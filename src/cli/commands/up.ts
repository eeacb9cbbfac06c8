import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from '@commander-js/extra-typings'
import { DATA_DIRECTORY_WAIT_MS, NODE_STOP_TIMEOUT_MS } from '../../core/limits.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { HanseNode } from '../../node/node.ts'
import type { NodeOptions } from '../../node/node-options.ts'
import { addConfigFlags } from '../config-flags.ts'
import type { ArgumentsOf } from '../control/action.ts'
import { connectControl } from '../control/control-client.ts'
import { socketPathOf } from '../control/socket-path.ts'
import { faultOf } from '../../node/fault-of.ts'
import type { Session } from '../session.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { serveHttp } from '../serve-http.ts'
import { type inviteAction, inviteOf } from './invite.ts'
import { watchTables } from '../watch-tables.ts'
import { UpReport } from './up-report.ts'

/** Pause between two tries to open a data directory that a short command has open, in ms. */
const TRY_AGAIN_MS = 50

/** `hanse up`: the node itself, until Ctrl-C or SIGTERM. */
export function registerUp(program: Command<[], GlobalOptions>, shell: Shell): void {
  const command = program
    .command('up')
    .description('run the node in the foreground, until Ctrl-C')
    .option('--invite <role>', 'print a link with which somebody joins, as a reader, writer or admin')
    .addHelpText(
      'after',
      '\nFlags override the environment, which overrides config.toml in the data directory.\nWith --json, events come as one JSON object a line: listening, unreadable, connect, sync, fork, log, table, fault, stopped.',
    )
  addConfigFlags(command).action(async ({ invite }, self) => {
    const { session, space } = shell.open(self)
    const report = new UpReport(shell)
    const options = {
      ...session.config,
      dataDirectory: session.data,
      log: (message: string) => report.log(message),
    }
    surviveStrayErrors(report)
    const node = await openDirectory(options, shell.interrupted)
    if (node === null) return
    const inviting = invite === undefined ? null : { space, role: invite, path: '' }
    await serve(node, { session, inviting }, shell, report)
  })
}

/** What is served, and what link is told with it. */
interface Serving {
  readonly session: Session
  readonly inviting: ArgumentsOf<typeof inviteAction.shape> | null
}

async function serve(
  node: HanseNode,
  { session: { data, config }, inviting }: Serving,
  shell: Shell,
  report: UpReport,
): Promise<void> {
  const { ACTIONS } = await import('../actions.ts')
  const { ControlServer } = await import('../control/control-server.ts')
  const { prepareSocketPath, removeSocket } = await import('../control/socket-path.ts')
  let server: InstanceType<typeof ControlServer> | null = null
  let http: Awaited<ReturnType<typeof serveHttp>> = null
  let remotes: Awaited<ReturnType<typeof startRemotes>> | null = null
  try {
    refuseWithoutSpaces(node)
    const path = prepareSocketPath(data)
    http = await serveHttp(node, config, (error) => report.fault(faultOf(error)))
    server = new ControlServer({ node, actions: ACTIONS, http, path })
    await server.start()
    const invite = inviting === null ? null : inviteOf(node, inviting).link
    report.listening(node, { data, socket: path, http, invite })
    report.watch(node)
    watchTables(node, config.tablePollIntervalMs, (...trouble) => report.table(...trouble))
    remotes = await startRemotes(node)
    await untilAborted(shell.interrupted)
    report.stopping()
  } finally {
    const stopped = async () => {
      await remotes?.stop()
      await server?.stop()
      await http?.stop()
      if (server !== null) removeSocket(data)
      await node.stop()
    }
    await Promise.race([stopped(), wait(NODE_STOP_TIMEOUT_MS, undefined, { ref: false })])
  }
  report.stopped()
}

/** Remotes are synced with by their schedules from now on. */
async function startRemotes(node: HanseNode) {
  const { RemoteWorkers } = await import('../../node/remotes/schedule.ts')
  const workers = new RemoteWorkers(node)
  workers.start()
  return workers
}

/** Opens the node; waits for short commands that have the directory, and refuses to be a second node on it. Null when interrupted. */
async function openDirectory(
  options: NodeOptions & { readonly dataDirectory: string },
  signal: AbortSignal,
): Promise<HanseNode | null> {
  const { openNode } = await import('../open-node.ts')
  const { dataDirectory } = options
  const deadlineMs = Date.now() + DATA_DIRECTORY_WAIT_MS
  while (!signal.aborted) {
    try {
      return await openNode(options)
    } catch (error) {
      if (!(error instanceof FaultError) || error.code !== 'IN_USE') throw error
    }
    const running = await connectControl(socketPathOf(dataDirectory))
    running?.close()
    if (running !== null) {
      throw new FaultError({
        code: 'IN_USE',
        detail: `a node is running on ${dataDirectory} already: stop it, or name another folder with --data`,
      })
    }
    if (Date.now() >= deadlineMs) {
      throw new FaultError({
        code: 'IN_USE',
        detail: `${dataDirectory} is in use by another command: try again when it is done`,
      })
    }
    await wait(TRY_AGAIN_MS)
  }
  return null
}

/** A node all of whose spaces are damaged has nothing to do but to hide that. */
function refuseWithoutSpaces(node: HanseNode): void {
  const [fault] = node.unreadableSpaces
  if (fault !== undefined && node.spaces().length === 0) throw new FaultError(fault)
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  // A timer that is due in 24 days, because nothing else need keep an idle process alive.
  const alive = setInterval(() => {}, 2 ** 31 - 1)
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  clearInterval(alive)
}

/** An error that escaped from a library must not end a node that others rely on; it is reported. The stores are whole at every moment. */
function surviveStrayErrors(report: UpReport): void {
  const survive = (error: unknown) => report.fault(faultOf(error))
  process.on('uncaughtException', survive)
  process.on('unhandledRejection', survive)
}
