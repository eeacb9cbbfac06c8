import { existsSync } from 'node:fs'
import { spawnSync } from 'node:child_process'

/** How long an installation may take, in ms. */
const INSTALL_MS_MAX = 240_000

/** Where Debian's package puts the browser. */
const PRESET = '/usr/bin/chromium'

/** The browser that tests drive: CHROMIUM_PATH, else Debian's; null where there is none. */
export function findChromium(): string | null {
  const path = process.env['CHROMIUM_PATH'] ?? PRESET
  return existsSync(path) ? path : null
}

/** Installs Debian's chromium where it is missing and apt-get may. Says what came of it; failing is no error: tests in a browser are skipped. */
function main(): void {
  const found = findChromium()
  if (found !== null) return console.log(`chromium: ${found}`)
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0)
    return console.log('chromium: not here, and apt-get cannot be used: install it, or set CHROMIUM_PATH')
  const install = (args: readonly string[]) =>
    spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: INSTALL_MS_MAX }).status ===
    0
  const packages = ['install', '--yes', '--no-install-recommends', 'chromium', 'fonts-dejavu-core']
  if (!install(packages)) {
    install(['update'])
    install(packages)
  }
  console.log(`chromium: ${findChromium() ?? 'could not be installed: tests in a browser are skipped'}`)
}

if (import.meta.main) main()
