import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/** Texts that only the owner of a data directory may read, in one file of mode 0600, which is replaced whole. */
export class SecretFile {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  get(name: string): string | undefined {
    return this.#read()[name]
  }

  /** Synced to disk when this returns; null takes the secret away. */
  put(name: string, value: string | null): void {
    const { [name]: _, ...others } = this.#read()
    const next = value === null ? others : { ...others, [name]: value }
    const partial = `${this.#file}.new`
    rmSync(partial, { force: true })
    writeFileSync(partial, `${JSON.stringify(next)}\n`, { mode: 0o600, flag: 'wx', flush: true })
    chmodSync(partial, 0o600)
    renameSync(partial, this.#file)
  }

  #read(): Readonly<Record<string, string>> {
    if (!existsSync(this.#file)) return {}
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8')) as Record<string, string>
    } catch {
      // Damaged: whoever misses a token gives it again.
      return {}
    }
  }
}
