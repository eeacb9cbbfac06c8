#!/usr/bin/env node
import { start } from './start.mjs'

await start({ name: 'hanse', sources: 'src/cli/main.ts', built: 'dist/hanse.js' })
