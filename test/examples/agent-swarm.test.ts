import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const main = fileURLToPath(new URL('../../examples/agent-swarm/main.ts', import.meta.url))

describe('examples/agent-swarm', () => {
  it('runs by one command: agents on two nodes divide the work, relate what they find, and a reader tells of it', async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [main], { timeout: 170_000 })
    expect(stderr).toBe('')
    expect(stdout).toContain('It was Wulf the pilot.')
    expect(stdout.match(/✓/g)).toHaveLength(4)
    expect(stdout).not.toContain('✗')
    // Several have told of something, and each place was told of once.
    const tellers = new Set(stdout.matchAll(/ s {2}(\w+) +at the /g).map(([, name]) => name))
    expect(tellers.size).toBeGreaterThan(1)
    expect(stdout.match(/ s {2}\w+ +at the /g)).toHaveLength(10)
  }, 180_000)
})
