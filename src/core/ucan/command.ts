import { COMMAND_BYTES_MAX } from '../limits.ts'

/**
 * `/`, or segments of printable ASCII without upper case, each behind a slash. UCAN only says "lower case", which for the
 * rest of Unicode depends on the version of Unicode, so that two runtimes could disagree.
 */
const COMMAND = /^(?:\/|(?:\/[!-.0-@[-~]+)+)$/

/** True for a command as UCAN 1.0 writes it: leading slash, no trailing slash, no empty segment, lower case, at most 64 bytes. */
export function isCommand(text: string): boolean {
  return text.length <= COMMAND_BYTES_MAX && COMMAND.test(text)
}

/** True when a grant of `granted` allows `asked`, by whole segments: `/op` covers `/op/write`, never `/operator`. */
export function covers(granted: string, asked: string): boolean {
  return granted === '/' || granted === asked || asked.startsWith(`${granted}/`)
}
