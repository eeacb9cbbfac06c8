import type { Mutant } from '../mutant.ts'

const PIPELINE = ['test/adversarial/pipeline.test.ts']
const SESSION = ['test/sync/session-hostile.test.ts', 'test/sync/session.test.ts']
const WIRE = ['test/sync/mallory-wire.test.ts']

/** The replica, sync and gossip (DESIGN §3, §7). */
export const NODE_MUTANTS: readonly Mutant[] = [
  {
    name: 'unbounded-hold-lane',
    rule: 'the hold lane takes whatever comes',
    file: 'src/node/replica/hold-lane.ts',
    edits: [
      [
        'while (this.#held.size > HELD_OPERATIONS_MAX || this.#bytes > HELD_BYTES_MAX) this.#dropOldest(null)',
        '',
      ],
    ],
    tests: ['test/replica/hold-lane.test.ts'],
  },
  {
    name: 'held-with-its-batch',
    rule: 'an operation that waits keeps alive what came with it',
    file: 'src/node/replica/hold-lane.ts',
    edits: [['operation: ownOperation(operation),', 'operation,']],
    tests: ['test/replica/hold-lane.test.ts'],
  },
  {
    name: 'one-peer-fills-the-hold-lane',
    rule: 'one peer may push out what others sent',
    file: 'src/node/replica/hold-lane.ts',
    edits: [['while (isOverShare(this.#perPeer.get(held.peer))) this.#dropOldest(held.peer)', '']],
    tests: ['test/replica/hold-lane.test.ts'],
  },
  {
    name: 'held-for-ever',
    rule: 'what waits is never given up',
    file: 'src/node/replica/hold-lane.ts',
    edits: [
      [
        'if (held.sinceMs + HELD_AGE_MS_MAX < nowMs) this.#drop(key)',
        'if (held.sinceMs + HELD_AGE_MS_MAX < nowMs) continue',
      ],
    ],
    tests: ['test/replica/hold-lane.test.ts'],
  },
  {
    name: 'refusals-unbounded',
    rule: 'every refusal is remembered for ever',
    file: 'src/node/replica/refusal-memory.ts',
    edits: [
      ['if (memory.size > REFUSALS_REMEMBERED_MAX)', 'if (memory.size > REFUSALS_REMEMBERED_MAX * 1000)'],
    ],
    tests: ['test/replica/refusal-memory.test.ts'],
  },
  {
    name: 'bad-signature-by-id',
    rule: 'a bad signature is remembered by id, so that a liar makes the node deaf to the honest operation',
    file: 'src/node/replica/replica.ts',
    edits: [
      [
        'this.#refusals.rememberBytes(bytesDigest(operation), fault.code)',
        'this.#refusals.rememberId(operation.id, fault.code)',
      ],
    ],
    tests: PIPELINE,
  },
  {
    name: 'own-operations-are-held',
    rule: 'an operation of our own that must wait is held, and later forks our key',
    file: 'src/node/replica/replica.ts',
    edits: [['if (source !== LOCAL) this.#hold(', 'if (source !== null) this.#hold(']],
    tests: PIPELINE,
  },
  {
    name: 'duplicates-are-decided-again',
    rule: 'an operation that comes twice in one batch is admitted twice',
    file: 'src/node/replica/replica.ts',
    edits: [["if (this.store.find(operation.id) !== undefined) return { kind: 'duplicate' }\n", '']],
    tests: PIPELINE,
  },
  {
    name: 'nothing-is-promoted',
    rule: 'what waited for a parent goes on waiting when it has come',
    file: 'src/node/replica/replica.ts',
    edits: [
      [
        'for (const held of this.held.takeWaitingFor(id)) {',
        'for (const held of this.held.takeWaitingFor(id).slice(1_000_000)) {',
      ],
    ],
    tests: PIPELINE,
  },
  {
    name: 'freeze-off',
    rule: 'nobody is ever frozen, whatever has been proved',
    file: 'src/node/replica/replica.ts',
    edits: [['return this.store.fork(author) !== undefined', 'return this.store.fork(author) === null']],
    tests: ['test/replica/frontier.test.ts'],
  },
  {
    name: 'own-fork',
    rule: 'a key that has forked goes on writing on this node',
    file: 'src/node/space/hosted-space.ts',
    edits: [['heads(author).length < 2)', 'heads(author).length < 1_000_000)']],
    tests: ['test/replica/frontier.test.ts'],
  },
  {
    name: 'ack-before-sync',
    rule: 'a batch is acknowledged before it is stored',
    file: 'src/core/sync/session.ts',
    edits: [
      [
        "effects.push(send({ kind: 'ack' }))\n        return this.#endRound(effects)",
        'return this.#endRound(effects)',
      ],
      [
        "effects.push({ kind: 'admit', operations: message.operations, faults: message.faults })",
        "effects.push(send({ kind: 'ack' }), { kind: 'admit', operations: message.operations, faults: message.faults })",
      ],
    ],
    tests: SESSION,
  },
  {
    name: 'synced-without-state',
    rule: '"in sync" is said of equal clocks, whatever the state roots say',
    file: 'src/core/sync/session.ts',
    edits: [['sameClock && !lacksBodies && haveEqualStates(mine, theirs)', 'sameClock && !lacksBodies']],
    tests: SESSION,
  },
  {
    name: 'synced-without-bodies',
    rule: '"in sync" is said while bodies are absent',
    file: 'src/core/sync/session.ts',
    edits: [
      [
        'const lacksBodies = mine.absentBodies > 0 || theirs.absentBodies > 0',
        'const lacksBodies = mine.absentBodies + theirs.absentBodies < 0',
      ],
    ],
    tests: SESSION,
  },
  {
    name: 'endless-rounds',
    rule: 'a peer that never agrees keeps us busy for ever',
    file: 'src/core/sync/session.ts',
    edits: [['|| this.#round >= SYNC_ROUNDS_MAX', '|| this.#round >= SYNC_ROUNDS_MAX * 1000']],
    tests: SESSION,
  },
  {
    name: 'window-off',
    rule: 'a peer may have any number of batches in flight',
    file: 'src/core/sync/session.ts',
    edits: [
      ['if (this.#admitting >= BATCH_WINDOW) return', 'if (this.#admitting >= BATCH_WINDOW * 1000) return'],
    ],
    tests: SESSION,
  },
  {
    name: 'heads-per-round-off',
    rule: 'a peer may list any number of heads in a round',
    file: 'src/core/sync/head-wants.ts',
    edits: [['if (heads > HEADS_PER_ROUND_MAX) return', 'if (heads > HEADS_PER_ROUND_MAX * 1000) return']],
    tests: SESSION,
  },
  {
    name: 'end-of-stored-is-believed',
    rule: 'the end of stored is believed, whatever has arrived',
    file: 'src/core/sync/session.ts',
    edits: [['if (message.operations !== this.#receivedInRound)', 'if (message.operations < 0)']],
    tests: SESSION,
  },
  {
    name: 'serve-what-was-not-offered',
    rule: 'a peer may ask for what was not offered to it',
    file: 'src/core/sync/bits.ts',
    edits: [
      ['if (bytes.length !== Math.ceil(count / 8)) return null', 'if (bytes.length === -1) return null'],
      ['if (i >= count) return null', 'if (i >= count) continue'],
    ],
    tests: SESSION,
  },
  {
    name: 'anything-is-pushed',
    rule: 'any number of operations is sent to a peer that has not asked for them',
    file: 'src/core/sync/sender.ts',
    edits: [
      ['if (operations > limit || !isExact(stretch)) return false', 'if (!isExact(stretch)) return false'],
    ],
    tests: SESSION,
  },
  {
    name: 'short-names-for-ever',
    rule: 'what two names that begin alike hide is hidden from every round',
    file: 'src/core/sync/session.ts',
    edits: [['return this.#round === 0\n', 'return this.#round >= 0\n']],
    tests: SESSION,
  },
  {
    name: 'leaves-taken-for-others',
    rule: 'what a batch says of leaves that its sender took for others is looked at, and held against the sender',
    file: 'protocols/sync/message-codec.ts',
    edits: [['if (!equalBytes(check, shared.check))', 'if (check.length > 64)']],
    tests: ['test/sync/leaves.test.ts'],
  },
  {
    name: 'leaves-looked-for-for-ever',
    rule: 'a whole history is gone through for leaves that a peer has made up',
    file: 'src/core/sync/leaves.ts',
    edits: [['if (tried++ === LEAVES_TRIED_MAX) return null', 'if (tried++ < 0) return null']],
    tests: ['test/sync/leaves.test.ts'],
  },
  {
    name: 'listing-unbounded',
    rule: 'a walk lists whatever differs in one message',
    file: 'src/core/sync/walk.ts',
    edits: [['this.#nextBytes + bytes <= CLOCK_LISTING_BYTES_MAX', 'bytes <= CLOCK_LISTING_BYTES_MAX']],
    tests: ['test/sync/walk.test.ts'],
  },
  {
    name: 'children-before-parents',
    rule: 'operations are sent in no order',
    file: 'src/core/sync/sender.ts',
    edits: [
      [
        'this.#queue = [...lacking].sort((a, b) => a - b)',
        'this.#queue = [...lacking].sort((a, b) => b - a)',
      ],
    ],
    tests: SESSION,
  },
  {
    name: 'no-probing',
    rule: 'where a forked author’s branches part is guessed, not probed',
    file: 'src/core/sync/transfer.ts',
    edits: [['unknown: hasUnknown ? wanted.seq : known + 1', 'unknown: hasUnknown ? known + 1 : known + 1']],
    tests: SESSION,
  },
  {
    name: 'stalled-claims-last',
    rule: 'a peer that stalls keeps a head from being asked of others for ever',
    file: 'src/node/space/head-claims.ts',
    edits: [['ageMs >= 0 && ageMs < CLAIM_MS', 'ageMs >= 0']],
    tests: ['test/node/head-claims.test.ts'],
  },
  {
    name: 'bad-operation-ends-its-batch',
    rule: 'one bad operation takes the rest of its batch with it',
    file: 'protocols/sync/message-codec.ts',
    edits: [['else faults.push(item.fault)', "else return fail('BAD_FIELD', item.fault.detail)"]],
    tests: ['test/adversarial/batch.test.ts'],
  },
  {
    name: 'session-before-the-proof',
    rule: 'messages of a session are read before the peer has proved that it may read',
    file: 'protocols/sync/message-codec.ts',
    edits: [['if (spaceId === null && !read.beforeSession)', 'if (spaceId === undefined)']],
    tests: [...WIRE, 'test/sync/link.test.ts'],
  },
  {
    name: 'proof-not-bound-to-the-peer',
    rule: 'a read proof is good on anybody’s connection',
    file: 'src/core/sync/handshake.ts',
    edits: [
      [
        'encodeCanonical([spaceId, signerPeer, otherPeer, signerNonce, otherNonce])',
        'encodeCanonical([spaceId, signerNonce, otherNonce])',
      ],
    ],
    tests: ['test/vectors/operation.test.ts', ...WIRE],
  },
  {
    name: 'topic-is-enough',
    rule: 'who knows the topic of a space is answered without knowing its id',
    file: 'protocols/sync/link.ts',
    edits: [['if (!equalBytes(expected, knowledge)) {', 'if (expected.length !== knowledge.length) {']],
    tests: WIRE,
  },
  {
    name: 'zip-bomb-bound-off',
    rule: 'a small frame may unpack to any size',
    file: 'protocols/sync/frame-stream.ts',
    edits: [['maxOutputLength: bytesMax,', 'maxOutputLength: bytesMax * 1000,']],
    tests: [...WIRE, 'test/fuzz/targets.test.ts'],
  },
  {
    name: 'zstd-window-bound-off',
    rule: 'a frame may ask the decompressor for any amount of memory',
    file: 'protocols/sync/frame-stream.ts',
    edits: [
      [
        'params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },',
        'params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX + 10 },',
      ],
    ],
    tests: ['test/sync/frame-window.test.ts'],
  },
  {
    name: 'steps-lost-with-the-faulty',
    rule: 'the operations after a faulty one in a batch count on from before it',
    file: 'src/core/sync/batch.ts',
    edits: [
      ['this.#lamport += lamportStep as number\n', ''],
      [
        "if (content === null) return bad('body is neither changes nor [hash, size]')",
        "this.#lamport += lamportStep as number\n    if (content === null) return bad('body is neither changes nor [hash, size]')",
      ],
    ],
    tests: ['test/adversarial/batch.test.ts'],
  },
  {
    name: 'map-as-tag-throws',
    rule: 'what a peer sent is made a text without looking what it is',
    file: 'protocols/sync/message-codec.ts',
    edits: [["typeof tag === 'number' ? `tag ${tag}` : 'no tag'", 'String(tag)']],
    tests: ['test/fuzz/targets.test.ts'],
  },
  {
    name: 'gossip-before-admission',
    rule: 'gossip forwards what waits for its parents',
    file: 'src/node/network/gossip-inbox.ts',
    edits: [
      [
        'this.#fetchUnlessItComes(source, operation.id)\n        }\n        return Verdict.Ignore',
        'this.#fetchUnlessItComes(source, operation.id)\n        }\n        return Verdict.Accept',
      ],
    ],
    tests: ['test/network/gossip-verdict.test.ts'],
  },
  {
    name: 'gossip-forwards-refused',
    rule: 'gossip forwards what this node refuses',
    file: 'src/node/network/gossip-inbox.ts',
    edits: [
      [
        'this.#host.onRefused(source, outcome.fault.code, outcome.fault.detail)\n        return Verdict.Reject',
        'this.#host.onRefused(source, outcome.fault.code, outcome.fault.detail)\n        return Verdict.Accept',
      ],
    ],
    tests: ['test/network/gossip-verdict.test.ts'],
  },
  {
    name: 'gossip-of-the-frozen',
    rule: 'a forked author’s further operations go round by gossip',
    file: 'src/node/network/gossip-inbox.ts',
    edits: [['!replica.isFrozen(operation.header.author)', '!replica.isFrozen(operation.id)']],
    tests: ['test/network/gossip-verdict.test.ts'],
  },
  {
    name: 'gossip-of-the-frozen-in-one-message',
    rule: 'a forked author’s further operations go round where they come with the proof of the fork',
    file: 'src/node/network/gossip-inbox.ts',
    edits: [['ordinal > Math.max(...proved)', 'ordinal < Math.min(...proved)']],
    tests: ['test/network/gossip-verdict.test.ts'],
  },
  {
    name: 'gossip-again-and-again',
    rule: 'an operation is passed on as often as it comes',
    file: 'src/node/network/gossip-inbox.ts',
    edits: [
      [
        'if (this.#went.add(gossiped.operation.id)) this.#host.passOn',
        'if (this.#went.add(gossiped.operation.id) || arrival !== null) this.#host.passOn',
      ],
    ],
    tests: ['test/network/gossip-verdict.test.ts'],
  },
  {
    name: 'gossip-early-and-not-judged-yet',
    rule: 'what came too early, and is admitted before anybody noted that it waits, is passed on to nobody',
    file: 'src/node/network/gossip-inbox.ts',
    edits: [['return this.#isUndecided(key)', 'return false']],
    tests: ['test/network/gossip-verdict.test.ts'],
  },
  {
    name: 'gossip-to-the-reached',
    rule: 'an operation is sent to peers that are said to have it',
    file: 'src/node/network/gossip-outbox.ts',
    edits: [['&& !reached.includes(tagOf(peer))', '&& reached !== null']],
    tests: ['test/network/gossip-outbox.test.ts'],
  },
  {
    name: 'gossip-of-strangers',
    rule: 'gossip is heard from peers that have not proved that they may read',
    file: 'src/node/network/gossip-inbox.ts',
    edits: [['if (!this.#host.isWelcome(peer)) return Verdict.Ignore\n', '']],
    tests: ['test/network/gossip-verdict.test.ts'],
  },
  {
    name: 'record-of-another',
    rule: 'a peer may register the addresses of another',
    file: 'protocols/introduction/record.ts',
    edits: [['if (!record.peerId.equals(signer))', 'if (record.peerId === null)']],
    tests: ['test/introduction/record.test.ts'],
  },
]
