import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { buildDashboard } from '../../dashboard/build.ts'
import { findChromium } from '../../scripts/find-chromium.ts'
import { untilEqual } from '../node/federation.ts'
import { TestBrowser } from './browsers.ts'
import { HARMFUL, type ShownFederation, startShownFederation } from './shown-federation.ts'

const executable = findChromium()
/** Where to keep pictures of what the tests look at, for people; nowhere where it is not set. */
const pictures = process.env['HANSE_SCREENSHOTS']

describe.skipIf(executable === null)('the dashboard, in chromium', () => {
  let shown: ShownFederation
  let first: TestBrowser
  let second: TestBrowser

  beforeAll(async () => {
    shown = await startShownFederation()
    // The node keeps the page from the first request on, whoever builds it anew meanwhile.
    await buildDashboard(join(import.meta.dirname, '..', '..', 'dist', 'dashboard'))
    await fetch(shown.server.origin)
    ;[first, second] = await Promise.all([
      TestBrowser.start(executable as string),
      TestBrowser.start(executable as string),
    ])
  })

  afterAll(async () => {
    await Promise.all([first?.stop(), second?.stop()])
    await shown?.stop()
  })

  /** Of every page of every test: nothing was stopped by the policy, nothing failed, nobody else was asked. */
  afterEach(async () => {
    const isElsewhere = (url: string) => !url.startsWith(shown.server.origin)
    for (const browser of [first, second]) {
      const unexpected = browser.complaints.filter((text) => !/status of (401|403)/.test(text))
      expect(unexpected).toEqual([])
      expect(browser.asked.filter(isElsewhere)).toEqual([])
      await Promise.all(browser.context.pages().map(async (page) => page.close()))
    }
  })

  const at = (hash: string) => `${shown.server.origin}/${hash}`
  const inNotes = (section: string) => at(`#/space/${shown.notes.id}/${section}`)

  /** A page of the operator, at an address. */
  async function enter(browser: TestBrowser, address = at('#/')): Promise<Page> {
    const page = await browser.open(shown.server.createLink())
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    await page.goto(address)
    return page
  }

  async function picture(page: Page, name: string): Promise<void> {
    if (pictures === undefined) return
    mkdirSync(pictures, { recursive: true })
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
  }

  it('opens by a link that works once, which leaves neither the address nor the history with its secret', async () => {
    await first.context.clearCookies()
    const link = shown.server.createLink()
    const page = await first.open(link)
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    expect(page.url()).not.toContain('link=')
    await page.goBack()
    expect(page.url()).not.toContain('link=')
    const stranger = await second.open(link)
    await stranger
      .getByText('This link was used already', { exact: false })
      .or(stranger.getByRole('alert'))
      .waitFor()
    expect(await stranger.getByRole('main').innerText()).toContain('hanse dashboard')
    expect(await stranger.content()).not.toContain('field-notes')
    await picture(stranger, 'no-session')
  })

  it('shows an operation to two browsers as it arrives from elsewhere', async () => {
    const pages = await Promise.all([enter(first, at('#/activity')), enter(second, at('#/activity'))])
    for (const page of pages) await page.getByRole('heading', { name: 'Activity' }).waitFor()
    shown.bobsNotes.put('arrivals/from-bob', 'hello')
    for (const page of pages) await page.getByRole('link', { name: 'arrivals/from-bob' }).first().waitFor()
    expect(pages).toHaveLength(2)
  })

  it('says in words what is proved of whom, and takes it back when something is written', async () => {
    const page = await enter(first, inNotes('sync'))
    await shown.notes.sync()
    const table = page.getByRole('table', { name: 'Peers of this space' })
    await table
      .getByText(/In sync, by proof at/)
      .first()
      .waitFor()
    await picture(page, 'sync')
    shown.notes.put('written/since', 1)
    await table
      .getByText(/Nothing proved since/)
      .first()
      .waitFor()
    expect(await table.getByText(/In sync/).count()).toBe(0)
  })

  it('draws who is connected, in all spaces or in one, and says the same in a table', async () => {
    const page = await enter(first)
    const graph = page.getByRole('img', {
      name: /3 connected peers around it: 3 sharing a space, 0 through a relay/,
    })
    await graph.waitFor()
    await page.getByRole('combobox').selectOption({ label: 'release plan' })
    await page.getByRole('img', { name: /3 connected peers around it: 1 sharing a space/ }).waitFor()
    const rows = page.getByRole('table', { name: 'Connected peers' }).getByRole('row')
    expect(await rows.filter({ hasText: 'none shared' }).count()).toBe(2)
  })

  it('shows why something was refused, what waits, and both branches of a fork', async () => {
    const page = await enter(first, inNotes('refused'))
    await page.getByRole('table', { name: 'Refusals by reason' }).getByText(/^CAP_/).first().waitFor()
    await page.getByRole('table', { name: 'Operations that wait' }).getByText('FUTURE').waitFor()
    await page.goto(inNotes('forks'))
    await page.getByText('One branch').waitFor()
    await page.getByText('The other branch').waitFor()
    expect(await page.locator('.branch').count()).toBe(2)
    await picture(page, 'forks')
  })

  it('shows an old value when the slider is moved to its time, and the new one again', async () => {
    const page = await enter(first, inNotes('items?path=history%2Fslow'))
    const { notes } = shown
    const nowMs = Date.now()
    notes.put('history/slow', 'the first', { timeMs: nowMs })
    notes.put('history/slow', 'the second', { timeMs: nowMs + 5 })
    notes.put('history/slow', 'the third', { timeMs: nowMs + 10 })
    const state = page.getByTestId('state')
    await state.getByText('the third').waitFor()
    await page.getByRole('slider').focus()
    await page.keyboard.press('Home')
    await state.getByText('the first').waitFor()
    await page.keyboard.press('ArrowRight')
    await state.getByText('the second').waitFor()
    expect(await page.getByRole('slider').getAttribute('aria-valuetext')).toMatch(/^as of .* moment 2 of 3$/)
    await picture(page, 'slider')
    await page.keyboard.press('End')
    await state.getByText('the third').waitFor()
  })

  it('settles a conflict in favour of what lost', async () => {
    const page = await enter(first, inNotes('conflicts'))
    const card = page
      .getByRole('listitem')
      .filter({ has: page.getByRole('heading', { name: /settings\/interval/ }) })
    await card.waitFor()
    await picture(page, 'conflicts')
    const shows = shown.notes.get('settings/interval')?.value
    await card.getByRole('button', { name: /^Take this/ }).click()
    await card.waitFor({ state: 'detached' })
    expect(new Set([shows, shown.notes.get('settings/interval')?.value])).toEqual(new Set([10, 20]))
    await untilEqual(shown.notes, shown.bobsNotes)
  })

  it('revokes from the tree after it has shown what that would do', async () => {
    const page = await enter(first, inNotes('authority'))
    const scribe = page.locator('.grant').filter({ hasText: 'scribe' })
    await scribe.getByRole('button', { name: /^Revoke/ }).click()
    const dialog = page.getByRole('dialog', { name: 'Revoke a delegation' })
    await dialog.getByText('end 1 delegation').waitFor()
    await picture(page, 'revoke')
    const count = shown.notes.hosted.store.verdicts().length
    await dialog.getByRole('radio').nth(1).check()
    await dialog.getByText('end 1 delegation').waitFor()
    expect(shown.notes.hosted.store.verdicts()).toHaveLength(count)
    await dialog.getByRole('button', { name: 'Revoke' }).click()
    await dialog.waitFor({ state: 'detached' })
    await scribe.getByText('revoked').waitFor()
    expect(shown.notes.hosted.store.verdicts()).toHaveLength(count + 1)
  })

  it('revokes an agent', async () => {
    const page = await enter(first, at('#/agents'))
    await page.getByRole('button', { name: 'Revoke… reader' }).click()
    await page.getByRole('button', { name: 'Revoke, keep what it wrote' }).click()
    await page.getByRole('row').filter({ hasText: 'reader' }).getByText('revoked').waitFor()
    expect(shown.alice.agents.get('reader').state).toBe('revoked')
  })

  it('shows what looks like HTML as what it is', async () => {
    const { id } = shown.harmful
    const page = await enter(first, at(`#/space/${id}/items?path=b`))
    await page.getByRole('heading', { name: HARMFUL, level: 1 }).waitFor()
    await page.getByTestId('state').getByText(HARMFUL).first().waitFor()
    await page.goto(at('#/'))
    await page.getByRole('link', { name: HARMFUL }).first().waitFor()
    expect(await page.title()).toBe('Overview · Hanse')
    expect(await page.locator('#app img[src="x"], #app script').count()).toBe(0)
  })

  it('can be used with the keyboard alone', async () => {
    const page = await enter(first)
    await page.reload()
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    await page.keyboard.press('Tab')
    expect(await focused(page)).toMatchObject({ text: 'Skip to content', isSeen: true })
    await page.keyboard.press('Enter')
    expect(await focused(page)).toMatchObject({ id: 'main' })
    await page.reload()
    await tabTo(page, /^field-notes/)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'field-notes', level: 1 }).waitFor()
    expect(await focused(page)).toMatchObject({ text: 'field-notes' })
    await tabTo(page, /^Who may what/)
    await page.keyboard.press('Enter')
    await page.getByText('may everything').waitFor()
    await tabTo(page, /^Revoke…/)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    for (let i = 0; i < 4; i++) await page.keyboard.press('Tab')
    const inside =
      'document.activeElement === document.body || document.activeElement.closest("dialog") !== null'
    expect(await page.evaluate(inside)).toBe(true)
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect((await focused(page)).text).toMatch(/^Revoke…/)
  })

  /** Goes on by Tab until what has the focus says so; everything on the way must show that it has it. */
  async function tabTo(page: Page, text: RegExp): Promise<void> {
    for (let i = 0; i < 80; i++) {
      await page.keyboard.press('Tab')
      const here = await focused(page)
      expect(here).toMatchObject({ isSeen: true })
      if (text.test(here.text)) return
    }
    throw new Error(`the focus never came to ${text}`)
  }

  async function focused(page: Page): Promise<{ text: string; id: string; isSeen: boolean }> {
    return await page.evaluate(`(() => {
      const element = document.activeElement
      const { outlineStyle, outlineWidth } = getComputedStyle(element)
      const isSeen = element === document.body || (outlineStyle !== 'none' && outlineWidth !== '0px')
      return { text: element === document.body ? '' : element.innerText ?? '', id: element.id, isSeen }
    })()`)
  }

  /** Every view, and what shows in it once what it asks has been answered. */
  const views = [
    ['#/', 'CAP_MISSING'],
    ['#/activity', 'CAP_MISSING'],
    ['#/agents', 'at and below notes'],
    ['sync', 'Clock root'],
    ['items', 'stations/'],
    ['items?path=stations%2Fnorth', 'battery = 78'],
    ['conflicts', 'Lost by'],
    ['authority', 'may everything'],
    ['refused', 'FUTURE'],
    ['forks', 'The other branch'],
    ['log', 'stations/north'],
  ] as const
  const addressOf = (view: string) => (view.startsWith('#') ? at(view) : inNotes(view))

  it.for(['light', 'dark'] as const)('has no serious fault that axe knows, %s', async (colorScheme) => {
    const page = await enter(first)
    await page.emulateMedia({ colorScheme })
    for (const [view, text] of views) {
      await page.goto(addressOf(view))
      await page.getByText(text).first().waitFor()
      await page.evaluate(axe.source)
      const found = await page.evaluate<axe.AxeResults>('axe.run()')
      const serious = found.violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${view} ${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
      expect(serious).toEqual([])
      await picture(page, `${colorScheme}-${view.replaceAll(/\W+/g, '-')}`)
    }
  })

  it('fits a phone: nothing is wider than 360 pixels', async () => {
    const page = await enter(first)
    await page.setViewportSize({ width: 360, height: 740 })
    for (const [view, text] of views) {
      await page.goto(addressOf(view))
      await page.getByText(text).first().waitFor()
      const width = await page.evaluate<number>('document.documentElement.scrollWidth')
      expect({ view, width }).toEqual({ view, width: 360 })
      await picture(page, `phone-${view.replaceAll(/\W+/g, '-')}`)
    }
    await page.getByRole('button', { name: 'Menu' }).click()
    await page.getByRole('link', { name: 'Agents' }).click()
    await page.getByRole('heading', { name: 'Agents', level: 1 }).waitFor()
  })

  it('moves nothing for whoever wants nothing moved', async () => {
    const page = await enter(first)
    await page.emulateMedia({ reducedMotion: 'reduce' })
    const durations = await page.evaluate<string[]>(
      '[...document.querySelectorAll("*")].map((element) => getComputedStyle(element).transitionDuration)',
    )
    expect(new Set(durations)).toEqual(new Set(['0s']))
  })

  it('shows nothing any more when the session has ended, in no page', async () => {
    const pages = [await enter(second), await enter(second, inNotes('log'))]
    await (pages[0] as Page).getByRole('button', { name: 'End session' }).click()
    for (const page of pages) {
      shown.notes.put('after/the-end', 1)
      await page.getByText('This page shows a node to whoever runs it', { exact: false }).waitFor()
      expect(await page.content()).not.toContain('field-notes')
    }
  })
})
