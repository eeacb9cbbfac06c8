import { compareBytes, equalBytes } from '../bytes.ts'
import { CAPS_MAX } from '../limits.ts'
import { formatDid } from '../principal.ts'
import { type Fault, fail, ok, type Result } from '../result.ts'
import { covers } from './command.ts'
import type { VerifiedDelegation } from './delegation.ts'
import { authorizePolicy, type PolicyArguments } from './policy.ts'

/** A use of authority: who asks to do what, where, under which tokens. */
export interface ChainRequest {
  /** Root first. */
  readonly tokens: readonly VerifiedDelegation[]
  /** The space's public key. */
  readonly subject: Uint8Array
  /** The public key that acts: an operation's author, or a reader in a handshake. */
  readonly invoker: Uint8Array
  readonly command: string
  readonly path: string
  /** The operation's signed time (the local clock for reading), ms since 1970. */
  readonly timeMs: number
  /** Bytes of the operation's body, 0 for reading. */
  readonly bodySize: number
  /** False for `cap.put`, which needs a valid chain but no particular command. */
  readonly checkCommandAndPolicy: boolean
  /** True where these very tokens were found to be aligned for this invoker and subject before: conditions 1 to 4 are not checked again. */
  readonly isAligned?: boolean
}

/** The fault of a chain; `detail` names the token by its place, counted from 0 at the root. */
export type ChainFault = Fault<'CAP_CHAIN' | 'CAP_SUBJECT' | 'CAP_COMMAND' | 'CAP_POLICY' | 'CAP_TIME'>

/**
 * Decides whether the tokens give the invoker what it asks for, from their content alone: no clock, no revocations.
 *
 * Conditions, in order:
 *
 * 1. at most 8 tokens (`CAP_CHAIN`);
 * 2. the first issuer is the subject, each audience is the next token's issuer, the last audience is the invoker; without
 *    tokens, the invoker is the subject (`CAP_CHAIN`);
 * 3. no principal occurs twice, and no token is passed on more often than it allows (`CAP_CHAIN`);
 * 4. every token's subject is the subject asked about; null, which UCAN reads as "whatever comes", is not (`CAP_SUBJECT`);
 * 5. every token's command covers the command, by segment (`CAP_COMMAND`), unless told not to check;
 * 6. every token's policy holds for `{ command, path, time, bodySize }` (`CAP_POLICY`), unless told not to check;
 * 7. for every token notBefore·1000 ≤ time ≤ expires·1000 (`CAP_TIME`).
 *
 * Since every token must allow what is asked, a token that grants more than its proof adds nothing.
 */
export function verifyChain(request: ChainRequest): Result<void, ChainFault> {
  return (
    (request.isAligned === true ? null : (alignmentFault(request) ?? subjectFault(request))) ??
    (request.checkCommandAndPolicy ? (commandFault(request) ?? policyFault(request)) : null) ??
    timeFault(request) ??
    ok(undefined)
  )
}

/** Whether every token of a chain allows this command with these arguments: conditions 5 and 6 of {@link verifyChain}. */
export function authorizes(tokens: readonly VerifiedDelegation[], args: PolicyArguments): boolean {
  return tokens.every(({ command, policy }) => covers(command, args.command) && authorizePolicy(policy, args))
}

/** Conditions 1 to 4 of {@link verifyChain} alone: the tokens form a chain that gives the invoker something, whatever it is. */
export function alignChain(
  holder: Pick<ChainRequest, 'tokens' | 'subject' | 'invoker'>,
): Result<void, ChainFault> {
  return alignmentFault(holder) ?? subjectFault(holder) ?? ok(undefined)
}

/** A failed check, or null where it passed. */
type Failed = { readonly ok: false; readonly fault: ChainFault } | null

