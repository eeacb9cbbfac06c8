import { execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Installs the peers that Hanse is measured beside, where their lock is another than the one they were last installed from. */
export function installPeers(): void {
  const folder = fileURLToPath(new URL('peers', import.meta.url))
  const lock = hash('sha256', readFileSync(join(folder, 'package-lock.json')))
  const stamp = join(folder, 'node_modules', '.installed-from')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  process.stderr.write('Installing the peers that Hanse is measured beside (bench/peers) …\n')
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  writeFileSync(stamp, lock)
}
