import { X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { BLOBS_PROTOCOL } from '../../../protocols/blobs/index.ts'
import { INTRODUCTION_PROTOCOL } from '../../../protocols/introduction/index.ts'
import { SYNC_PROTOCOL } from '../../../protocols/sync/index.ts'
import { configFileOf } from '../../node/config/config-file.ts'
import type { NodeConfig } from '../../node/config/config-keys.ts'
import { isDataDirectory } from '../../node/data-directory.ts'
import { sodium } from '../../node/verification/sodium.ts'
import { inspectSpaceFile } from '../../storage/sqlite/inspect.ts'
import { SCHEMA_VERSION } from '../../storage/sqlite/schema.ts'
import { formatAmount, formatBytes, formatMoment } from '../output/human.ts'
import { VERSION } from '../version.ts'
import { type Check, fail, ok, warn } from './check.ts'

/** The oldest Node that runs this; `bin/start.mjs` has the same. */
const NODE_MAJOR_MIN = 24
/** Free bytes below which a disk is nearly full, and below which writing is about to fail. */
const FREE_BYTES_LOW = 1024 ** 3
const FREE_BYTES_MIN = 64 * 1024 ** 2
/** How long before its end a certificate is told of, in ms. */
const CERTIFICATE_WARNING_MS = 14 * 24 * 60 * 60 * 1000
/** No clock that is right shows less: 2026-11-01. A clock that stopped with its battery shows 1970, or when the machine was made. */
const CLOCK_EARLIEST_MS = 1_793_491_200_000

/** Node, this program, what it speaks, and what it checks signatures with. */
export function checkVersions(): readonly Check[] {
  const { node } = process.versions
  const protocols = [SYNC_PROTOCOL, BLOBS_PROTOCOL, INTRODUCTION_PROTOCOL].join(', ')
  return [
    Number(node.split('.')[0]) >= NODE_MAJOR_MIN
      ? ok('versions', `Hanse ${VERSION} on Node ${node}`)
      : fail('versions', `Hanse ${VERSION} on Node ${node}`, `install Node ${NODE_MAJOR_MIN} or newer`),
    ok('versions', `speaks ${protocols}; spaces are kept in schema ${SCHEMA_VERSION}`),
    sodium === null
      ? warn(
          'versions',
          'libsodium is not there, so signatures are checked by Node, some 40 % slower',
          'install the package again on this machine: sodium-native has binaries for common platforms',
        )
      : ok('versions', 'signatures are checked by libsodium'),
  ]
}

/** The folder: there, writable, with room. */
export function checkData(data: string): readonly Check[] {
  if (!isDataDirectory(data))
    return [fail('data', `${data} is not a data directory`, 'run "hanse init", or name another with --data')]
  const probe = join(data, `doctor-${process.pid}`)
  try {
    writeFileSync(probe, '', { flag: 'wx', mode: 0o600 })
    rmSync(probe)
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error)
    return [fail('data', `${data} cannot be written (${why})`, 'give this user the folder, or free the disk')]
  }
  const { bavail, bsize } = statfsSync(data)
  const free = bavail * bsize
  const room = `${data} is writable, ${formatBytes(free)} free`
  if (free < FREE_BYTES_MIN) return [fail('data', room, 'free some of the disk before it is full')]
  if (free < FREE_BYTES_LOW)
    return [
      warn('data', room, 'free some of the disk; "hanse blob prune" drops attachments nobody refers to'),
    ]
  return [ok('data', room)]
}

/** Keys that others can read are no secret. */
export function checkKeys(data: string): readonly Check[] {
  const folder = join(data, 'keys')
  const open = readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((file) => (statSync(file).mode & 0o077) !== 0)
  return open.length === 0
    ? [ok('keys', 'only this user can read the keys')]
    : [
        fail(
          'keys',
          `others on this machine can read ${open.join(', ')}`,
          `chmod -R go= ${folder}; if others may have read them, "hanse identity rotate"`,
        ),
      ]
}

