/**
 * Characters that would do something to a terminal, or to the eye, instead of showing: control and format characters (those that turn
 * the direction of writing are among them), line and paragraph separators. The two joiners stay, which scripts and emoji need.
 */
const UNPRINTABLE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** A text from somebody else, made safe for one line of a terminal: what would not show is written as `\u{…}`. */
export function printable(text: string): string {
  return text
    .toWellFormed()
    .replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}

/** The same for a text of several lines: line ends and tabs stay. */
export function printableLines(text: string): string {
  return text
    .split(/(\r?\n|\t)/)
    .map((part, index) => (index % 2 === 1 ? part.replace('\r', '') : printable(part)))
    .join('')
}
