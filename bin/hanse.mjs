#!/usr/bin/env node
import { start } from './start.mjs'

const isLasting = process.argv.includes('up')
await start({ name: 'hanse', sources: 'src/cli/main.ts', built: 'dist/hanse.js', isLasting })
