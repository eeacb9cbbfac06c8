import type { Mutant } from '../mutant.ts'

const CHAIN = ['test/core/ucan-chain.test.ts']
const POLICY = ['test/core/ucan-policy.test.ts']
const TOKEN = ['test/core/ucan-delegation.test.ts']

/** Tokens, chains and policies (DESIGN §5). */
export const CAPABILITY_MUTANTS: readonly Mutant[] = [
  {
    name: 'prefix-match-commands',
    rule: '/op covers /operator',
    file: 'src/core/ucan/command.ts',
    edits: [['asked.startsWith(`${granted}/`)', 'asked.startsWith(granted)']],
    tests: [...CHAIN, 'test/adversarial/pipeline.test.ts'],
  },
  {
    name: 'chain-ends-anywhere',
    rule: 'the chain of another may be used',
    file: 'src/core/ucan/chain.ts',
    edits: [['if (!equalBytes(holder, invoker))', 'if (holder === null)']],
    tests: CHAIN,
  },
  {
    name: 'chain-with-a-gap',
    rule: 'a token need not be issued by the audience of the one before',
    file: 'src/core/ucan/chain.ts',
    edits: [['if (!equalBytes(token.issuer, expected))', 'if (expected === undefined)']],
    tests: CHAIN,
  },
  {
    name: 'principal-twice',
    rule: 'a principal may occur twice in a chain',
    file: 'src/core/ucan/chain.ts',
    edits: [['if (twice !== undefined) return', 'if (twice === null) return']],
    tests: CHAIN,
  },
  {
    name: 'powerline',
    rule: 'a token about "whatever comes" is taken for one about this space',
    file: 'src/core/ucan/chain.ts',
    edits: [
      [
        'token.subject === null || !equalBytes(token.subject, subject)',
        'token.subject !== null && !equalBytes(token.subject, subject)',
      ],
    ],
    tests: CHAIN,
  },
  {
    name: 'last-token-decides',
    rule: 'a token that grants more than its proof widens it',
    file: 'src/core/ucan/chain.ts',
    edits: [
      [
        'const index = tokens.findIndex((token) => !authorizePolicy(token.policy, args))',
        'const index = tokens.findIndex((token, i) => i === tokens.length - 1 && !authorizePolicy(token.policy, args))',
      ],
    ],
    tests: [...CHAIN, 'test/adversarial/pipeline.test.ts'],
  },
  {
    name: 'expiry-off-by-one',
    rule: 'a token ends a millisecond early',
    file: 'src/core/ucan/chain.ts',
    edits: [['timeMs > expiresSeconds * 1000', 'timeMs >= expiresSeconds * 1000']],
    tests: CHAIN,
  },
  {
    name: 'expiry-in-milliseconds',
    rule: 'seconds are taken for milliseconds',
    file: 'src/core/ucan/chain.ts',
    edits: [['timeMs < notBeforeSeconds * 1000', 'timeMs < notBeforeSeconds']],
    tests: CHAIN,
  },
  {
    name: 'token-signature-not-checked',
    rule: 'nobody looks whether the issuer signed the token',
    file: 'src/core/ucan/delegation.ts',
    edits: [
      [
        'if (!verify(signature, signed, delegation.issuer))',
        'if (signature.length + signed.length + verify.length === 0)',
      ],
    ],
    tests: TOKEN,
  },
  {
    name: 'weak-principal',
    rule: 'a token may name a key under which anybody can sign',
    file: 'src/core/ucan/delegation.ts',
    edits: [
      [
        'if (isWeakKey(publicKey.value)) return',
        'if (isWeakKey(publicKey.value) && field.length > 9) return',
      ],
    ],
    tests: TOKEN,
  },
  {
    name: 'unknown-token-fields',
    rule: 'fields nobody knows are passed over, so that a limit of tomorrow is none today',
    file: 'src/core/ucan/delegation.ts',
    edits: [['if (foreign !== undefined)', 'if (foreign === null)']],
    tests: TOKEN,
  },
  {
    name: 'token-size-limit-off',
    rule: 'a token may have any size',
    file: 'src/core/ucan/delegation.ts',
    edits: [['if (bytes.length > TOKEN_BYTES_MAX)', 'if (bytes.length > TOKEN_BYTES_MAX * 1000)']],
    tests: TOKEN,
  },
  {
    name: 'policy-fails-open-in-not',
    rule: 'what is not supported is true inside "not"',
    file: 'src/core/ucan/policy.ts',
    edits: [['return isDecidable(statement.statement, args)', 'return args !== null']],
    tests: POLICY,
  },
  {
    name: 'policy-fails-open-in-or',
    rule: 'an unsupported statement is passed over where another one of an "or" holds',
    file: 'src/core/ucan/policy.ts',
    edits: [
      [
        'return statement.statements.every((inner) => isDecidable(inner, args))',
        'return statement.statements.some((inner) => isDecidable(inner, args))',
      ],
    ],
    tests: POLICY,
  },
  {
    name: 'path-prefix-by-letters',
    rule: 'a grant for notes reaches notes2',
    file: 'src/core/ucan/policy.ts',
    edits: [['`${escapeGlob(prefix)}/*`', '`${escapeGlob(prefix)}*`']],
    tests: [...POLICY, 'test/adversarial/pipeline.test.ts'],
  },
  {
    name: 'path-prefix-with-stars',
    rule: 'asterisks in the path of a grant are wildcards',
    file: 'src/core/ucan/policy.ts',
    edits: [['`${escapeGlob(prefix)}/*`', '`${prefix}/*`']],
    tests: POLICY,
  },
  {
    name: 'policy-statements-unbounded',
    rule: 'a policy may have any number of statements',
    file: 'src/core/ucan/policy.ts',
    edits: [['if (--budget.left < 0) return', 'if (--budget.left < -1_000_000) return']],
    tests: POLICY,
  },
  {
    name: 'policy-depth-unbounded',
    rule: 'a policy may nest as deep as it likes',
    file: 'src/core/ucan/policy.ts',
    edits: [['if (depth > POLICY_DEPTH_MAX)', 'if (depth > POLICY_DEPTH_MAX * 100)']],
    tests: POLICY,
  },
  {
    name: 'glob-overlaps-its-end',
    rule: 'a piece between two stars may use characters of the end',
    file: 'src/core/ucan/glob.ts',
    edits: [['if (found < 0 || found + piece.length > end) return false', 'if (found < 0) return false']],
    tests: POLICY,
  },
  {
    name: 'paths-by-letters',
    rule: 'notes2 lies below notes',
    file: 'src/core/path.ts',
    edits: [
      ['path.charCodeAt(prefix.length) === SLASH && path.startsWith(prefix)', 'path.startsWith(prefix)'],
    ],
    tests: ['test/adversarial/pipeline.test.ts', 'test/core/codec.test.ts'],
  },
  {
    name: 'two-spellings-of-a-path',
    rule: 'a path need not be in normal form, so that one name is two items',
    file: 'src/core/path.ts',
    edits: [["if (text.normalize('NFC') !== text) return", "if (text.normalize('NFC') === null) return"]],
    tests: ['test/adversarial/pipeline.test.ts'],
  },
  {
    name: 'dots-in-a-path',
    rule: 'a path may climb with ".."',
    file: 'src/core/path.ts',
    edits: [["if (segment === '.' || segment === '..') return", "if (segment === '.') return"]],
    tests: ['test/adversarial/pipeline.test.ts'],
  },
]
