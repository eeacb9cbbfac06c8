import { writeFileSync } from 'node:fs'
import type { Command } from '@commander-js/extra-typings'
import { fromHex, toHex } from '../../core/bytes.ts'
import { decodeCanonical } from '../../core/canonical-cbor.ts'
import { HASH_BYTES } from '../../core/hash.ts'
import { formatJson } from '../../core/json.ts'
import { STATE_PROOF_BYTES_MAX } from '../../core/limits.ts'
import { decodeProof } from '../../core/state/proof-codec.ts'
import { checkProof, type Shown } from '../../core/state/proof.ts'
import { toJsonValue } from '../../core/value-json.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import { prove } from '../../node/space/prove.ts'
import { defineAction } from '../control/action.ts'
import { printable } from '../output/printable.ts'
import { formatPairs } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { readInput } from './read-input.ts'

/** What a proof shows, as JSON; values by the conventions of DAG-JSON. */
interface Statement {
  readonly kind: Shown['kind']
  readonly path: string
  readonly type?: string | null
  readonly field?: string
  readonly value?: unknown
  /** All fields of an item. */
  readonly fields?: readonly { readonly field: string; readonly value: unknown }[]
  /** Where nothing is at or below. */
  readonly missing?: string
  readonly subtreeRoot?: string
}

interface Proved {
  readonly stateRoot: string
  /** base64url. */
  readonly proof: string
  readonly shows: Statement
}

export const proveAction = defineAction({
  name: 'prove',
  shape: { space: 'text?', path: 'text', type: 'text?', field: 'text?', subtree: 'boolean' },
  run: ({ node }, { space: given, path, type, field, subtree }): Proved => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const { stateRoot, bytes, shown } = prove(space, path, { type, field, subtree })
    const proof = Buffer.from(bytes).toString('base64url')
    return { stateRoot: toHex(stateRoot), proof, shows: statementOf(shown) }
  },
})

/** `hanse prove` and `hanse check`. */
export function registerProve(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('prove')
    .argument('<path>', 'what shows there, or that nothing does')
    .description('make a proof that something belongs to the state root, or is not there')
    .option('--type <type>', 'of the item, where there are several at one path')
    .option(
      '--field <field>',
      'one field of a map, member of a set, edge LABEL/TO, or entry of a log by operation id',
    )
    .option('--subtree', 'all that is at and below the path, by its root')
    .option('--output <file>', 'write the proof there, as bytes; else it is printed as one line')
    .addHelpText('after', '\nAnybody can check it with "hanse check", without a node or the space.')
    .action(async (path, { type, field, subtree = false, output }, self) => {
      const { session, space } = shell.open(self)
      const proved = await session.execute(proveAction, { space, path, type, field, subtree })
      const bytes = Buffer.from(proved.proof, 'base64url')
      if (output !== undefined) writeFileSync(output, bytes)
      shell.print(
        { ...proved, bytes: bytes.length, output: output ?? null },
        ({ stateRoot, proof, shows }) => (output === undefined ? proof : describe(shows, stateRoot)),
      )
      if (output === undefined) shell.remark(`It holds for the state root ${proved.stateRoot}.`)
    })

  program
    .command('check')
    .argument('<file>', 'holds a proof as "hanse prove" makes it; - for standard input')
    .description('check such a proof by itself, without a node, a space or a network')
    .requiredOption(
      '--root <root>',
      'state root, 64 hexadecimal digits, from "hanse status" of somebody you trust',
    )
    .addHelpText('after', '\nExit code 0 where it is proved, 1 where it is not.')
    .action(async (file, { root: text }) => {
      const root = parseRoot(text)
      const bytes = proofIn(
        await readInput(file === '-' ? shell.input : file, FILE_BYTES_MAX, 'more than any proof'),
      )
      const shows = statementOf(orThrow(checkProof(orThrow(decodeProof(bytes)), root)))
      shell.print({ proven: true, stateRoot: toHex(root), shows }, () => [
        shell.style.good('The proof holds: this is so in the state that the state root stands for.'),
        ...describe(shows, toHex(root)),
        'It does not show whose state that is, that everybody has it, or that it is the latest: that is for whoever gave you the state root.',
      ])
    })
}

