/** What a model may try after a fault, by its code. */
const ADVICE: Readonly<Record<string, string>> = {
  NO_SPACE: 'call status to see the spaces you reach, and give one of their names as "space".',
  AMBIGUOUS: 'call status to see the spaces you reach, and give one of their names as "space".',
  NOT_ALLOWED: 'call who_am_i to see which paths you reach, and stay at or below them.',
  NOT_FOUND: 'call list on the folder above, or search for a word, to find the right path.',
  BAD_PATH:
    'paths are names joined by "/", such as notes/plan: no "/" at the beginning or end, none doubled, no "." or "..".',
  BAD_CURSOR: 'hand back a cursor exactly as a result gave it, or leave it out to begin from the beginning.',
  BAD_PAGE: 'hand back "next" exactly as the page before gave it, with the same path and type.',
  BAD_POINT: 'a point is an operation id from history, or a time such as 2026-11-21T13:00:00Z.',
  BAD_EDIT: 'each edit has "action" and "path", and what that action needs: see the description of write.',
  BAD_VALUE: 'give a plain JSON value: text, number, true, false, null, list or object.',
  BAD_FIELD_NAME: 'use short names of fields, none of them both set and removed.',
  APPEND_ONLY: 'entries of a log stay: append a correction with append_event.',
  LIMIT: 'split it into several smaller calls.',
  TOO_LARGE: 'read it by pages with the tool read.',
  TEXT_INCOMPLETE: 'a part of this text has not arrived yet: wait_for_change on its path, then try again.',
  UNKNOWN_OPERATION: 'that operation is not here: take an id from history or changes_since.',
  FROZEN: 'what an author with a forked key wrote is not built on: write to another path, or ask a person.',
  RESTORED: 'this node must not write until a person has looked after it: tell them.',
  OWN_FORK: 'this node must not write until a person has looked after it: tell them.',
  OWN_HEAD_BEHIND: 'this node is catching up with its own log: try again in half a minute.',
  NO_GENESIS: 'this space has not arrived yet: wait_for_change, or try again in a while.',
  SQL_BUSY: 'the node is busy: try again in a few seconds.',
  SQL_TIMEOUT: 'search for fewer or rarer words, or below a path.',
  USAGE: 'search for words with letters or digits.',
  TOKEN_REVOKED: 'stop, and tell whoever gave you the token.',
  TOKEN_EXPIRED: 'stop, and tell whoever gave you the token.',
}

/** A sentence for the model, or null where the fault itself says it all. */
export function adviceFor(code: string): string | null {
  if (code.startsWith('CAP_'))
    return 'call who_am_i to see where you may write, and write at or below one of those paths.'
  return ADVICE[code] ?? null
}
