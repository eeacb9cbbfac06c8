/** One rule of ours, broken on purpose: the tests must notice. */
export interface Mutant {
  /** In kebab-case, unique. */
  readonly name: string
  /** What is wrong with the code then, in words. */
  readonly rule: string
  /** The file that is changed, relative to the project. */
  readonly file: string
  /** Exact texts, each of which occurs exactly once in the file, and what takes their place. */
  readonly edits: readonly (readonly [search: string, replacement: string])[]
  /** Test files, relative to the project, of which at least one must fail. */
  readonly tests: readonly string[]
  /** Where the simulator must notice, by itself or after the tests have not: a scenario, and seeds of which one must fail. */
  readonly simulation?: { readonly scenario: string; readonly seeds: readonly [from: number, to: number] }
}

/** Changes the text of a file as a mutant says. A text that is not there exactly once is told, never guessed. */
export function mutate(
  source: string,
  { edits }: Pick<Mutant, 'edits'>,
): { readonly text: string } | { readonly stale: string } {
  let text = source
  for (const [search, replacement] of edits) {
    const times = text.split(search).length - 1
    if (times !== 1) return { stale: `${JSON.stringify(search)} occurs ${times} times, not once` }
    text = text.replace(search, () => replacement)
  }
  return { text }
}
