import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, describe, expect, it } from 'vitest'

const script = new URL('../../scripts/replay-text.ts', import.meta.url).pathname
const trace = new URL('../core/types/text/traces/friendsforever.concurrent.json', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'hanse-replay-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function replay(...args: readonly string[]) {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  if (child.exitCode === null) await once(child, 'exit')
  return { code: child.exitCode, stdout, stderr }
}

describe('npm run replay-text', () => {
  it('replays what two people typed at once, and says that it ends as recorded', async () => {
    const { code, stdout } = await replay(trace, '--json')
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      {
        matches: true,
        edits: 1_500,
        seconds: expect.any(Number) as number,
        bytes: expect.any(Number) as number,
        operations: expect.any(Number) as number,
        openSeconds: expect.any(Number) as number,
      },
    ])
  })

  it('says so where it does not', async () => {
    const whole = JSON.parse(readFileSync(trace, 'utf8')) as { txns: unknown[] }
    const file = join(folder, 'other.json')
    writeFileSync(
      file,
      JSON.stringify({ ...whole, endContent: 'something else', txns: whole.txns.slice(0, 40) }),
    )
    expect(await replay(file)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(
        /^DOES NOT match the recorded text: 40 edits in \d+ operations, /,
      ) as string,
    })
    expect(await replay(file, '--each')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('40 edits in 40 operations') as string,
    })
  })

  it('refuses what is no recording', async () => {
    const file = join(folder, 'none.json')
    writeFileSync(file, '[]')
    expect(await replay(file)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no recording') as string,
    })
    expect(await replay()).toMatchObject({ code: 2, stderr: expect.stringContaining('Usage') as string })
  })
})
