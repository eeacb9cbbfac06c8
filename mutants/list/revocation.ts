import type { Mutant } from '../mutant.ts'

const EFFECT = ['test/adversarial/revocation.test.ts', 'test/effect/effect.test.ts']
const COST = ['test/effect/verdict-cost.test.ts']

/** What has an effect, and what is kept (DESIGN §4, §5, §6). */
export const REVOCATION_MUTANTS: readonly Mutant[] = [
  {
    name: 'skip-the-cut',
    rule: 'a revocation masks everything, also what its cut keeps',
    file: 'src/core/effect/verdicts.ts',
    edits: [['return past.has(entry)\n', 'return past.has(entry) && entry.ordinal < 0\n']],
    tests: EFFECT,
  },
  {
    name: 'revoke-masks-nothing',
    rule: 'the cut of every revocation keeps everything',
    file: 'src/core/effect/verdicts.ts',
    edits: [['return past.has(entry)\n', 'return past.has(entry) || entry.ordinal >= 0\n']],
    tests: EFFECT,
  },
  {
    name: 'equals-revoke-each-other',
    rule: 'whoever was granted by the same hand may revoke an equal',
    file: 'src/core/effect/revocation.ts',
    edits: [
      ['if (own.length >= caps.length) return false', 'if (own.length > caps.length) return false'],
      ['own.every((digest, i)', 'own.slice(0, -1).every((digest, i)'],
      ['caps.slice(own.length).some(', 'caps.slice(own.length - 1).some('],
    ],
    tests: EFFECT,
  },
  {
    name: 'revoke-across-chains',
    rule: 'a revocation reaches chains that do not go on from the revoker’s own',
    file: 'src/core/effect/revocation.ts',
    edits: [['own.every((digest, i) => equalBytes(digest, caps[i] as Uint8Array)) &&', '']],
    tests: EFFECT,
  },
  {
    name: 'revoked-revocation-counts',
    rule: 'a revocation counts although a higher one masks it',
    file: 'src/core/effect/verdicts.ts',
    edits: [
      ['const isEffective = !this.#isMaskedUnendorsed(entry)', 'const isEffective = entry.ordinal >= 0'],
    ],
    tests: EFFECT,
  },
  {
    name: 'verdicts-by-arrival',
    rule: 'what was found effective stays so, whatever comes later',
    file: 'src/core/effect/verdicts.ts',
    edits: [['    this.#forgetStandings(revocations)\n    return revocations\n', '    return revocations\n']],
    tests: EFFECT,
  },
  {
    name: 'cuts-do-not-intersect',
    rule: 'of several revocations one that keeps an operation is enough',
    file: 'src/core/effect/verdicts.ts',
    edits: [
      [
        `    for (const revocation of this.reaching(entry.caps)) if (this.#masks(revocation, entry)) return true
    return false`,
        `    const all = [...this.reaching(entry.caps)].filter((revocation) => this.isEffective(revocation.entry))
    return all.length > 0 && !all.some((revocation) => this.isKept(revocation, entry))`,
      ],
    ],
    tests: EFFECT,
  },
  {
    name: 'endorsements-not-followed',
    rule: 'an endorsement that gets or loses its effect is not followed to what it keeps',
    file: 'src/node/replica/effects.ts',
    edits: [['if (!isVerdict(entry)) continue\n', "if (entry.command !== '/cap/revoke') continue\n"]],
    tests: ['test/adversarial/revocation.test.ts'],
  },
  {
    name: 'endorse-control',
    rule: 'an endorsement revives control operations',
    file: 'src/core/effect/verdicts.ts',
    edits: [['if (isControl(entry.command)) return false\n', '']],
    tests: EFFECT,
  },
  {
    name: 'endorse-from-below',
    rule: 'an endorsement revives what is higher up than itself',
    file: 'src/core/effect/verdicts.ts',
    edits: [['if (endorser.caps.length > entry.caps.length) return false\n', '']],
    tests: EFFECT,
  },
  {
    name: 'endorse-without-authority',
    rule: 'an endorsement revives what its own chain does not allow',
    file: 'src/core/effect/verdicts.ts',
    edits: [
      [
        'return tokens.every((token) => token !== undefined) && authorizes(tokens, args)',
        'return tokens.length >= 0 || authorizes(tokens as never, args)',
      ],
    ],
    tests: EFFECT,
  },
  {
    name: 'masked-endorser',
    rule: 'an endorsement counts although it is masked itself',
    file: 'src/core/effect/verdicts.ts',
    edits: [
      ['if (!this.isEffective(endorser)) return false\n', ''],
      ['if (!this.isEffective(endorser)) continue\n', ''],
    ],
    tests: EFFECT,
  },
  {
    name: 'check-11-by-the-whole-set',
    rule: 'an operation is refused for a revocation that its author had not seen',
    file: 'src/core/effect/verdicts.ts',
    edits: [['past.has(entry) && ', '']],
    tests: EFFECT,
  },
  {
    name: 'no-check-11',
    rule: 'who has seen the revocation may go on writing under the revoked token',
    file: 'src/core/admission/decide.ts',
    edits: [['if (closing !== null) {', 'if (closing === undefined) {']],
    tests: [...EFFECT, 'test/adversarial/pipeline.test.ts'],
  },
  {
    name: 'cut-names-unseen',
    rule: 'a cut may name operations that the revoker has never seen',
    file: 'src/core/changes/evaluate.ts',
    edits: [
      ['if (entry === undefined || !past.has(entry)) return null', 'if (entry === undefined) return null'],
    ],
    tests: EFFECT,
  },
  {
    name: 'revocations-by-the-thousand',
    rule: 'an operation may make any number of revocations',
    file: 'src/core/changes/evaluate.ts',
    edits: [['if (context.revocations.left-- <= 0)\n', 'if (context.revocations.left-- < -1_000_000)\n']],
    tests: COST,
  },
  {
    name: 'uses-read-to-the-beginning',
    rule: 'a revocation looks at every use of its target, also at what its cut keeps',
    file: 'src/node/replica/uses.ts',
    edits: [['if (isKept(entry)) continue\n        yield entry\n', 'if (!isKept(entry)) yield entry\n']],
    tests: COST,
  },
  {
    name: 'uses-forgotten-between-chains',
    rule: 'what an author did before acting by another chain for a while is not masked',
    file: 'src/node/replica/uses.ts',
    edits: [['if (jump !== undefined) open.push(jump)\n', '']],
    tests: COST,
  },
  {
    name: 'one-chain-in-between-ends-a-log',
    rule: 'every change to another chain leaves one more end to look at',
    file: 'src/node/replica/uses.ts',
    edits: [['latest !== undefined && isInChain(', 'latest === -1 && isInChain(']],
    tests: COST,
  },
  {
    name: 'masked-revocations-looked-at-again',
    rule: 'an operation is judged once for each revocation that loses its effect',
    file: 'src/node/replica/effects.ts',
    edits: [['        looked.add(entry.ordinal)\n', '']],
    tests: COST,
  },
  {
    name: 'severed-in-the-clock',
    rule: 'what is severed stays in the clock root',
    file: 'src/node/replica/severance.ts',
    edits: [
      ['if (heads.every(isKept)) return heads', 'if (heads.length >= 0 || heads.every(isKept)) return heads'],
    ],
    tests: [...EFFECT, 'test/effect/fork-storm.test.ts'],
  },
  {
    name: 'masked-is-folded',
    rule: 'a masked operation changes what is shown',
    file: 'src/node/replica/materialise.ts',
    edits: [
      ['const isMasked = store.mask(entry.ordinal) !== undefined', 'const isMasked = entry.ordinal < 0'],
    ],
    tests: EFFECT,
  },
  {
    name: 'refold-with-masked',
    rule: 'what a revocation masks later goes on showing',
    file: 'src/node/replica/refold.ts',
    edits: [['if (store.mask(ordinal) !== undefined) continue\n', '']],
    tests: EFFECT,
  },
  {
    name: 'build-on-masked',
    rule: 'this node builds on operations that are masked',
    file: 'src/node/replica/usable-frontier.ts',
    edits: [
      [
        'if (store.mask(ordinal) !== undefined || store.fork(author) !== undefined) return false',
        'if (store.fork(author) !== undefined) return false',
      ],
    ],
    tests: ['test/replica/frontier.test.ts'],
  },
  {
    name: 'build-on-forked',
    rule: 'this node builds on the operations of an author whose fork is proved',
    file: 'src/node/replica/usable-frontier.ts',
    edits: [
      [
        'if (store.mask(ordinal) !== undefined || store.fork(author) !== undefined) return false',
        'if (store.mask(ordinal) !== undefined) return false',
      ],
    ],
    tests: ['test/replica/frontier.test.ts'],
  },
  {
    name: 'no-fork-proof',
    rule: 'a fork leaves no proof',
    file: 'src/node/replica/replica.ts',
    edits: [['if (fork !== null) writer.putFork(fork)\n', '']],
    tests: ['test/adversarial/pipeline.test.ts', 'test/core/convergence.test.ts'],
  },
  {
    name: 'one-operation-proves-a-fork',
    rule: 'a fork proof may name one operation twice',
    file: 'src/core/forks.ts',
    edits: [
      [
        'if (sibling === undefined || equalBytes(sibling.id, entry.id)) return null',
        'if (sibling === undefined) return { ...place, ids: [entry.id, entry.id] }',
      ],
    ],
    tests: ['test/adversarial/pipeline.test.ts', 'test/core/convergence.test.ts'],
  },
  {
    name: 'first-fork-proof-wins',
    rule: 'the proof that came first is kept, so that nodes keep different ones',
    file: 'src/core/forks.ts',
    edits: [
      [
        'if (known !== undefined && order > 0) return null',
        'if (known !== undefined && order > -2) return null',
      ],
    ],
    tests: ['test/core/convergence.test.ts', 'test/adversarial/pipeline.test.ts'],
  },
  {
    name: 'fork-proof-of-one-operation',
    rule: 'a fork proof may cite one operation twice',
    file: 'src/core/fork-proof.ts',
    edits: [['if (order === 0)\n', 'if (order === 2)\n']],
    tests: ['test/core/fork-proof.test.ts'],
  },
  {
    name: 'fork-proof-unsigned',
    rule: 'the second signature of a fork proof is not checked',
    file: 'src/core/fork-proof.ts',
    edits: [['const forged = [low, high].find(', 'const forged = [low].find(']],
    tests: ['test/core/fork-proof.test.ts'],
  },
  {
    name: 'fork-proof-of-two-authors',
    rule: 'two authors at the same place of their logs are a fork of the first',
    file: 'src/core/fork-proof.ts',
    edits: [
      [
        "if (!equalBytes(author, high.header.author)) return fail('FORK_AUTHOR', 'the operations are of two authors')\n",
        '',
      ],
      [
        '({ id, signature }) => !verify(signature, signedBytes(id), author)',
        '({ id, signature, header }) => !verify(signature, signedBytes(id), header.author)',
      ],
    ],
    tests: ['test/core/fork-proof.test.ts'],
  },
]
