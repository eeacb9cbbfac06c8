import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A browser of its own: a process with a profile that nobody else has. Keeps what its pages complain of, and whom they ask. */
export class TestBrowser {
  readonly context: BrowserContext
  readonly #profile: string
  /** Errors on consoles and uncaught ones; what the content security policy has stopped is among them. */
  readonly complaints: string[] = []
  /** Every address that a page has asked. */
  readonly asked: string[] = []

  private constructor(context: BrowserContext, profile: string) {
    this.context = context
    this.#profile = profile
    context.setDefaultTimeout(10_000)
    context.on('request', (request) => void this.asked.push(request.url()))
    context.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text())
    })
    context.on('weberror', (error) => void this.complaints.push(String(error.error())))
  }

  static async start(executablePath: string): Promise<TestBrowser> {
    const profile = mkdtempSync(join(tmpdir(), 'hanse-browser-'))
    const viewport = { width: 1280, height: 860 }
    const options = { executablePath, headless: true, args: ARGUMENTS, viewport }
    return new TestBrowser(await chromium.launchPersistentContext(profile, options), profile)
  }

  /** A new page at an address. */
  async open(address: string): Promise<Page> {
    const page = await this.context.newPage()
    await page.goto(address)
    return page
  }

  async stop(): Promise<void> {
    await this.context.close()
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }
}
