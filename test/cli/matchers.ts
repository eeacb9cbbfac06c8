import { expect } from 'vitest'

/** Vitest's asymmetric matchers with a type that can be passed on. */
export const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern)
export const containing = (part: string): unknown => expect.stringContaining(part)
export const including = (part: Readonly<Record<string, unknown>>): unknown => expect.objectContaining(part)
export const anyNumber: unknown = expect.any(Number)
/** An error with that code, and a message of which that is part. */
export const withCode = (code: string, part = ''): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(part) as unknown })
