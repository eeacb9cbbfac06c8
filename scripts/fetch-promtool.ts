import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Puts Prometheus' own checker of metrics (`promtool`, of Debian's package `prometheus`) where test/http/clients.test.ts looks for it:
 * node_modules/.cache/promtool. Nothing is installed; the package is only unpacked. A download of some 20 MB. Says what came of it; failing
 * is no error: the test that needs it is skipped, by name.
 */
const TARGET = join(import.meta.dirname, '../node_modules/.cache/promtool')
const DOWNLOAD_MS_MAX = 2 * 60 * 1000

function fetchInto(folder: string): boolean {
  const run = (command: string, ...args: readonly string[]) =>
    spawnSync(command, args, {
      cwd: folder,
      timeout: DOWNLOAD_MS_MAX,
      stdio: ['ignore', 'ignore', 'inherit'],
    }).status === 0
  const download = () => run('apt-get', 'download', 'prometheus')
  if (!download() && !(run('apt-get', 'update') && download())) return false
  const file = readdirSync(folder).find((name) => name.endsWith('.deb'))
  if (file === undefined || !run('dpkg-deb', '-x', file, 'unpacked')) return false
  mkdirSync(join(TARGET, '..'), { recursive: true })
  copyFileSync(join(folder, 'unpacked/usr/bin/promtool'), TARGET)
  return true
}

function main(): void {
  if (existsSync(TARGET)) return console.log(`promtool: ${TARGET}`)
  const folder = mkdtempSync(join(tmpdir(), 'promtool-'))
  try {
    const isThere = fetchInto(folder)
    console.log(`promtool: ${isThere ? TARGET : 'could not be fetched: the test with it is skipped'}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

main()
