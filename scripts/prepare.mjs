// npm runs this after an install in a checkout, and before it packs: it builds the package, where what that needs is installed.
// Plain JavaScript, because an old Node cannot read anything else.
import { existsSync } from 'node:fs'

const has = (path) => existsSync(new URL(`../node_modules/${path}`, import.meta.url))
const isNewEnough = Number(process.versions.node.split('.')[0]) >= 24

if (isNewEnough && has('esbuild') && has('typescript-7')) {
  const { buildPackage } = await import('./build.ts')
  await buildPackage()
} else {
  // Without it a checkout runs its sources as ever.
  console.error('hanse: not built, because the packages for development are not installed')
}
