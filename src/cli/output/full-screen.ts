const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H'
const CLEAR_LINE = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'
const CTRL_C = '\u0003'

/** What a screen holds, in columns and lines. */
export interface Frame {
  readonly columns: number
  readonly rows: number
}

/** What a terminal has to show besides its keys. */
export interface FullScreenInit {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  /** `q` or Ctrl-C, which is a key while the screen is ours. */
  readonly onQuit: () => void
  readonly onResize: () => void
}

/**
 * The terminal as one page that is drawn again and again. What was there before comes back at the end, however the process ends
 * (but by SIGKILL): `leave` may be called any number of times.
 */
export class FullScreen {
  readonly #init: FullScreenInit
  readonly #onKeys = (keys: Buffer) => {
    const text = keys.toString()
    if (text.includes('q') || text.includes('Q') || text.includes(CTRL_C)) this.#init.onQuit()
  }
  readonly #onExit = () => this.leave()
  #isEntered = false

  constructor(init: FullScreenInit) {
    this.#init = init
  }

  enter(): void {
    const { stdin, stdout, onResize } = this.#init
    this.#isEntered = true
    process.once('exit', this.#onExit)
    stdout.write(ENTER)
    stdout.on('resize', onResize)
    if (!stdin.isTTY) return
    stdin.setRawMode(true)
    stdin.on('data', this.#onKeys)
    stdin.resume()
  }

  get frame(): Frame {
    const { columns, rows } = this.#init.stdout
    return { columns: Math.max(20, columns), rows: Math.max(4, rows) }
  }

  /** Lines of the width of the frame at most, no more than it has. */
  draw(lines: readonly string[]): void {
    // Line by line and not cleared before, so that nothing flickers.
    this.#init.stdout.write(
      `${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`,
    )
  }

  leave(): void {
    if (!this.#isEntered) return
    this.#isEntered = false
    const { stdin, stdout, onResize } = this.#init
    process.off('exit', this.#onExit)
    stdout.off('resize', onResize)
    stdout.write(LEAVE)
    if (!stdin.isTTY) return
    stdin.off('data', this.#onKeys)
    stdin.setRawMode(false)
    stdin.pause()
  }
}