/** Values that are allowed, and that one will be sorry for. */
export function checkConfig(data: string, config: NodeConfig, nowMs: number): readonly Check[] {
  const { listen, bootstrap, peers, mdns, httpTlsCert } = config
  const checks: Check[] = []
  const file = configFileOf(data)
  if (!existsSync(file))
    checks.push(
      warn('configuration', `there is no ${file}`, 'run "hanse init", which writes one with every key'),
    )
  if (listen.some((address) => /\/tcp\/0(\/|$)/.test(address)))
    checks.push(
      warn(
        'configuration',
        'the node listens on another port at every start, so that invites go stale',
        `set a port under listen in ${file}`,
      ),
    )
  if (bootstrap.length === 0 && peers.length === 0 && !mdns)
    checks.push(
      warn(
        'configuration',
        'there is nobody to find peers with: no bootstrap, no peers, no mdns',
        `set one of them in ${file}`,
      ),
    )
  if (httpTlsCert !== '') checks.push(checkCertificate(httpTlsCert, nowMs))
  return checks.length > 0 ? checks : [ok('configuration', `${file} is sound`)]
}

function checkCertificate(file: string, nowMs: number): Check {
  try {
    const untilMs = Date.parse(new X509Certificate(readFileSync(file)).validTo)
    const found = `the certificate ${file} is good until ${formatMoment(untilMs)}`
    if (untilMs <= nowMs) return fail('configuration', found, 'renew it, and start the node again')
    if (untilMs - nowMs < CERTIFICATE_WARNING_MS) return warn('configuration', found, 'renew it soon')
    return ok('configuration', found)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return fail('configuration', `the certificate ${file} cannot be used: ${why}`, 'name a PEM file')
  }
}

/** The files of the spaces, without changing a byte of them. */
export function checkStorage(data: string): readonly Check[] {
  const folder = join(data, 'spaces')
  const files = readdirSync(folder).filter((name) => name.endsWith('.sqlite'))
  const faults = files.flatMap((name) => {
    const inspected = inspectSpaceFile(join(folder, name))
    return inspected.ok ? [] : [inspected.fault]
  })
  if (faults.length === 0)
    return [
      ok(
        'storage',
        `${formatAmount(files.length, 'space file')}, whole at a quick look ("hanse verify" looks at every operation)`,
      ),
    ]
  return faults.map(({ detail }) =>
    fail('storage', detail, 'put it back from a backup, or move it away and join the space again'),
  )
}

/** Without anybody to compare with, only what cannot be. */
export function checkOwnClock(nowMs: number): readonly Check[] {
  return nowMs >= CLOCK_EARLIEST_MS
    ? []
    : [fail('clock', `this machine's clock says ${formatMoment(nowMs)}`, 'set it, and keep it set (NTP)')]
}

/** Whether the addresses of the configuration can be listened on, where no node does so already. */
export async function checkPorts(listen: readonly string[]): Promise<readonly Check[]> {
  if (listen.length === 0)
    return [
      warn('ports', 'the node will not listen: it dials only', 'set listen where others are to reach it'),
    ]
  return await Promise.all(listen.map(async (address) => await checkPort(multiaddr(address))))
}

async function checkPort(address: Multiaddr): Promise<Check> {
  const [ip, tcp] = address.getComponents()
  const host = ip?.value
  const port = Number(tcp?.value)
  if (host === undefined || tcp?.name !== 'tcp') return ok('ports', `${address.toString()} was not tried`)
  const server = createServer()
  const failed = once(server, 'error').then(([error]: NodeJS.ErrnoException[]) => error?.code ?? 'unknown')
  server.listen({ host, port, exclusive: true })
  const code = await Promise.race([failed, once(server, 'listening').then(() => null)])
  server.close()
  if (code === null) return ok('ports', `${address.toString()} can be listened on`)
  const advice =
    code === 'EADDRINUSE'
      ? 'another program has the port: stop it, or set another under listen'
      : code === 'EACCES'
        ? 'this user may not have that port: take one above 1023'
        : 'name an address of this machine under listen'
  return fail('ports', `${address.toString()} cannot be listened on (${code})`, advice)
}
