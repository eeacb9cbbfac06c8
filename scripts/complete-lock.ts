import { readFileSync, writeFileSync } from 'node:fs'

/**
 * Adds to package-lock.json the optional packages of other platforms that npm left out.
 *
 * npm omits an optional package from the lock when the registry it asked has no copy (a mirror may carry only some platforms), and
 * `npm ci` then refuses that lock everywhere ("Missing: … from lock file"). An entry with the exact version its parent names, and the
 * platform it is for, makes the lock whole; it has no `integrity`, because nothing was downloaded. Run it after `npm install`.
 */

interface LockedPackage {
  readonly version: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>
}

const OPERATING_SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
]
const PROCESSORS = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64']
const EXACT_VERSION = /^\d+\.\d+\.\d+$/

/** What a package name like `@oxlint/binding-linux-x64-musl` says it is for, or null where it names no platform. */
function platformOf(name: string): Pick<LockedPackage, 'os' | 'cpu' | 'libc'> | null {
  const words = name.split(/[/-]/)
  const os = OPERATING_SYSTEMS.find((word) => words.includes(word))
  const cpu = PROCESSORS.find((word) => words.includes(word))
  if (os === undefined || cpu === undefined) return null
  if (os !== 'linux') return { cpu: [cpu], os: [os] }
  if (words.some((word) => word.startsWith('musl'))) return { cpu: [cpu], libc: ['musl'], os: [os] }
  return words.some((word) => word.startsWith('gnu'))
    ? { cpu: [cpu], libc: ['glibc'], os: [os] }
    : { cpu: [cpu], os: [os] }
}

/** Entries that the lock lacks, by their place in it. */
function absentPlatforms(lock: Lock): Readonly<Record<string, LockedPackage>> {
  const absent: Record<string, LockedPackage> = {}
  for (const [place, parent] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const isLocked =
        `node_modules/${name}` in lock.packages || `${place}/node_modules/${name}` in lock.packages
      const platform = platformOf(name)
      if (isLocked || platform === null || !EXACT_VERSION.test(version)) continue
      const development = parent.dev === true ? { dev: true } : {}
      absent[`node_modules/${name}`] = inKeyOrder({ version, ...development, optional: true, ...platform })
    }
  }
  return absent
}

/** npm writes the version first and the rest by name. */
function inKeyOrder(entry: LockedPackage): LockedPackage {
  const { version, ...rest } = entry
  const fields = Object.entries(rest).toSorted(([a], [b]) => a.localeCompare(b, 'en'))
  return { version, ...Object.fromEntries(fields) }
}

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock
const absent = absentPlatforms(lock)
const packages = Object.fromEntries(
  Object.entries({ ...lock.packages, ...absent }).toSorted(([a], [b]) => a.localeCompare(b, 'en')),
)
writeFileSync('package-lock.json', `${JSON.stringify({ ...lock, packages }, null, 2)}\n`)
console.log(`${Object.keys(absent).length} packages of other platforms added`)
