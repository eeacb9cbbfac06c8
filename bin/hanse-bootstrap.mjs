#!/usr/bin/env node
import { start } from './start.mjs'

await start({
  name: 'hanse-bootstrap',
  sources: 'bootstrap/main.ts',
  built: 'dist/hanse-bootstrap.js',
  isLasting: true,
})
