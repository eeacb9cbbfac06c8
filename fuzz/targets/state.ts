import fc from 'fast-check'
import { equalBytes } from '../../src/core/bytes.ts'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { STATE_PROOF_BYTES_MAX } from '../../src/core/limits.ts'
import { decodeProof, encodeProof } from '../../src/core/state/proof-codec.ts'
import { checkProof, proveState, type Question, rootOf, type Shown } from '../../src/core/state/proof.ts'
import { StateTree } from '../../src/core/state/state-tree.ts'
import { holds, type Target } from '../target.ts'

/** The state that every proof is about: `path|type|field` → value. */
const SHOWN: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['|register|', 'the root'],
  ['a|map|name', 'Ada'],
  ['a|map|born', 1815],
  ['a|register|', null],
  ['a/b|set|red', true],
  ...Array.from({ length: 40 }, (_, i) => [`rows/${i}|register|`, i] as const),
  ...Array.from({ length: 40 }, (_, i) => [`chat|log|${i}`, { text: `line ${i}` }] as const),
])

const tree = new StateTree()
for (const [cell, value] of SHOWN) {
  const [path, type, field] = cell.split('|') as [string, string, string]
  tree.set({ path, type, field }, encodeCanonical(value))
}
const ROOT = tree.root()

const fieldsAt = (path: string, type: string) =>
  [...SHOWN]
    .filter(([cell]) => cell.startsWith(`${path}|${type}|`))
    .map(([cell, value]) => [cell.slice(path.length + type.length + 2), encodeCanonical(value)] as const)

function isSo(shown: Shown): boolean {
  const { kind, path } = shown
  const has = (prefix: string) => [...SHOWN.keys()].some((cell) => cell.startsWith(prefix))
  switch (kind) {
    case 'item': {
      const fields = fieldsAt(path, shown.type)
      const isShown = ([field, value]: readonly [string, Uint8Array]) =>
        shown.fields.some(([name, found]) => name === field && equalBytes(found, value))
      return fields.length === shown.fields.length && fields.every(isShown)
    }
    case 'field':
      return fieldsAt(path, shown.type).some(
        ([field, value]) => field === shown.field && equalBytes(value, shown.value),
      )
    case 'no-field':
      return has(`${path}|${shown.type}|`) && !SHOWN.has(`${path}|${shown.type}|${shown.field}`)
    case 'no-item':
      return !has(shown.type === null ? `${path}|` : `${path}|${shown.type}|`)
    case 'nothing':
      return !has(`${shown.missing}|`) && !has(`${shown.missing}/`)
    case 'subtree': {
      const root = tree.rootAt(path)
      return root !== null && equalBytes(root, shown.root)
    }
  }
}

const question: fc.Arbitrary<Question> = fc
  .record({
    path: fc.constantFrom('', 'a', 'a/b', 'a/c', 'rows', 'rows/7', 'rows/99', 'chat', 'chat/7', 'nowhere'),
    type: fc.constantFrom('register', 'map', 'log', 'set'),
    field: fc.option(fc.constantFrom('', 'name', 'red', '7', 'none')),
    isSubtree: fc.boolean(),
  })
  .map(({ path, type, field, isSubtree }) => {
    if (isSubtree) return { path, subtree: true }
    return field === null ? { path, type } : { path, type, field }
  })

const proof: Target = {
  name: 'state-proof',
  form: 'cbor',
  inputBytesMax: STATE_PROOF_BYTES_MAX + 64,
  valid: question.map((question) => {
    const made = proveState(tree, question, (type, field) =>
      fieldsAt(question.path, type).filter(([name]) => field === undefined || name === field),
    )
    const bytes = encodeProof(made)
    if (!bytes.ok) throw new Error(bytes.fault.detail)
    return bytes.value
  }),
  run(input) {
    const decoded = decodeProof(input)
    if (!decoded.ok) return false
    const again = encodeProof(decoded.value)
    holds(again.ok && equalBytes(again.value, input), 'a proof is encoded as the same bytes')
    const checked = checkProof(decoded.value, ROOT)
    if (checked.ok) holds(isSo(checked.value), 'what is proved is so')
    const root = rootOf(decoded.value)
    holds(root === null || checkProof(decoded.value, root).ok, 'a proof holds for the root that it leads to')
    return true
  },
}

export const STATE_TARGETS: readonly Target[] = [proof]
