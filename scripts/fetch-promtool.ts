import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Puts Prometheus' own checker of metrics (`promtool`, of Debian's package `prometheus`) where test/http/clients.test.ts looks for it:
 * node_modules/.cache/promtool. Nothing is installed; the package is only unpacked. A download of some 20 MB.
 */
const TARGET = join(import.meta.dirname, '../node_modules/.cache/promtool')
const DOWNLOAD_MS_MAX = 5 * 60 * 1000

if (existsSync(TARGET)) process.exit(0)
const folder = mkdtempSync(join(tmpdir(), 'promtool-'))
try {
  const options = { cwd: folder, timeout: DOWNLOAD_MS_MAX, stdio: 'inherit' } as const
  execFileSync('apt-get', ['download', 'prometheus'], options)
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.deb'))
  if (file === undefined) throw new Error('apt-get has downloaded no package')
  execFileSync('dpkg-deb', ['-x', file, 'unpacked'], options)
  mkdirSync(join(TARGET, '..'), { recursive: true })
  copyFileSync(join(folder, 'unpacked/usr/bin/promtool'), TARGET)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