function alignmentFault({
  tokens,
  subject,
  invoker,
}: Pick<ChainRequest, 'tokens' | 'subject' | 'invoker'>): Failed {
  if (tokens.length > CAPS_MAX) return fail('CAP_CHAIN', `at most ${CAPS_MAX} tokens, found ${tokens.length}`)
  const principals = [subject]
  for (const [index, token] of tokens.entries()) {
    const expected = principals[index] as Uint8Array
    if (!equalBytes(token.issuer, expected)) {
      const [wanted, found] = [formatDid(expected), formatDid(token.issuer)]
      return fail('CAP_CHAIN', `token ${index} should be issued by ${wanted}, and is by ${found}`)
    }
    principals.push(token.audience)
  }
  const holder = principals[principals.length - 1] as Uint8Array
  if (!equalBytes(holder, invoker)) {
    return fail('CAP_CHAIN', `the chain ends at ${formatDid(holder)}, not at ${formatDid(invoker)}`)
  }
  const sorted = principals.toSorted(compareBytes)
  const twice = sorted.find((principal, i) => i > 0 && equalBytes(principal, sorted[i - 1] as Uint8Array))
  if (twice !== undefined) return fail('CAP_CHAIN', `${formatDid(twice)} occurs twice`)
  const after = (index: number) => tokens.length - 1 - index
  const index = tokens.findIndex((token, i) => after(i) > (passedOnMax(token) ?? tokens.length))
  if (index < 0) return null
  const allowed = passedOnMax(tokens[index] as VerifiedDelegation)
  return fail(
    'CAP_CHAIN',
    `token ${index} may be passed on ${allowed} times, and is passed on ${after(index)} times`,
  )
}

/** The key in a token's `meta` that bounds how often it is passed on. */
const DEPTH_META = 'hanse.depth'

/** What to write into a token's `meta` so that at most `depth` tokens follow it in any chain; null: no bound. */
export function depthMeta(depth: number | null): Readonly<Record<string, unknown>> | null {
  return depth === null ? null : { [DEPTH_META]: depth }
}

/**
 * How many tokens may follow this one in a chain; null without a bound. UCAN 1.0 has no field for it, so it is said in `meta`
 * (docs/decisions/0008). What is there and no whole number from 0 allows none.
 */
export function passedOnMax({ meta }: VerifiedDelegation): number | null {
  if (meta === null || !Object.hasOwn(meta, DEPTH_META)) return null
  const depth = meta[DEPTH_META]
  return Number.isSafeInteger(depth) && (depth as number) >= 0 ? (depth as number) : 0
}

function subjectFault({ tokens, subject }: Pick<ChainRequest, 'tokens' | 'subject'>): Failed {
  const index = tokens.findIndex((token) => token.subject === null || !equalBytes(token.subject, subject))
  return index < 0 ? null : fail('CAP_SUBJECT', `token ${index} is not about ${formatDid(subject)}`)
}

function commandFault({ tokens, command }: ChainRequest): Failed {
  const index = tokens.findIndex((token) => !covers(token.command, command))
  return index < 0
    ? null
    : fail('CAP_COMMAND', `token ${index} grants ${tokens[index]?.command}, not ${command}`)
}

function policyFault({ tokens, command, path, timeMs, bodySize }: ChainRequest): Failed {
  const args = { command, path, time: timeMs, bodySize }
  const index = tokens.findIndex((token) => !authorizePolicy(token.policy, args))
  return index < 0
    ? null
    : fail('CAP_POLICY', `the policy of token ${index} does not hold for ${JSON.stringify(args)}`)
}

function timeFault({ tokens, timeMs }: ChainRequest): Failed {
  const index = tokens.findIndex(
    ({ notBeforeSeconds, expiresSeconds }) =>
      (notBeforeSeconds !== null && timeMs < notBeforeSeconds * 1000) ||
      (expiresSeconds !== null && timeMs > expiresSeconds * 1000),
  )
  return index < 0 ? null : fail('CAP_TIME', `token ${index} is not valid at ${timeMs} ms`)
}
