import { writePage } from './write-page.ts'

/** Makes docs/benchmarks.md and the README's table again from bench/results: `npm run bench:page`. */
writePage()
