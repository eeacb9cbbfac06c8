import { styleText } from 'node:util'

/** Colours, where they are wanted. */
export interface Style {
  readonly good: (text: string) => string
  readonly warn: (text: string) => string
  readonly bad: (text: string) => string
  readonly faint: (text: string) => string
  readonly strong: (text: string) => string
}

/** Colours on a terminal; none where the output goes elsewhere, NO_COLOR is set (https://no-color.org) or the terminal is dumb. */
export function createStyle(stream: { readonly isTTY?: boolean }, environment: NodeJS.ProcessEnv): Style {
  const isColoured =
    stream.isTTY === true && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb'
  const paint = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    isColoured ? styleText(format, text, { validateStream: false }) : text
  return {
    good: paint('green'),
    warn: paint('yellow'),
    bad: paint('red'),
    faint: paint('dim'),
    strong: paint('bold'),
  }
}
