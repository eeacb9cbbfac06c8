import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** One file of the page, as it is sent. */
export interface PageFile {
  readonly type: string
  readonly bytes: Buffer
  readonly gzip: Buffer
  /** Changes with the bytes (RFC 9110 §8.8.3). */
  readonly etag: string
}

/** The files of the page and their media types: nothing else is ever read. */
const TYPES = {
  'index.html': 'text/html; charset=utf-8',
  'app.js': 'text/javascript; charset=utf-8',
  'app.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml; charset=utf-8',
} as const

/** The name of a file of the page. */
export type PageFileName = keyof typeof TYPES

export const isPageFileName = (name: string): name is PageFileName => Object.hasOwn(TYPES, name)

/** Reads the built page at the first request for it and keeps it: some hundred kB. */
export class PageFiles {
  readonly #folder: string
  #files: ReadonlyMap<PageFileName, PageFile> | null = null

  constructor(folder = builtFolder()) {
    this.#folder = folder
  }

  /** Null where the page is not built. */
  get(name: PageFileName): PageFile | null {
    this.#files ??= this.#read()
    return this.#files?.get(name) ?? null
  }

  #read(): ReadonlyMap<PageFileName, PageFile> | null {
    const names = Object.keys(TYPES) as PageFileName[]
    if (!names.every((name) => existsSync(join(this.#folder, name)))) return null
    return new Map(names.map((name) => [name, toPageFile(name, readFileSync(join(this.#folder, name)))]))
  }
}

function toPageFile(name: PageFileName, bytes: Buffer): PageFile {
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
  return { type: TYPES[name], bytes, gzip: gzipSync(bytes, { level: 9 }), etag }
}

/** `dist/dashboard` of this package, whether it runs from its sources or from what was made of them. */
function builtFolder(): string {
  let folder = import.meta.dirname
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder)
  return join(folder, 'dist', 'dashboard')
}
