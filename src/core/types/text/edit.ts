/** At `position`, delete `deleted` characters and then insert `inserted` in front of them; counted in code points. */
export type TextEdit = readonly [position: number, deleted: number, inserted: string]

/** What one change does to a text. */
export type TextAction =
  | { readonly kind: 'edit'; readonly edits: readonly TextEdit[] }
  /** Deletes every character of the operation's past. */
  | { readonly kind: 'delete' }

/** The one edit that changes no character: it brings an empty text to be. */
export const CREATE_EMPTY: TextEdit = [0, 0, '']

/** True where the action brings its text to be: it inserts characters, or is the empty edit. */
export function isCreating(action: TextAction): boolean {
  return (
    action.kind === 'edit' && action.edits.some(([, deleted, inserted]) => inserted !== '' || deleted === 0)
  )
}
