import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const program = fileURLToPath(new URL('./mdns-main.ts', import.meta.url))
const FOUND_WITHIN_MS = 20_000

/** A network of its own, with nothing in it but a loopback that carries multicast. */
const inOwnNetwork = (command: string) =>
  spawnSync(
    'unshare',
    [
      '--net',
      'sh',
      '-c',
      `ip link set lo up && ip link set lo multicast on && ip route add 224.0.0.0/4 dev lo && ${command}`,
    ],
    { encoding: 'utf8', timeout: FOUND_WITHIN_MS },
  )

test('two nodes on one local network find each other without any address', (context) => {
  if (inOwnNetwork('true').status !== 0) {
    context.skip(
      'this machine does not let the test make a network of its own (unshare --net, ip), so mDNS is not tested',
    )
  }
  const { stdout, stderr } = inOwnNetwork(`"${process.execPath}" "${program}"`)
  expect(stderr).toBe('')
  expect(stdout).toBe('equal\n')
})
