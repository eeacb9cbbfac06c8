import { countSockets } from './socket-count.ts'
import type { Answer, Commands, Question, Usage } from './party.ts'

/**
 * The process of one party (see party.ts), built: `node main.js MODULE`. Loads nothing but that module, so that its memory is the
 * module's; answers commands until it is told to stop, or whoever started it is gone.
 */
const sockets = countSockets()
let cpuAtMark = process.cpuUsage()
let socketsAtMark = sockets()

const OWN: Commands = {
  mark: () => {
    cpuAtMark = process.cpuUsage()
    socketsAtMark = sockets()
  },
  usage: (): Usage => {
    const { user, system } = process.cpuUsage(cpuAtMark)
    const now = sockets()
    return {
      cpuSeconds: (user + system) / 1_000_000,
      // Kilobytes on Linux and macOS alike, since Node evens them out.
      peakMb: process.resourceUsage().maxRSS / 1024,
      residentMb: process.memoryUsage.rss() / 1024 / 1024,
      bytesIn: now.bytesIn - socketsAtMark.bytesIn,
      bytesOut: now.bytesOut - socketsAtMark.bytesOut,
      turns: now.turns - socketsAtMark.turns,
    }
  },
}

const { commands } = (await import(process.argv[2] as string)) as { readonly commands: Commands }

async function answer({ id, command, value }: Question): Promise<Answer> {
  const run = OWN[command] ?? commands[command]
  try {
    if (run === undefined) throw new Error(`there is no command ${command}`)
    return { id, value: await run(value as never), error: null }
  } catch (error) {
    return {
      id,
      value: undefined,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }
  }
}

process.on('message', (question: Question) => {
  void answer(question).then((given) => process.send?.(given))
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
