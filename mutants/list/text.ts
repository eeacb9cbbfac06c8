import type { Mutant } from '../mutant.ts'

const DOCUMENT = ['test/core/text-document.test.ts']
const CONVERGENCE = ['test/core/convergence.test.ts']
const SPACE_TEXT = ['test/node/space-text.test.ts']

/** Texts: where characters stand, which edits are void, what shows, and what a text of a space builds on. */
export const TEXT_MUTANTS: readonly Mutant[] = [
  {
    name: 'typed-in-order-of-arrival',
    rule: 'of two who type at one place the one that came first stands first',
    file: 'src/core/types/text/document.ts',
    edits: [
      [
        'return compareBytes(this.#idOf(this.operation(node)), this.#idOf(this.operation(other))) < 0',
        'return compareBytes(this.#idOf(this.operation(node)), this.#idOf(this.operation(other))) < 0 && node < other',
      ],
    ],
    tests: [...DOCUMENT, ...CONVERGENCE],
  },
  {
    name: 'right-neighbours-do-not-count',
    rule: 'among those with one left neighbour ids alone decide, whatever stood to the right',
    file: 'src/core/types/text/insertion-point.ts',
    edits: [
      [
        '} else isUndecided = otherRight !== NO_CHARACTER && rankOf(tree, otherRight) < rightRank',
        '} else isUndecided = false',
      ],
    ],
    tests: DOCUMENT,
  },
  {
    name: 'positions-of-what-shows',
    rule: 'whether an edit lies within its document depends on what shows there now',
    file: 'src/core/types/text/document.ts',
    edits: [['let length = this.#tree.prepared', 'let length = this.#tree.visible']],
    tests: DOCUMENT,
  },
  {
    name: 'deletions-without-end',
    rule: 'one change may delete the same characters over and over',
    file: 'src/core/types/text/document.ts',
    edits: [
      ['return length <= TEXT_CHARACTERS_MAX && deletions <= length', 'return length <= TEXT_CHARACTERS_MAX'],
    ],
    tests: DOCUMENT,
  },
  {
    name: 'masked-deletions-delete',
    rule: 'what a masked operation deleted stays deleted',
    file: 'src/core/types/text/document.ts',
    edits: [['this.#tree.addDeletions(span, isHidden ? -1 : 1)', 'void span']],
    tests: [...DOCUMENT, ...SPACE_TEXT],
  },
  {
    name: 'deleted-by-two-comes-back',
    rule: 'what two deleted shows again when one of them loses its effect',
    file: 'src/core/types/text/span-tree.ts',
    edits: [['(this.#at.deletions[span] as number) + by', 'by === 1 ? 1 : 0']],
    tests: DOCUMENT,
  },
  {
    name: 'masked-from-the-start-deletes',
    rule: 'an operation that is masked when its text is opened deletes',
    file: 'src/core/types/text/span-tree.ts',
    edits: [['[from, to, deletions], visit)', '[from, to, 1], visit)']],
    tests: DOCUMENT,
  },
  {
    name: 'deleting-sees-one-step-back',
    rule: 'a text that was deleted is there as long as it had more than one edit',
    file: 'src/core/types/text/existence.ts',
    edits: [['      open.push(...this.#graph.parents(at))\n', '']],
    tests: [...DOCUMENT, ...CONVERGENCE],
  },
  {
    name: 'typed-behind-what-is-unseen',
    rule: 'positions are translated as if the author had seen what stands before its cursor',
    file: 'src/core/types/text/wire-edits.ts',
    edits: [['(tree.isPrepared(span) ? offset + 1 : 0)', 'offset + 1']],
    tests: DOCUMENT,
  },
  {
    name: 'follows-whatever-is-here',
    rule: 'an edit builds on all edits that this node has, not on those in its operation’s past',
    file: 'src/node/replica/open-text.ts',
    edits: [
      [
        'if (past.has(this.#store.at(this.document.operation(node)))) found.add(node)',
        'if (past !== undefined) found.add(node)',
      ],
    ],
    tests: CONVERGENCE,
  },
  {
    name: 'changes-of-one-operation-apart',
    rule: 'a later change of an operation does not see its earlier ones',
    file: 'src/node/replica/open-text.ts',
    edits: [['parents: earlier === undefined ? parents : [earlier],', 'parents,']],
    tests: [...CONVERGENCE, ...SPACE_TEXT],
  },
  {
    name: 'placed-without-its-past',
    rule: 'an edit is placed although a body in its past is absent that may have changed the text',
    file: 'src/node/replica/open-text.ts',
    edits: [
      ['return !absent.some((ordinal) => past.has(this.#store.at(ordinal)))', 'return past !== undefined'],
    ],
    tests: [...CONVERGENCE, ...SPACE_TEXT],
  },
  {
    name: 'waits-for-ever',
    rule: 'a body that comes late above a text does not place what waits there',
    file: 'src/node/replica/open-text.ts',
    edits: [['boolean => isAtOrBelow(text, path)', 'boolean => text === path']],
    tests: [...CONVERGENCE, ...SPACE_TEXT],
  },
  {
    name: 'never-incomplete',
    rule: 'a text of which bodies are absent is shown as final',
    file: 'src/node/replica/open-text.ts',
    edits: [['store.mask(ordinal)?.isSevered !== true)', 'store.mask(ordinal)?.isSevered === false)']],
    tests: SPACE_TEXT,
  },
]
