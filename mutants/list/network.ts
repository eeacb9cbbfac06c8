import type { Mutant } from '../mutant.ts'

const READING = ['test/node/reading.test.ts']
const WIRE = ['test/sync/mallory-wire.test.ts']
const VERIFICATIONS = ['test/replica/verification-budget.test.ts']
const REPUTATION = ['test/node/reputation.test.ts']
const LINKS = ['test/sync/link-budget.test.ts']

/** Who reads what, receipts, budgets and reputation (DESIGN §7, §8). */
export const NETWORK_MUTANTS: readonly Mutant[] = [
  {
    name: 'read-any-path',
    rule: 'a body leaves the node whatever the peer may read',
    file: 'src/core/sync/sender.ts',
    edits: [['isControl(command) || this.#view.mayRead(path)', 'isControl(command) || path.length >= 0']],
    tests: READING,
  },
  {
    name: 'read-by-half-a-chain',
    rule: 'one token of a read chain that allows a path is enough',
    file: 'src/core/sync/read-scope.ts',
    edits: [
      [
        'chain.every(({ policy }) => authorizePolicy(policy, args))',
        'chain.some(({ policy }) => authorizePolicy(policy, args))',
      ],
    ],
    tests: READING,
  },
  {
    name: 'read-with-any-command',
    rule: 'whoever may write may read',
    file: 'src/core/sync/handshake.ts',
    edits: [['!covers(command, READ_COMMAND)', "!command.startsWith('/')"]],
    tests: WIRE,
  },
  {
    name: 'read-proof-unsigned',
    rule: 'whoever has heard a read chain may use it',
    file: 'src/core/sync/handshake.ts',
    edits: [
      [
        'if (isWeakKey(reader) || !verify(proof.signature, handshakeBytes(binding), reader))',
        'if (isWeakKey(reader))',
      ],
    ],
    tests: WIRE,
  },
  {
    name: 'verifications-per-peer-off',
    rule: 'one peer may have any number of signatures checked at a time',
    file: 'src/node/replica/verification-budget.ts',
    edits: [
      [
        'if (this.#running >= VERIFICATIONS_MAX || lane.running >= VERIFICATIONS_PER_PEER_MAX) {',
        'if (this.#running >= VERIFICATIONS_MAX) {',
      ],
    ],
    tests: VERIFICATIONS,
  },
  {
    name: 'verifications-unbounded',
    rule: 'all peers together may have any number of signatures checked at a time',
    file: 'src/node/replica/verification-budget.ts',
    edits: [
      [
        'if (this.#running >= VERIFICATIONS_MAX || lane.running >= VERIFICATIONS_PER_PEER_MAX) {',
        'if (lane.running >= VERIFICATIONS_PER_PEER_MAX) {',
      ],
    ],
    tests: VERIFICATIONS,
  },
  {
    name: 'bad-signatures-cost-nothing',
    rule: 'a peer may send bad signatures for ever, at a millisecond of ours each',
    file: 'src/node/replica/verification-budget.ts',
    edits: [['if (isPeer) this.#forgiveness.take(peer, this.#now())\n', '']],
    tests: VERIFICATIONS,
  },
  {
    name: 'nobody-is-banned',
    rule: 'offences have no consequence',
    file: 'src/node/reputation.ts',
    edits: [
      [
        'if (Math.ceil(offender.points) < POINTS_MAX || this.isBanned(peer)) return false',
        'if (offender.points < POINTS_MAX * 1000) return false',
      ],
    ],
    tests: REPUTATION,
  },
  {
    name: 'bans-never-end',
    rule: 'a ban is for ever',
    file: 'src/node/reputation.ts',
    edits: [['if (untilMs > this.#now()) return untilMs', 'if (untilMs > 0) return untilMs']],
    tests: REPUTATION,
  },
  {
    name: 'nothing-is-forgiven',
    rule: 'a peer that errs once in a while is banned in the end',
    file: 'src/node/reputation.ts',
    edits: [
      [
        'points - Math.max(0, nowMs - atMs) / POINT_FORGIVEN_MS',
        'points - Math.min(0, nowMs - atMs) / POINT_FORGIVEN_MS',
      ],
    ],
    tests: REPUTATION,
  },
  {
    name: 'receipt-of-another-root',
    rule: 'a receipt counts whatever it is about',
    file: 'src/core/sync/receipt.ts',
    edits: [
      [
        'if (!equalBytes(clockRoot, expected.clockRoot))',
        'if (clockRoot.length !== expected.clockRoot.length)',
      ],
    ],
    tests: ['test/core/receipt.test.ts'],
  },
  {
    name: 'receipt-unsigned',
    rule: 'a receipt counts whoever has signed it',
    file: 'src/core/sync/receipt.ts',
    edits: [
      [
        'return verify(signature, receiptBytes(expected.spaceId, clockRoot, timeMs), expected.reader)',
        'return signature.length > 0 || verify(signature, receiptBytes(expected.spaceId, clockRoot, timeMs), expected.reader)',
      ],
    ],
    tests: ['test/core/receipt.test.ts'],
  },
  {
    name: 'links-per-peer-off',
    rule: 'one peer may open any number of links',
    file: 'protocols/sync/link-budget.ts',
    edits: [
      [
        'if (own >= LINKS_PER_PEER_MAX || this.#links >= LINKS_MAX) return false',
        'if (this.#links >= LINKS_MAX) return false',
      ],
    ],
    tests: LINKS,
  },
  {
    name: 'links-unbounded',
    rule: 'all peers together may open any number of links',
    file: 'protocols/sync/link-budget.ts',
    edits: [
      [
        'if (own >= LINKS_PER_PEER_MAX || this.#links >= LINKS_MAX) return false',
        'if (own >= LINKS_PER_PEER_MAX) return false',
      ],
    ],
    tests: LINKS,
  },
  {
    name: 'queues-unbounded',
    rule: 'what waits for slow readers may take any amount of memory',
    file: 'protocols/sync/link-budget.ts',
    edits: [
      [
        'while (this.#queuedBytes() > LINKS_QUEUE_BYTES_MAX) {',
        'while (this.#queuedBytes() > LINKS_QUEUE_BYTES_MAX * 1000) {',
      ],
    ],
    tests: LINKS,
  },
  {
    name: 'connections-per-peer-off',
    rule: 'one peer may hold any number of connections',
    file: 'src/node/network/connection-slots.ts',
    edits: [['.length >= CONNECTIONS_PER_PEER_MAX)', '.length >= CONNECTIONS_PER_PEER_MAX * 1000)']],
    tests: ['test/network/connection-slots.test.ts'],
  },
  {
    name: 'passed-on-without-bound',
    rule: 'a token that may not be passed on is passed on',
    file: 'src/core/ucan/chain.ts',
    edits: [
      [
        'if (meta === null || !Object.hasOwn(meta, DEPTH_META)) return null',
        'if (meta === null || Object.keys(meta).length >= 0) return null',
      ],
    ],
    tests: ['test/core/ucan-chain.test.ts', 'test/node/authority.test.ts'],
  },
  {
    name: 'rates-refill-at-once',
    rule: 'a bucket is always full',
    file: 'src/core/token-bucket.ts',
    edits: [
      [
        '(elapsedMs / 1000) * this.#rate.perSecond)',
        '(elapsedMs / 1000) * this.#rate.perSecond + this.#rate.burst)',
      ],
    ],
    tests: ['test/core/token-bucket.test.ts'],
  },
  {
    name: 'busy-spaces-compared-as-often',
    rule: 'a space in which much is written is compared at every interval',
    file: 'src/node/network/sync-scheduler.ts',
    edits: [['scheduled.isBusy?.() === true ? BUSY_INTERVALS_MAX : 1', 'BUSY_INTERVALS_MAX - 3']],
    tests: ['test/network/sync-scheduler.test.ts'],
  },
  {
    name: 'compared-from-both-sides',
    rule: 'what the peer has just compared is compared again for the interval’s sake',
    file: 'src/node/network/attendance.ts',
    edits: [['    this.#init.scheduler.noteCompared(member.space, peer)\n', '']],
    tests: ['test/network/attendance.test.ts'],
  },
  {
    name: 'state-root-in-flux',
    rule: 'the root of a state is worked out although other operations have come meanwhile',
    file: 'src/core/sync/own-standing.ts',
    edits: [['isGuess && !view.isStateRootAtHand()', 'round === 0 && isGuess && !view.isStateRootAtHand()']],
    tests: ['test/sync/session-hostile.test.ts'],
  },
  {
    name: 'refused-gossip-counts-for-nothing',
    rule: 'whoever hands on what is refused is heard on the topic as if nothing were',
    file: 'src/node/network/gossip-guard.ts',
    edits: [['if (verdict === TopicValidatorResult.Reject)\n', 'if (verdict === undefined)\n']],
    tests: ['test/sync/rate.test.ts'],
  },
  {
    name: 'graylisted-and-heard',
    rule: 'messages of a peer whose score is too low are looked at',
    file: 'src/node/network/gossip-guard.ts',
    edits: [[' || !this.#internals.acceptFrom(from.toString())', '']],
    tests: ['test/sync/rate.test.ts'],
  },
  {
    name: 'gossip-waits-for-more',
    rule: 'a node that has time lets others wait for what it gathers',
    file: 'src/node/network/gossip-outbox.ts',
    edits: [['this.#host.load() < BUSY_LOAD', 'this.#host.load() < 0']],
    tests: ['test/network/gossip-outbox.test.ts'],
  },
  {
    name: 'providers-dialled',
    rule: 'whoever the DHT names as a provider is dialled',
    file: 'src/node/network/dht-servers.ts',
    edits: [['return isServer ? peer : { ...peer, multiaddrs: [] }', 'return isServer ? peer : { ...peer }']],
    tests: ['test/discovery/dht.test.ts'],
  },
  {
    name: 'asks-for-nobody-missing',
    rule: 'introduction nodes are asked for peers where there are enough',
    file: 'src/node/network/discovery.ts',
    edits: [
      ['own.filter((one) => sharerCount(one) < DEGREE_TARGET)', 'own.filter((one) => sharerCount(one) >= 0)'],
    ],
    tests: ['test/network/discovery-questions.test.ts'],
  },
]
