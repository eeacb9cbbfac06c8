import type { Mutant } from '../mutant.ts'

const PIPELINE = ['test/adversarial/pipeline.test.ts']

/** The checks of the pipeline that an operation goes through (DESIGN §3). */
export const ADMISSION_MUTANTS: readonly Mutant[] = [
  {
    name: 'drop-fork-check',
    rule: 'an author may build on two of its own branches',
    file: 'src/core/admission/past.ts',
    edits: [['return !branches.areOneChain(author, prev, all)', 'return false']],
    tests: PIPELINE,
  },
  {
    name: 'first-branch-wins',
    rule: 'of two branches the one that came first is kept, the other refused',
    file: 'src/core/admission/past.ts',
    edits: [
      [
        'if (header.seq !== seq) return',
        "if (graph.firstAfter(header.author, prev?.ordinal ?? null) !== undefined) return fault('SELF_FORK', '')\n  if (header.seq !== seq) return",
      ],
    ],
    tests: ['test/core/convergence.test.ts', ...PIPELINE],
  },
  {
    name: 'any-seq',
    rule: 'the place in the log need not follow',
    file: 'src/core/admission/past.ts',
    edits: [['if (header.seq !== seq)', 'if (header.seq < 0)']],
    tests: PIPELINE,
  },
  {
    name: 'any-prev-author',
    rule: 'a log may go on with an operation of another author',
    file: 'src/core/admission/past.ts',
    edits: [['if (prev !== null && !equalBytes(prev.author, header.author))', 'if (prev === undefined)']],
    tests: PIPELINE,
  },
  {
    name: 'lamport-may-jump',
    rule: 'lamport need only be greater than that of all parents',
    file: 'src/core/admission/past.ts',
    edits: [['if (header.lamport !== lamport)', 'if (header.lamport < lamport)']],
    tests: PIPELINE,
  },
  {
    name: 'time-may-regress',
    rule: 'an operation may be dated before its parents',
    file: 'src/core/admission/past.ts',
    edits: [['if (header.time < parent.time)', 'if (header.time < 0)']],
    tests: PIPELINE,
  },
  {
    name: 'children-of-refused',
    rule: 'what builds on a refused operation waits for ever instead of being refused',
    file: 'src/core/admission/past.ts',
    edits: [['if (refused !== undefined) return', 'if (refused === null) return']],
    tests: PIPELINE,
  },
  {
    name: 'control-without-body',
    rule: 'a control operation is admitted without its body',
    file: 'src/core/admission/past.ts',
    edits: [['if (operation.body === null && isControl(header.command))', 'if (header.command === null)']],
    tests: PIPELINE,
  },
  {
    name: 'unknown-checkpoint',
    rule: 'an operation of an epoch whose checkpoint is not known is admitted',
    file: 'src/core/admission/past.ts',
    edits: [['if (header.epoch > 0) return', 'if (header.epoch < 0) return']],
    tests: PIPELINE,
  },
  {
    name: 'wrong-space',
    rule: 'operations of another space are taken in',
    file: 'src/core/admission/decide.ts',
    edits: [['if (!equalBytes(space, spaceId)) return', 'if (space === null) return']],
    tests: PIPELINE,
  },
  {
    name: 'future-is-refused',
    rule: 'an operation from the future is refused for ever instead of held until it is due',
    file: 'src/core/admission/decide.ts',
    edits: [
      [
        "return { kind: 'wait', fault: { code: 'FUTURE', detail, dueMs: time - FUTURE_TOLERANCE_MS } }",
        "return { kind: 'refuse', fault: { code: 'FUTURE', detail } as never }",
      ],
    ],
    tests: PIPELINE,
  },
  {
    name: 'future-is-admitted',
    rule: 'this node does not look at its clock, so that a date in the far future wins for ever',
    file: 'src/core/admission/decide.ts',
    edits: [['if (time > nowMs + FUTURE_TOLERANCE_MS)', 'if (time === -1 && nowMs > FUTURE_TOLERANCE_MS)']],
    tests: PIPELINE,
  },
  {
    name: 'token-not-in-past',
    rule: 'a capability counts that is published somewhere, but not in the past of what uses it',
    file: 'src/core/admission/authority.ts',
    edits: [
      [
        'return inherited || published.publishers.some((ordinal) => isInPast(graph.at(ordinal)))',
        'return inherited || published.publishers.length > 0',
      ],
    ],
    tests: PIPELINE,
  },
  {
    name: 'no-capability-needed',
    rule: 'who names no capability may do what the space key may',
    file: 'src/core/admission/authority.ts',
    edits: [
      [
        "return isSpaceKey ? null : missing('no delegation",
        "return !isSpaceKey || header.seq >= 0 ? null : missing('no delegation",
      ],
    ],
    tests: PIPELINE,
  },
  {
    name: 'any-command-with-a-token',
    rule: 'an operation that carries a token needs no command and no policy, whatever else it does',
    file: 'src/core/admission/authority.ts',
    edits: [
      [
        'checkCommandAndPolicy: !needsChainOnly,',
        "checkCommandAndPolicy: !header.command.startsWith('/cap/') && carried.length === 0,",
      ],
    ],
    tests: PIPELINE,
  },
  {
    name: 'expiry-against-now',
    rule: 'a capability is judged by the clock of the machine and not by the signed time',
    file: 'src/core/admission/authority.ts',
    edits: [['timeMs: header.time,', 'timeMs: Date.now(),']],
    tests: PIPELINE,
  },
  {
    name: 'body-root-not-checked',
    rule: 'a body need only have the right size',
    file: 'src/core/operation/operation.ts',
    edits: [
      [
        'if (found.bodySize !== header.bodySize || !equalBytes(found.bodyHash, header.bodyHash))',
        'if (found.bodySize !== header.bodySize)',
      ],
    ],
    tests: ['test/adversarial/batch.test.ts'],
  },
  {
    name: 'signature-without-tag',
    rule: 'the bare id is signed, without the tag that says what it is',
    file: 'src/core/operation/operation.ts',
    edits: [['return concatBytes(OPERATION_SIGNATURE_TAG, id)', 'return id']],
    tests: ['test/vectors/operation.test.ts'],
  },
  {
    name: 'weak-author',
    rule: 'a key under which anybody can sign may author',
    file: 'src/core/operation/operation.ts',
    edits: [
      [
        "if (isWeakKey(operation.header.author))\n    return fail('WEAK_KEY', 'the author key is not canonical or of small order')\n  return",
        "if (operation.header.seq < 0)\n    return fail('WEAK_KEY', 'the author key is not canonical or of small order')\n  return",
      ],
    ],
    tests: PIPELINE,
  },
  {
    name: 'chain-inherited-from-a-guest',
    rule: 'who was let in by a token carried once goes on under the chain of the one who carried it',
    file: 'src/core/admission/authority.ts',
    edits: [['if (prev === null || CHAIN_ONLY.has(prev.command) || ', 'if (prev === null || ']],
    tests: PIPELINE,
  },
  {
    name: 'published-is-seen',
    rule: 'a delegation that anybody has published counts as seen by everybody',
    file: 'src/core/admission/descendants.ts',
    edits: [['return parents.length > 1 && past.has(publisher, known)', 'return parents.length > 0']],
    tests: ['test/core/descendants.test.ts', ...PIPELINE],
  },
  {
    name: 'chain-inherited-without-a-look',
    rule: 'an author whose last operation had a chain may use any other of that length',
    file: 'src/core/admission/authority.ts',
    edits: [
      [
        'return caps.every((digest, i) => equalBytes(digest, prev.caps[i] as Uint8Array))',
        'return caps.every((_digest, i) => prev.caps[i] !== undefined)',
      ],
    ],
    tests: PIPELINE,
  },
  {
    name: 'deps-limit-off',
    rule: 'an operation may name any number of parents',
    file: 'src/core/operation/header.ts',
    edits: [['if (deps.length > DEPS_MAX) return', 'if (deps.length > DEPS_MAX * 1000) return']],
    tests: PIPELINE,
  },
  {
    name: 'caps-limit-off',
    rule: 'a chain of authority may have any length',
    file: 'src/core/operation/header.ts',
    edits: [['if (caps.length > CAPS_MAX) return', 'if (caps.length > CAPS_MAX * 1000) return']],
    tests: PIPELINE,
  },
  {
    name: 'parents-twice',
    rule: 'a parent may be named twice, so that one past has two headers',
    file: 'src/core/operation/header.ts',
    edits: [['dep) !== -1)', 'dep) === 1)']],
    tests: ['test/core/codec.test.ts', ...PIPELINE],
  },
  {
    name: 'any-version',
    rule: 'headers of versions to come are read as if they were ours',
    file: 'src/core/operation/header.ts',
    edits: [['if (list[0] !== OPERATION_VERSION)', 'if (list[0] === undefined)']],
    tests: PIPELINE,
  },
  {
    name: 'change-outside-path',
    rule: 'a change may lie outside the path of its operation, and so outside what the capability allows',
    file: 'src/core/changes/evaluate.ts',
    edits: [['if (!isAtOrBelow(change.path, path))', 'if (change.path === undefined)']],
    tests: PIPELINE,
  },
  {
    name: 'remove-of-unseen',
    rule: 'a removal may name elements that its author has never seen',
    file: 'src/core/changes/evaluate.ts',
    edits: [['if (target === undefined || !past.has(target))', 'if (target === undefined)']],
    tests: [...PIPELINE, 'test/core/convergence.test.ts'],
  },
  {
    name: 'tokens-under-any-command',
    rule: 'a control change has its meaning under any control command',
    file: 'src/core/changes/evaluate.ts',
    edits: [['if (command !== context.command)', 'if (command === undefined)']],
    tests: ['test/adversarial/revocation.test.ts', ...PIPELINE],
  },
]
