import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildPrograms } from '../scripts/build.ts'

/** Files of a party's process, both JavaScript. */
export interface BuiltParty {
  readonly main: string
  readonly module: string
}

const root = dirname(import.meta.dirname)
const building = new Map<string, Promise<BuiltParty>>()

/**
 * A party as it would be installed: built as the package is (scripts/build.ts), because what takes the types out of sources, and what keeps them
 * without, is 15 MB of whoever runs a checkout, and nobody's of those compared. Once in a process; packages stay outside.
 */
export async function builtParty(module: URL): Promise<BuiltParty> {
  let built = building.get(module.href)
  if (built === undefined) {
    built = build(fileURLToPath(module))
    building.set(module.href, built)
  }
  return await built
}

async function build(module: string): Promise<BuiltParty> {
  // Below the module's own packages, so that they are found.
  const outdir = join(
    packageOf(module),
    'node_modules',
    '.cache',
    'bench',
    hash('sha256', module).slice(0, 16),
  )
  await rm(outdir, { recursive: true, force: true })
  const main = join(import.meta.dirname, 'party-main.ts')
  await buildPrograms(outdir, { main: relative(root, main), module: relative(root, module) })
  return { main: join(outdir, 'main.js'), module: join(outdir, 'module.js') }
}

function packageOf(file: string): string {
  const folder = dirname(file)
  return existsSync(join(folder, 'package.json')) ? folder : packageOf(folder)
}
