import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build, type Plugin } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** What the package runs, by the name it has in `dist/`. */
const ENTRIES: Readonly<Record<string, string>> = {
  index: 'src/index.ts',
  peer: 'src/peer/index.ts',
  hanse: 'src/cli/main.ts',
  'hanse-bootstrap': 'bootstrap/main.ts',
}

/** Programs that others start by their file (workers, children): they have the name of their source, by which `atHome` finds them. */
const STARTED: Readonly<Record<string, string>> = {
  'signature-worker': 'src/node/verification/signature-worker.ts',
  'query-main': 'src/node/query/query-main.ts',
  'watchdog-main': 'src/node/query/watchdog-main.ts',
}

/** The oldest Node that runs it: `bin/start.mjs` and `engines` say the same. */
const TARGET = 'node24'

/** Longest time for the declarations, in ms. */
const TYPES_TIMEOUT_MS = 180_000

/** What was made. */
export interface Built {
  readonly files: number
  /** JavaScript in bytes, without declarations and the dashboard. */
  readonly bytes: number
  /** Of the dashboard, in bytes, as it is and as it is sent; null where there is none. */
  readonly dashboard: { readonly bytes: number; readonly gzipBytes: number } | null
}

/**
 * Makes `dist/` anew: the JavaScript of src, protocols and bootstrap, bundled because a few dozen files load several times faster than
 * four hundred; its declarations; the dashboard. Packages stay outside: whoever installs Hanse gets them, and shares libp2p's with us.
 *
 * Node strips no types below node_modules, so an installed package cannot run its sources, as a checkout does.
 */
export async function buildPackage(outdir = join(root, 'dist')): Promise<Built> {
  await rm(outdir, { recursive: true, force: true })
  const outputs = await buildPrograms(outdir, ENTRIES)
  await buildTypes(outdir)
  const dashboard = await buildDashboard(outdir)
  return { files: outputs.length, bytes: outputs.reduce((sum, { bytes }) => sum + bytes, 0), dashboard }
}

/**
 * Bundles programs of this project, by name, into `outdir`, and whatever they start by its file. Resolves with the files written.
 * Also for benchmarks, which measure what is installed.
 */
export async function buildPrograms(
  outdir: string,
  programs: Readonly<Record<string, string>>,
): Promise<readonly { readonly bytes: number }[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { ...STARTED, ...programs },
    outdir,
    bundle: true,
    // What two entries need is there once, with its state.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: TARGET,
    packages: 'external',
    // In one folder, so that every chunk is as far from the package's root as the entries.
    chunkNames: 'chunk-[hash]',
    minifySyntax: true,
    metafile: true,
    logLevel: 'warning',
    plugins: [atHome(outdir)],
  })
  return Object.values(metafile.outputs)
}

/** `new URL('…', import.meta.url)` in a source becomes what it is from the output: an entry, or a file of the package. */
const atHome = (outdir: string): Plugin => ({
  name: 'files beside the program',
  setup: (bundler) => {
    bundler.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      if (!source.includes('import.meta.url')) return null
      const contents = source.replaceAll(
        /new URL\('([^']+)', import\.meta\.url\)/g,
        (_all, file: string) =>
          `new URL(${JSON.stringify(fromOutput(outdir, resolve(dirname(path), file), file))}, import.meta.url)`,
      )
      if (contents === source)
        throw new Error(`${path} uses import.meta.url in a way that is not understood here`)
      return { contents, loader: 'ts' }
    })
  },
})

function fromOutput(outdir: string, target: string, written: string): string {
  if (!target.endsWith('.ts')) return `${relative(outdir, target)}${written.endsWith('/') ? '/' : ''}`
  const inRoot = relative(root, target)
  const name = basename(target, '.ts')
  if (STARTED[name] !== inRoot)
    throw new Error(`${inRoot} is started by its file: make it an entry of ${import.meta.filename}`)
  return `./${name}.js`
}

/** The declarations of the library and of all it names, below `dist/types`. */
async function buildTypes(outdir: string): Promise<void> {
  const tsc = join(root, 'node_modules', 'typescript-7', 'bin', 'tsc')
  const project = join(root, 'scripts', 'declarations.tsconfig.json')
  await promisify(execFile)(
    process.execPath,
    [tsc, '--project', project, '--outDir', join(outdir, 'types')],
    { cwd: root, timeout: TYPES_TIMEOUT_MS },
  )
}

/** The page has a build of its own; where there is none, the package has no page. */
async function buildDashboard(outdir: string): Promise<Built['dashboard']> {
  const program = join(root, 'dashboard', 'build.ts')
  if (!existsSync(program)) return null
  const { buildDashboard: run } = (await import(pathToFileURL(program).href)) as {
    readonly buildDashboard: (outdir: string) => Promise<NonNullable<Built['dashboard']>>
  }
  return await run(join(outdir, 'dashboard'))
}

if (import.meta.main) {
  const { files, bytes, dashboard } = await buildPackage()
  console.log(`dist: ${files} files, ${Math.round(bytes / 1024)} KiB of JavaScript`)
  if (dashboard !== null) {
    const [whole, sent] = [dashboard.bytes, dashboard.gzipBytes].map((size) => (size / 1000).toFixed(1))
    console.log(`dist/dashboard: ${whole} kB, ${sent} kB as gzip`)
  }
}
