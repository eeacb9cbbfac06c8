import { existsSync } from 'node:fs'
import { isDataDirectory } from '../node/data-directory.ts'
import { FaultError } from '../node/fault-error.ts'
import { createNode, type HanseNode } from '../node/node.ts'
import type { NodeOptions } from '../node/node-options.ts'

/** Opens the node of a data directory that `hanse init` made; never makes one by the way, which would hide a mistyped path. */
export async function openNode(
  options: NodeOptions & { readonly dataDirectory: string },
): Promise<HanseNode> {
  const { dataDirectory } = options
  if (!isDataDirectory(dataDirectory)) {
    const what = existsSync(dataDirectory) ? 'is not a Hanse data directory' : 'does not exist'
    throw new FaultError({
      code: 'NO_DATA',
      detail: `${dataDirectory} ${what}: run "hanse init" first, or name another with --data`,
    })
  }
  return await createNode(options)
}