/** A proof in base64url, with white space at its ends. */
const FILE_BYTES_MAX = Math.ceil((STATE_PROOF_BYTES_MAX * 4) / 3) + 64
/** First byte of a list of four: what a proof as bytes begins with, and no text of base64url. */
const LIST_OF_FOUR = 0x84

/** The bytes of a proof, which is written as such or as base64url. */
function proofIn(content: Uint8Array): Uint8Array {
  if (content[0] === LIST_OF_FOUR) return content
  const text = Buffer.from(content).toString('latin1').trim()
  const bytes = Buffer.from(text, 'base64url')
  if (text !== '' && bytes.toString('base64url') === text) return new Uint8Array(bytes)
  throw new FaultError({
    code: 'BAD_FILE',
    detail: 'this is not a proof: it is a file, or one line of base64url, as "hanse prove" makes it',
  })
}

function parseRoot(text: string): Uint8Array {
  const root = fromHex(text)
  if (root?.length === HASH_BYTES) return root
  throw new FaultError({
    code: 'USAGE',
    detail: `${JSON.stringify(text)} is not a state root: 64 hexadecimal digits, see "hanse status"`,
  })
}

function statementOf(shown: Shown): Statement {
  const { kind, path } = shown
  switch (kind) {
    case 'item': {
      const fields = shown.fields.map(([field, value]) => ({ field, value: valueOf(value) }))
      return { kind, path, type: shown.type, fields }
    }
    case 'field':
      return { kind, path, type: shown.type, field: shown.field, value: valueOf(shown.value) }
    case 'no-field':
      return { kind, path, type: shown.type, field: shown.field }
    case 'no-item':
      return { kind, path, type: shown.type }
    case 'nothing':
      return { kind, path, missing: shown.missing }
    case 'subtree':
      return { kind, path, subtreeRoot: toHex(shown.root) }
  }
}

const valueOf = (bytes: Uint8Array): unknown => toJsonValue(orThrow(decodeCanonical(bytes)))

/** What is proved under which root, for people. What others wrote is made safe for a terminal. */
function describe(shows: Statement, stateRoot: string): readonly string[] {
  const { path, type, field, fields } = shows
  const pairs: (readonly [string, string])[] = [
    ['path', path === '' ? 'the root of the space' : printable(path)],
    ...(typeof type === 'string' ? [['type', printable(type)] as const] : []),
    ...(field === undefined ? [] : [['field', printable(JSON.stringify(field))] as const]),
    finding(shows),
    ['state root', stateRoot],
  ]
  const isListed = fields !== undefined && !isOneValue(fields)
  const rows = isListed ? fields.map((one) => `  ${valueText(one.field)}: ${valueText(one.value)}`) : []
  return [...formatPairs(pairs), ...rows]
}

function finding(shows: Statement): readonly [string, string] {
  switch (shows.kind) {
    case 'item': {
      const { fields = [] } = shows
      return isOneValue(fields) ? ['value', valueText(fields[0]?.value)] : ['fields', 'these and no others']
    }
    case 'field':
      return ['value', valueText(shows.value)]
    case 'no-field':
      return ['shows', 'no such field; the item is there']
    case 'no-item':
      return ['shows', shows.type === null ? 'nothing at this path' : 'nothing of this type at this path']
    case 'nothing':
      return ['shows', `nothing at or below ${printable(shows.missing ?? '')}`]
    case 'subtree':
      return ['subtree root', shows.subtreeRoot ?? '']
  }
}

/** True of an item like a register, which has a value and no fields as people see it. */
const isOneValue = (fields: readonly { readonly field: string }[]): boolean =>
  fields.length === 1 && fields[0]?.field === ''

const valueText = (value: unknown): string => printable(formatJson(value))
