import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { concatBytes, utf8 } from '../src/core/bytes.ts'
import { createSpaceChange, putDelegations } from '../src/core/changes/control.ts'
import { sha256 } from '../src/core/hash.ts'
import { createSigner } from '../src/core/native-signature.ts'
import { signOperation, type VerifiedOperation } from '../src/core/operation/operation.ts'
import { publicKeyOf, type Signer } from '../src/core/signature.ts'
import { issueDelegation, type VerifiedDelegation } from '../src/core/ucan/delegation.ts'
import type { PolicySource } from '../src/core/ucan/policy.ts'
import { type Role, roleTerms } from '../src/node/space/roles.ts'

/** Virtual time at the beginning of every run. */
export const START_MS = 1_800_000_000_000
/** When the space began: an hour before. */
const GENESIS_MS = START_MS - 3_600_000

const seedNamed = (name: string): Uint8Array => sha256(utf8(`simulation seed of ${name}`))

const signers = new Map<string, Signer>()
/** The same key for the same name, always. */
export function signerNamed(name: string): Signer {
  const known = signers.get(name) ?? createSigner(seedNamed(name))
  signers.set(name, known)
  return known
}

const peerIds = new Map<string, PeerId>()
/** The same peer for the same name, always. */
export function peerNamed(name: string): PeerId {
  const seed = seedNamed(`peer of ${name}`)
  const known =
    peerIds.get(name) ?? peerIdFromPrivateKey(privateKeyFromRaw(concatBytes(seed, publicKeyOf(seed))))
  peerIds.set(name, known)
  return known
}

/** The key of the space: the root of all authority in it. */
export const spaceKey = signerNamed('the space')

/** What a token says. */
export interface TokenTerms {
  readonly command: string
  readonly policy: PolicySource
  readonly expiresSeconds?: number | null
  readonly subject?: Uint8Array
  /** Makes two otherwise equal tokens differ. */
  readonly nonce?: string
}

/** A delegation, byte for byte the same for the same terms. */
export function delegate(issuer: Signer, audience: Uint8Array, terms: TokenTerms): VerifiedDelegation {
  const issued = issueDelegation({
    signer: issuer,
    audience,
    subject: terms.subject ?? spaceKey.publicKey,
    command: terms.command,
    policy: terms.policy,
    nonce: utf8(terms.nonce ?? ''),
    expiresSeconds: terms.expiresSeconds ?? null,
  })
  if (!issued.ok) throw new Error(issued.fault.detail)
  return issued.value
}

/** A token of a role, at and below a path where the role takes one. */
export function roleToken(
  issuer: Signer,
  audience: Signer,
  role: Role,
  path: string,
  {
    openReading,
    expiresSeconds = null,
  }: { readonly openReading: boolean; readonly expiresSeconds?: number | null },
): VerifiedDelegation {
  const terms = roleTerms(role, path, openReading)
  if (!terms.ok) throw new Error(terms.fault.detail)
  return delegate(issuer, audience.publicKey, { ...terms.value, expiresSeconds })
}

/** The space of a run: its first operation, and its owner's token. */
export interface SpaceOrigin {
  readonly genesis: VerifiedOperation
  readonly owner: Signer
  readonly ownerToken: VerifiedDelegation
}

/** Makes the space; `openReading` as its genesis says. */
export function createOrigin(owner: Signer, openReading: boolean): SpaceOrigin {
  const ownerToken = delegate(spaceKey, owner.publicKey, { command: '/', policy: [] })
  const description = createSpaceChange({ name: 'simulated', profile: 'federated', openReading })
  const genesis = signOperation(
    {
      space: null,
      author: spaceKey.publicKey,
      seq: 0,
      prev: null,
      deps: [],
      lamport: 1,
      time: GENESIS_MS,
      epoch: 0,
      caps: [],
      command: '/cap/grant',
      path: '',
    },
    [description, putDelegations([ownerToken.bytes])],
    spaceKey.sign,
  )
  return { genesis, owner, ownerToken }
}
