import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** What was built: bytes of the files together, as they are and as they are sent. */
export interface DashboardSize {
  readonly bytes: number
  readonly gzipBytes: number
}

/** Builds the page into a folder: app.js, app.css, index.html, icon.svg, and nothing that refers to anywhere else. */
export async function buildDashboard(outDirectory: string): Promise<DashboardSize> {
  const here = import.meta.dirname
  await mkdir(outDirectory, { recursive: true })
  await build({
    entryPoints: [
      { in: join(here, 'main.tsx'), out: 'app' },
      { in: join(here, 'style', 'style.css'), out: 'app' },
    ],
    outdir: outDirectory,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'warning',
  })
  const copied = ['index.html', 'icon.svg']
  await Promise.all(copied.map((name) => copyFile(join(here, name), join(outDirectory, name))))
  const files = await Promise.all(
    ['app.js', 'app.css', ...copied].map((name) => readFile(join(outDirectory, name))),
  )
  const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0)
  return {
    bytes: sum(files.map(({ length }) => length)),
    gzipBytes: sum(files.map((file) => gzipSync(file, { level: 9 }).length)),
  }
}

if (import.meta.main) {
  const { bytes, gzipBytes } = await buildDashboard(join(import.meta.dirname, '..', 'dist', 'dashboard'))
  const kb = (size: number) => `${(size / 1000).toFixed(1)} kB`
  console.log(`dashboard: ${kb(bytes)}, ${kb(gzipBytes)} as gzip`)
}
