/**
 * Says what went wrong with a peer. Nothing has where a space is not known: nodes that have met ask each other for every space, which is how
 * they learn which they have in common.
 */
export function tellTrouble(
  host: { readonly log: (text: string) => void },
  error: object,
  words: string,
): void {
  if (!('code' in error) || error.code !== 'UNKNOWN_SPACE') host.log(words)
}
