import type { Command } from '@commander-js/extra-typings'
import { formatJson } from '../../core/json.ts'
import { CONTROL_SILENCE_MS } from '../../core/limits.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import { defineAction } from '../control/action.ts'
import { parseDuration } from '../duration.ts'
import { FullScreen } from '../output/full-screen.ts'
import type { Session } from '../session.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { renderTop } from '../top/render.ts'
import { emitSamples, takeSample, type TopSample } from '../top/sample.ts'
import { VERSION } from '../version.ts'

const EVERY_MS = 1_000

export const topAction = defineAction<
  { readonly everyMs: 'integer'; readonly count: 'integer' },
  Record<string, never>,
  TopSample
>({
  name: 'top',
  shape: { everyMs: 'integer', count: 'integer' },
  run: async ({ node, http, signal, emit }, { everyMs, count }) => {
    const take = () => takeSample(node, { version: VERSION, http: http?.origin ?? null })
    await emitSamples(take, { everyMs: Math.max(100, everyMs), count }, { emit, signal })
    return {}
  },
})

/** `hanse top`: the running node at a glance, again and again. */
export function registerTop(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('top')
    .description('watch the running node: spaces, peers, rates, memory; q ends it')
    .option('--every <duration>', 'from one look to the next', '1s')
    .option('--once', 'one look; what there is where the output is no terminal')
    .addHelpText(
      'after',
      '\nWith --json, one look comes as one JSON object a line.\n\nExamples:\n  hanse top\n  hanse top --every 5s\n  hanse top --once --json',
    )
    .action(async ({ every, once }, self) => {
      const everyMs = every === '1s' ? EVERY_MS : orThrow(parseDuration(every, '--every'))
      const { session } = shell.open(self)
      if (!(await session.isRunning()))
        throw new FaultError({ code: 'OFFLINE', detail: 'no node runs here: start it with "hanse up"' })
      const isWatched = once !== true && (shell.isJson || shell.stdout.isTTY)
      const ask = async (onEvent: (sample: TopSample) => void | Promise<void>) =>
        await session.execute(
          topAction,
          { everyMs, count: isWatched ? 0 : 1 },
          { onEvent, silenceMs: everyMs + CONTROL_SILENCE_MS },
        )
      try {
        if (shell.isJson) await ask(async (sample) => await shell.writeAll(`${formatJson(sample)}\n`))
        else if (isWatched) await watch(shell, session, ask)
        else await ask((sample) => shell.write(`${renderTop(sample, null, shell.style, null).join('\n')}\n`))
      } catch (error) {
        // Being ended is how it ends.
        if (!shell.interrupted.aborted) throw error
      }
    })
}

async function watch(
  shell: Shell,
  session: Session,
  ask: (onEvent: (sample: TopSample) => void) => Promise<unknown>,
): Promise<void> {
  let last: TopSample | null = null
  let before: TopSample | null = null
  const draw = () => {
    if (last !== null) screen.draw(renderTop(last, before, shell.style, screen.frame))
  }
  const { stdin, stdout } = shell
  const screen = new FullScreen({ stdin, stdout, onQuit: () => shell.interrupt(), onResize: draw })
  session.signal.throwIfAborted()
  screen.enter()
  try {
    await ask((sample) => {
      before = last
      last = sample
      draw()
    })
  } finally {
    screen.leave()
  }
}
