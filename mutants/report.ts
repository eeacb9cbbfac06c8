import { readFileSync, writeFileSync } from 'node:fs'
import type { MutantResult } from './run-mutants.ts'

const BEGIN = '<!-- mutants: begin -->'
const END = '<!-- mutants: end -->'

/** The table of the assurance page. */
export function formatTable(results: readonly MutantResult[]): string {
  const caught = results.filter(({ caughtBy }) => caughtBy !== null).length
  const rows = results.map(
    ({ name, rule, caughtBy, problem }) =>
      `| \`${name}\` | ${cell(rule)} | ${cell(caughtBy ?? problem ?? '**nothing: it survives**')} |`,
  )
  return [
    `${caught} of ${results.length} mutants caught.`,
    '',
    '| mutant | the rule it breaks | caught by |',
    '|---|---|---|',
    ...rows,
  ].join('\n')
}

/** Puts the table between the markers of a page. Throws where the page has none. */
export function writeTable(page: string, results: readonly MutantResult[]): void {
  const text = readFileSync(page, 'utf8')
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (from === -1 || to < from) throw new Error(`${page} has no place for the table: ${BEGIN} … ${END}`)
  writeFileSync(page, `${text.slice(0, from + BEGIN.length)}\n${formatTable(results)}\n${text.slice(to)}`)
}

/** Seeds of properties differ from run to run, and would change the page each time. */
function cell(text: string): string {
  return text
    .replace(/ \(seed -?\d+\)/, ' (property)')
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ')
}
