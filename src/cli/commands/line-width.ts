import type { Shell } from '../shell.ts'

/** Columns where the output is no terminal: long lines are for programs, which read JSON. */
const WIDTH_PRESET = 200
const WIDTH_MIN = 40

/** How wide a line may be: as wide as the terminal. */
export function lineWidth({ stdout }: Shell): number {
  return stdout.isTTY ? Math.max(WIDTH_MIN, stdout.columns) : WIDTH_PRESET
}
