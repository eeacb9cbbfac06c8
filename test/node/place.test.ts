import { linkSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isSamePlace, leaveMark, type Place, readPlace } from '../../src/node/place.ts'

let folder: string
let noted: Place
const note = (place: Place) => {
  noted = place
}
const marks = (): readonly string[] => readdirSync(folder).filter((name) => name.startsWith('place-'))
const onlyMark = (): string => join(folder, marks()[0] as string)
const isKnown = () => isSamePlace(noted, readPlace(folder))

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hanse-place-'))
  for (const name of ['keys', 'spaces']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'keys', 'author.key'), 'a key')
  leaveMark(folder, readPlace(folder), note)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('the mark of a data directory', () => {
  it('is one, by another name each time', () => {
    const first = marks()
    expect(first).toHaveLength(1)
    leaveMark(folder, noted, note)
    expect(marks()).toHaveLength(1)
    expect(marks()).not.toEqual(first)
    expect(isKnown()).toBe(true)
    expect(Object.keys(noted).filter((path) => path.startsWith('place-')).length).toBeLessThanOrEqual(2)
  })

  it('tells a note of before from the files of now', () => {
    const before = noted
    leaveMark(folder, noted, note)
    expect(isSamePlace(before, readPlace(folder))).toBe(false)
  })

  it('is another when it comes back under its name', () => {
    const before = noted
    const mark = onlyMark()
    leaveMark(folder, noted, note)
    rmSync(onlyMark())
    writeFileSync(mark, '')
    expect(isSamePlace(before, readPlace(folder))).toBe(false)
  })

  it('raises no alarm when it is cut off before it is noted, or before it has its name', () => {
    expect(() =>
      leaveMark(folder, noted, () => {
        throw new Error('the power is gone')
      }),
    ).toThrow('the power is gone')
    expect(isKnown()).toBe(true)
    leaveMark(folder, noted, note)
    renameSync(onlyMark(), join(folder, 'place.new'))
    expect(isKnown()).toBe(true)
    leaveMark(folder, noted, note)
    expect([isKnown(), marks().length, readdirSync(folder)]).toEqual([
      true,
      1,
      expect.not.arrayContaining(['place.new']),
    ])
  })

  it('raises no alarm when the removal of the one before is undone, and removes it again', () => {
    const saved = join(folder, 'saved')
    const before = onlyMark()
    linkSync(before, saved)
    leaveMark(folder, noted, note)
    renameSync(saved, before)
    expect(marks()).toHaveLength(2)
    expect(isKnown()).toBe(true)
    leaveMark(folder, noted, note)
    expect(marks()).toHaveLength(1)
  })
})
