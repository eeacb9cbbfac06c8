/**
 * Characters that would do something to a terminal, or to the eye, instead of showing: control characters (C0, C1, delete), line
 * and paragraph separators, and those that turn the direction of writing or are invisible.
 */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu

/** A text from somebody else, made safe for one line of a terminal: what would not show is written as `\u{…}`. */
export function printable(text: string): string {
  return text.toWellFormed().replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}

/** The same for a text of several lines: line ends and tabs stay. */
export function printableLines(text: string): string {
  return text.split(/(\r?\n|\t)/).map((part, index) => (index % 2 === 1 ? part.replace('\r', '') : printable(part))).join('')
}
