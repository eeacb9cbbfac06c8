/**
 * Names of the tools that change nothing (a test compares them with the tools themselves). Apart from them, so that who only passes calls on
 * need not load a whole node.
 */
export const READING_TOOLS: ReadonlySet<string> = new Set([
  'who_am_i',
  'status',
  'list',
  'read',
  'search',
  'history',
  'changes_since',
  'wait_for_change',
])
