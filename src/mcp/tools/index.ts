import type { Tool } from '../tool.ts'
import { appendEvent } from './append-event.ts'
import { changesSince, waitForChange } from './changes.ts'
import { deleteItem } from './delete.ts'
import { history } from './history.ts'
import { list } from './list.ts'
import { read } from './read.ts'
import { relate } from './relate.ts'
import { search } from './search.ts'
import { status } from './status.ts'
import { whoAmI } from './who-am-i.ts'
import { write } from './write.ts'

/** Every tool there is, in the order in which models see them. */
export const TOOLS: readonly Tool[] = [
  whoAmI,
  status,
  list,
  read,
  search,
  history,
  changesSince,
  waitForChange,
  write,
  appendEvent,
  relate,
  deleteItem,
]
