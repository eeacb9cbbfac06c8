import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { absentFrom, checkImports, modulesKnownToGit } from '../../scripts/check-imports.ts'

const projectRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** A tree in which every arrow points down, one module for each layer. */
const goodTree: Readonly<Record<string, string>> = {
  'src/core/result.ts': `import { hash } from 'node:crypto'\nexport const result = hash\n`,
  'src/core/log.ts': `import { result } from './result.ts'\nexport const log = result\n`,
  'src/storage/memory.ts': `import { log } from '../core/log.ts'\nexport const memory = log\n`,
  'protocols/sync/codec.ts': `import { log } from '../../src/core/log.ts'\nexport const codec = log\n`,
  'protocols/sync/index.ts': `export * from './codec.ts'\n`,
  'protocols/introduce/index.ts': `export const introduce = 1\n`,
  'src/node/node.ts': `import '../storage/memory.ts'\nimport '../../protocols/sync/index.ts'\nexport const node = 1\n`,
  'src/cli/main.ts': `import '../node/node.ts'\nexport const cli = 1\n`,
  'src/demo/main.ts': `import '../node/node.ts'\nexport const demo = 1\n`,
  'src/index.ts': `export * from './node/node.ts'\n`,
  'bootstrap/main.ts': `import '../protocols/introduce/index.ts'\nexport const bootstrap = 1\n`,
  'test/harness.ts': `export const harness = 1\n`,
}

/** One import that must be refused: the file that holds it, what it imports, and the rule that says so. */
const badArrows = [
  ['src/core/a.ts', '../storage/memory.ts', 'core-imports-core'],
  ['src/core/b.ts', '../node/node.ts', 'core-imports-core'],
  ['src/core/c.ts', '../../protocols/sync/codec.ts', 'core-imports-core'],
  ['src/core/d.ts', 'node:fs', 'core-is-pure'],
  ['src/core/e.ts', 'libp2p', 'core-is-pure'],
  ['src/storage/a.ts', '../node/node.ts', 'storage-imports-core'],
  ['src/storage/b.ts', '../../protocols/sync/index.ts', 'storage-imports-core'],
  ['protocols/sync/a.ts', '../introduce/index.ts', 'protocols-import-core-and-themselves'],
  ['protocols/sync/b.ts', '../../src/node/node.ts', 'protocols-import-core-and-themselves'],
  ['protocols/sync/c.ts', '../../src/storage/memory.ts', 'protocols-import-core-and-themselves'],
  ['src/node/a.ts', '../cli/main.ts', 'node-imports-below'],
  ['src/node/b.ts', '../../bootstrap/main.ts', 'node-imports-below'],
  ['src/node/c.ts', '../../test/harness.ts', 'node-imports-below'],
  ['src/cli/a.ts', '../demo/main.ts', 'cli-imports-doors-and-below'],
  ['src/http/a.ts', '../cli/main.ts', 'http-imports-mcp-and-below'],
  ['src/mcp/a.ts', '../cli/main.ts', 'mcp-imports-node-and-below'],
  ['src/peer/a.ts', '../cli/main.ts', 'peer-imports-node-and-below'],
  ['src/demo/a.ts', '../../bootstrap/main.ts', 'demo-imports-node-and-below'],
  ['src/demo/b.ts', '../cli/main.ts', 'demo-imports-node-and-below'],
  ['bootstrap/a.ts', '../src/node/node.ts', 'bootstrap-imports-protocols-and-core'],
  ['bootstrap/b.ts', '../src/storage/memory.ts', 'bootstrap-imports-protocols-and-core'],
  ['src/utils/a.ts', '../core/log.ts', 'no-unknown-layer'],
  ['src/node/d.ts', './absent.ts', 'no-unresolvable'],
] as const

const roots: string[] = []

function plant(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'hanse-imports-'))
  roots.push(root)
  for (const [path, text] of Object.entries({ 'package.json': '{}', ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true })
})

describe('imports of this project', () => {
  it('are all looked at, and every arrow points down', async () => {
    const known = modulesKnownToGit(projectRoot)
    const report = await checkImports(projectRoot)

    expect(known.length).toBeGreaterThan(0)
    expect(report.modules).toEqual(known)
    expect(report.imports).toBeGreaterThan(0)
    expect(report.badImports).toEqual([])
  })
})

describe('the check of imports', () => {
  it('accepts a tree in which every arrow points down', async () => {
    const report = await checkImports(plant(goodTree))
    expect(report.badImports).toEqual([])
    expect(report.modules).toEqual(
      Object.keys(goodTree)
        .filter((path) => !path.startsWith('test/'))
        .toSorted(),
    )
  })

  it.each(['import', 'import type', 'export from'])(
    'reports each planted bad arrow made with %s',
    async (form) => {
      const statement = (to: string): string => {
        if (form === 'export from') return `export * from '${to}'\n`
        return form === 'import'
          ? `import * as bad from '${to}'\nexport const used = bad\n`
          : `import type * as bad from '${to}'\nexport type Used = typeof bad\n`
      }
      const planted = Object.fromEntries(badArrows.map(([from, to]) => [from, statement(to)]))
      const { badImports } = await checkImports(plant({ ...goodTree, ...planted }))
      const reported = new Set(badImports.map(({ rule, from }) => `${from}: ${rule}`))
      for (const [from, , rule] of badArrows) expect(reported).toContain(`${from}: ${rule}`)
    },
  )

  it('reports a dynamic import and a cycle', async () => {
    const { badImports } = await checkImports(
      plant({
        ...goodTree,
        'src/core/late.ts': `export const late = () => import('../node/node.ts')\n`,
        'src/core/hen.ts': `import type { Egg } from './egg.ts'\nexport interface Hen { egg: Egg }\n`,
        'src/core/egg.ts': `import type { Hen } from './hen.ts'\nexport interface Egg { hen: Hen }\n`,
      }),
    )
    const reported = badImports.map(({ rule, from }) => `${from}: ${rule}`)
    expect(reported).toContain('src/core/late.ts: core-imports-core')
    expect(reported.filter((line) => line.endsWith(': no-cycle'))).toHaveLength(1)
  })

  it('reports a package that only developers install', async () => {
    const { badImports } = await checkImports(
      plant({
        ...goodTree,
        'package.json': JSON.stringify({
          dependencies: { given: '1.0.0' },
          devDependencies: { missing: '1.0.0' },
        }),
        'node_modules/given/package.json': JSON.stringify({ name: 'given', main: 'index.js' }),
        'node_modules/given/index.js': '',
        'node_modules/missing/package.json': JSON.stringify({ name: 'missing', main: 'index.js' }),
        'node_modules/missing/index.js': '',
        'src/node/packages.ts': `import 'given'\nimport 'missing'\nexport const packages = 2\n`,
      }),
    )
    expect(badImports.map(({ rule, to }) => `${rule}: ${to}`)).toEqual([
      'no-undeclared-package: node_modules/missing/index.js',
    ])
  })

  it('names the modules that a cruiser did not open', () => {
    expect(absentFrom(['src/a.ts'], ['src/a.ts', 'src/b.ts'])).toEqual(['src/b.ts'])
    expect(absentFrom([], ['src/a.ts'])).toEqual(['src/a.ts'])
  })
})
