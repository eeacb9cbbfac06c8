/**
 * Every bound of Hanse in one table: what it limits, its unit (last in the name) and why it is that large.
 * docs/limits.md explains them to operators, says what happens one past each, and is kept at these values by test/docs.
 */

// Operations (DESIGN: part of the format, so they never change within version 1)

/** Encoded header. 64 deps (34 B each), 8 caps, a 1 KiB path and the fixed fields fit with room. */
export const HEADER_BYTES_MAX = 8 * 1024
/** Ids in `deps`. A wider frontier is picked up by later operations. */
export const DEPS_MAX = 64
/** Delegations in `caps`, and so the depth of any chain of authority. */
export const CAPS_MAX = 8
/** UTF-8 bytes of `command`. The longest of ours has 11. */
export const COMMAND_BYTES_MAX = 64
/** UTF-8 bytes of a path. Matches the longest path of common file systems' relative names in practice. */
export const PATH_BYTES_MAX = 1024
/** Segments of a path: bounds the depth of the state tree. */
export const PATH_SEGMENTS_MAX = 64
/** Sum of the encoded changes of one body. Larger content goes by reference to a blob. */
export const BODY_BYTES_MAX = 256 * 1024
/** Changes in one body: bounds the work of one signature. */
export const BODY_CHANGES_MAX = 16_384
/** Nesting of a value inside a change: keeps every recursive walk off the stack's end. */
export const VALUE_DEPTH_MAX = 32
/** Elements that one deletion may name. */
export const OBSERVED_MAX = 64
/** Concurrent losers of one cell that are kept for people to look at; they decide nothing. */
export const SIBLINGS_MAX = 16
/** Heads of one author that one clock entry lists; a fork storm beyond it takes several entries. */
export const HEADS_PER_ENTRY_MAX = 8

// Forked authors (check 9)

/** Forked authors of one space for whom it is remembered which branch each operation has seen; beyond, it is searched again. */
export const BRANCH_AUTHORS_MAX = 64
/** Operations remembered for one forked author, at some 100 bytes each, before it begins anew. */
export const BRANCH_ENTRIES_MAX = 262_144
/** Publishers of delegations of one space of which it is remembered which operations have seen them; the one asked about longest ago goes. */
export const DESCENDED_FROM_MAX = 4_096
/** Operations remembered for one such publisher: the newest, from which others go on. */
export const DESCENDANTS_KEPT_MAX = 16
/** Cuts of one space whose past is kept as far as it has been read, some 150 bytes for each author in it; the rest is read again. */
export const CUTS_READ_MAX = 64
/** Authors of one space whose newest operation's past is kept as far as it has been read, some 150 bytes for each author in it. */
export const PASTS_KEPT_MAX = 64

// Fork proofs (docs/protocol.md §9)

/** A fork proof by itself: two headers of the largest size, their signatures, and what separates them. */
export const FORK_PROOF_BYTES_MAX = 2 * (8 * 1024 + 64) + 32

// Proofs of state (docs/protocol.md §5)

/** A proof of something in the state, by itself: its value, and some 3 KiB for each level of the path. */
export const STATE_PROOF_BYTES_MAX = 1024 * 1024
/** Fields of one item that are proved together, as all that it has. Of a larger item they are proved one by one. */
export const STATE_PROOF_FIELDS_MAX = 16_384
/** Cells that a node remembers as changed, of one space, until somebody asks for its state root. */
export const STATE_CELLS_PENDING_MAX = 16_384

// Delegations (DESIGN §5)

/** Encoded delegation token. */
export const TOKEN_BYTES_MAX = 2 * 1024
/** Policy statements of one token, nested ones included. */
export const POLICY_STATEMENTS_MAX = 16
/** Nesting of connectives in one policy. */
export const POLICY_DEPTH_MAX = 4
/** UTF-8 bytes of one glob pattern. */
export const POLICY_PATTERN_BYTES_MAX = 128

// Own keys (docs/decisions/0010)

/** Chains of a former key that are published along with its successor's delegation: 65 tokens of TOKEN_BYTES_MAX fit a body. */
export const ROTATED_CHAINS_MAX = 8
/** How long a head of our own that a peer lists, and has not shown yet, stops writing, in ms: as long as a run may fall silent, and a little. */
export const OWN_HEAD_CLAIM_MS = 30_000
/** From one such stop to the next, in ms, whoever causes it: a peer that lies about our heads delays little. */
export const OWN_HEAD_CLAIM_PAUSE_MS = 10 * 60 * 1000

// Admissible now

/** How far ahead of this node's clock an operation's `time` may be before it is held, in ms. */
export const FUTURE_TOLERANCE_MS = 60_000
/** Operations the hold lane of one space keeps; the oldest held go first (they are fetched again by sync). */
export const HELD_OPERATIONS_MAX = 4_096
/** Bytes the hold lane of one space keeps. */
export const HELD_BYTES_MAX = 32 * 1024 * 1024
/** Operations one peer may have in the hold lane, so that one peer cannot push out what others sent. */
export const HELD_OPERATIONS_PER_PEER_MAX = 1_024
/** Bytes one peer may have in the hold lane: thirty of the largest operations. */
export const HELD_BYTES_PER_PEER_MAX = 8 * 1024 * 1024
/** How long an operation waits for what it lacks before it is dropped (sync brings it again), in ms. FUTURE waits until due, within this. */
export const HELD_AGE_MS_MAX = 24 * 60 * 60 * 1000
/** Types and versions of changes that are told apart when this node does not know them; strangers choose them. */
export const OUTDATED_KINDS_MAX = 64
/** Refusals remembered per space, by hash of the full bytes and by id, before the oldest are forgotten. */
export const REFUSALS_REMEMBERED_MAX = 16_384

// Sync protocol (docs/protocol.md §4)

/** One frame on a sync stream, before and after decompression. Four times the largest operation. */
export const FRAME_BYTES_MAX = 1024 * 1024
/** Operations in one batch. */
export const BATCH_OPERATIONS_MAX = 1_024
/** Uncompressed bytes at which a batch is closed; one operation more may follow, so it stays below FRAME_BYTES_MAX. */
export const BATCH_BYTES_TARGET = 512 * 1024
/** Batches in flight before the sender waits for an acknowledgement. */
export const BATCH_WINDOW = 4
/** Batches of one link that are taken apart and not admitted: one is verified while the other is stored. The rest of the window waits packed. */
export const BATCHES_AHEAD_MAX = 2
/** Compare-transfer rounds of one session, so that a peer that never agrees cannot keep us busy. */
export const SYNC_ROUNDS_MAX = 32
/** Authors of a whole clock up to which their digests are listed at once instead of walking the trie: 1 KiB. */
export const CLOCK_LEAVES_AT_ROOT_MAX = 256
/** Authors below a differing prefix up to which their digests are listed instead of those of sixteen children. */
export const CLOCK_LEAVES_MAX = 24
/** Bytes of one listing of a walk. What differs beyond it waits for the next round. Half of FRAME_BYTES_MAX. */
export const CLOCK_LISTING_BYTES_MAX = 512 * 1024
/** Bytes of a digest in the walk of the first round of a run; in later ones it is whole. */
export const SHORT_DIGEST_BYTES = 4
/** Bytes of an author's key in what is listed in the first round of a run; in later ones it is whole. */
export const SHORT_KEY_BYTES = 8
/** Bytes of a head's id there: so many that nobody makes two that begin alike, since batches refer to what was listed. */
export const SHORT_ID_BYTES = 16
/** Bytes of the hash that shows whether leaves listed by SHORT_DIGEST_BYTES were taken for what they are: so many that nobody makes two alike. */
export const LEAVES_CHECK_BYTES = 16
/** Operations that are looked back at, of all authors, to recognise the leaves that a peer lists: a few milliseconds. */
export const LEAVES_TRIED_MAX = 1_024
/** Operations sent without being asked for in one round, where the peer's heads show that it lacks them: a round trip less. */
export const PUSHED_OPERATIONS_MAX = 256
/** Clock entries in one frame: at most 2,048 × (35 + 8 × 41) bytes, so below FRAME_BYTES_MAX. */
export const ENTRIES_PER_FRAME_MAX = 2_048
/**
 * Heads that one side lists in one round; what is beyond waits for the next round. At most 2.5 MB, so that they and the heads wanted
 * of the peer's fit in LINK_QUEUE_BYTES_MAX together.
 */
export const HEADS_PER_ROUND_MAX = 32_768
/** Absent bodies asked for in one round. */
export const BODIES_WANTED_PER_ROUND_MAX = 4_096
/** Points of a chain offered in one probe: each probe divides the unknown stretch by seventeen. */
export const PROBE_IDS_MAX = 16
/** Probes of one side that wait for their answer: a fork storm is probed in turns, and does not fill the peer's queue at once. */
export const PROBES_OPEN_MAX = 64
/** Heads of one author listed and asked for in the first round; more later, while all arrive. A storm takes some rounds, and leaves others their turn. */
export const FORKED_HEADS_WANTED_PER_ROUND_MAX = 256
/** Delegations in one proof that its sender may read, over all of its chains. */
export const READ_TOKENS_MAX = 16
/** Paths for which a link remembers whether the peer may read there, before it begins anew (about 0.2 KiB each). */
export const READ_PATHS_REMEMBERED_MAX = 4_096

/** Bytes buffered from a stream before it is paused. */
export const STREAM_READ_BUFFER_BYTES = 256 * 1024
/** Silence of a peer during handshake or an active session before it is dropped, in ms. */
export const SYNC_IDLE_TIMEOUT_MS = 20_000
/** Streams of the sync protocol that one connection may have open towards us: one per shared space. */
export const SYNC_STREAMS_PER_CONNECTION_MAX = 64

// Introduction protocol (docs/protocol.md §7)

/** Bytes of a topic: one SHA-256. */
export const INTRODUCTION_TOPIC_BYTES = 32
/** One signed peer record. Sixteen addresses of 100 bytes, key and signature fit with room. */
export const INTRODUCTION_RECORD_BYTES_MAX = 2 * 1024
/** Addresses in one record: what a stranger can make others dial with one registration. */
export const INTRODUCTION_ADDRESSES_MAX = 16
/** Records in one answer. More than a node can use of one introducer at a time. */
export const INTRODUCTION_ANSWER_RECORDS_MAX = 32
/** One request frame: a record, a topic and the fields around them. */
export const INTRODUCTION_REQUEST_BYTES_MAX = 2 * 1024 + 64
/** One response frame: a full answer of the largest records, 3 bytes of head each. */
export const INTRODUCTION_RESPONSE_BYTES_MAX = 32 * (2 * 1024 + 3) + 16
/** How long an introducer keeps a registration that is not renewed, in seconds. Nodes renew at a fraction of it. */
export const INTRODUCTION_TTL_SECONDS_MAX = 2 * 60 * 60
/** Registrations below one topic. Answers are random subsets, so more adds little. */
export const INTRODUCTION_TOPIC_REGISTRATIONS_MAX = 256
/** Topics one peer may be registered under at a time: the spaces of one node. */
export const INTRODUCTION_PEER_TOPICS_MAX = 64
/** Registrations an introducer holds in all. */
export const INTRODUCTION_REGISTRATIONS_MAX = 16_384
/** Bytes of records an introducer holds in all; a peer's record counts once. */
export const INTRODUCTION_RECORDS_BYTES_MAX = 16 * 1024 * 1024
/** From stream opened to stream closed, in ms; also what a client waits for an answer. */
export const INTRODUCTION_EXCHANGE_TIMEOUT_MS = 10_000
/** Exchanges of one connection that an introducer serves at a time. */
export const INTRODUCTION_STREAMS_PER_CONNECTION_MAX = 16
/** Exchanges an introducer serves at a time in all. At the largest answer each, 32 MiB. */
export const INTRODUCTION_STREAMS_MAX = 512
/** Requests one peer may make at once: registering and querying for INTRODUCTION_PEER_TOPICS_MAX spaces, twice. */
export const INTRODUCTION_PEER_REQUESTS_BURST = 256
/** Requests one peer may make in the long run, per second. */
export const INTRODUCTION_PEER_REQUESTS_PER_SECOND = 4
/** Requests of all peers at once. Each costs at most one signature check (about 0.1 ms). */
export const INTRODUCTION_REQUESTS_BURST = 4_096
/** Requests of all peers in the long run, per second: at most a tenth of a core in signatures. */
export const INTRODUCTION_REQUESTS_PER_SECOND = 1_000
/** Peers whose request rate is remembered; the one seen longest ago is forgotten first. */
export const INTRODUCTION_RATED_PEERS_MAX = 8_192

// Changes (part of the format)

/** UTF-8 bytes of a field's name in a map. */
export const FIELD_BYTES_MAX = 256
/** UTF-8 bytes of a change's type name, known or not. */
export const TYPE_BYTES_MAX = 64
/** UTF-8 bytes of a space's name. */
export const SPACE_NAME_BYTES_MAX = 128
/** Delegations that one operation publishes. A bad signature costs some 2 ms to be sure of, on the thread that admits. */
export const TOKENS_PER_OPERATION_MAX = 128
/** Operations that the cut of one revocation names. Whoever used a token on more branches is cut off earlier. */
export const CUT_IDS_MAX = 1_024
/** Revocations that one operation makes: each may reach all that its author has given on. */
export const REVOCATIONS_PER_OPERATION_MAX = 16
/** Operations that one endorsement names. Their ids fill half of a body. */
export const ENDORSED_OPERATIONS_MAX = 4_096
/** Edits that one text change makes. Each costs some microseconds wherever it is placed; a pause of typing has a handful. */
export const TEXT_EDITS_MAX = 4_096
/** Changes that one operation makes to one text: each may go over all of it. As many edits as a body holds fit in them. */
export const TEXT_CHANGES_MAX = 16
/** Characters of one text, deleted ones included, as one operation's past has them: some 200 MiB in memory at the very worst. */
export const TEXT_CHARACTERS_MAX = 16 * 1024 * 1024

// Signatures

/** Key objects of authors kept ready for the native verifier (about 0.5 KiB each): more than the authors of a busy space. */
export const SIGNATURE_KEYS_CACHED_MAX = 4_096
/** Signatures that are checked where they are asked about: at 40 µs each, less than it takes to wake a thread and be woken by it. */
export const SIGNATURES_INLINE_MAX = 16
/** Good signatures that a process remembers of those checked so (about 200 bytes each): they come again from other peers, and to other nodes. */
export const VERIFIED_SIGNATURES_CACHED_MAX = 16_384
/** Threads of a process that check signatures; one less than there are cores, and at least one. */
export const SIGNATURE_WORKERS_MAX = 8
/** Milliseconds without work after which such a thread ends. */
export const SIGNATURE_WORKER_IDLE_MS = 30_000
/** Milliseconds after which a thread that has not answered is given up: it takes 10 for what it is given at a time. */
export const SIGNATURE_CHECK_TIMEOUT_MS = 30_000

// Encoding

/** Nesting of a DAG-CBOR item: VALUE_DEPTH_MAX and what we put around a value, with room; the same on every stack size. */
export const CBOR_DEPTH_MAX = 64

// Storage (src/storage)

/** How long a write waits for another program that holds the file before it fails, in ms. The event loop stands still meanwhile. */
export const STORE_BUSY_TIMEOUT_MS = 2_000
/** How long writes that are synced to the disk together are gathered into one transaction, in ms: the event loop stands still meanwhile. */
export const WRITES_TOGETHER_MS = 10
/** SQLite's page cache of one open space, in KiB. The inner pages of every index of a million operations fit. */
export const STORE_PAGE_CACHE_KIB = 12 * 1024
/** Entries kept in memory per space (about 0.5 KiB each): parents are mostly recent. */
export const STORE_ENTRIES_CACHED_MAX = 4_096
/** Cells whose row number is kept in memory per space. */
export const STORE_CELLS_CACHED_MAX = 4_096
/** Cells kept in memory per space as they were written or read last, and bytes of the value of one that is. */
export const STORE_RECENT_CELLS_MAX = 1_024
export const STORE_RECENT_CELL_BYTES_MAX = 1_024
/** A buffer that is kept whole where one of those values is part of it; of a larger one the value is copied. */
export const STORE_RECENT_BUFFER_BYTES_MAX = 16 * 1024
/** Texts kept in memory per space as they are on disk, in pieces. */
export const STORE_TEXTS_CACHED_MAX = 16
/** UTF-16 units in one piece of a text on disk: an edit rewrites the pieces it is in. */
export const TEXT_PIECE_UNITS_MAX = 2_048
/** Decoded delegations kept in memory per space, at most 2 KiB of bytes each. */
export const STORE_TOKENS_CACHED_MAX = 16_384
/** Delegation chains kept in memory per space. */
export const STORE_CHAINS_CACHED_MAX = 16_384
/** Ids of the newest operations that are found through memory before they are sealed into the index (docs/decisions/0003). */
export const STORE_ID_TAIL_MAX = 65_536
/** Newest operations whose heads, frontier and successors are in memory alone, read again at each start (docs/decisions/0003). */
export const STORE_ENDS_TAIL_MAX = 256
/** Files up to this size are checked page by page when opened (about 1 ms for each MiB); larger ones by their structure. */
export const STORE_CHECKED_BYTES_MAX = 64 * 1024 * 1024
/** Changes below a path that are collected and sorted to list them; beyond, the log is walked backwards instead. */
export const STORE_CHANGES_COLLECTED_MAX = 4_096
/** Bytes of memory that the texts open in one space take together, some 100 for each character typed; those used longest ago are closed. */
export const TEXTS_OPEN_BYTES_MAX = 64 * 1024 * 1024
/** Bytes that a text open in memory takes whatever it holds (9,300 were measured), so that very many tiny ones are counted too. */
export const TEXT_OPEN_BYTES = 10_240
/** Runs of characters that are kept of one deletion; of more, where it begins and ends, and the rest is found again when it is asked for. */
export const TEXT_DELETED_RUNS_MAX = 64
/** Insertions and deletions of words, or else of lines, in a minimal difference of two texts; beyond, what differs is replaced whole. */
export const TEXT_DIFF_EDITS_MAX = 1_000
/** Words or lines of two texts, times the insertions and deletions that are looked for among them: of many parts, fewer. */
export const TEXT_DIFF_STEPS_MAX = 20_000_000
/** Rows of the node's datastore read at a time. */
export const DATASTORE_PAGE_ROWS = 256

// Bootstrap node (bootstrap/)

/** Connections a bootstrap node keeps by default, at 0.2 to 0.4 MB each; beyond them the least used are closed. */
export const BOOTSTRAP_CONNECTIONS = 512
/** New connections per second from one host. Many nodes may share one; a dozen idle sockets must not lock out the rest. */
export const BOOTSTRAP_HOST_CONNECTIONS_PER_SECOND = 50
/** Connections in the middle of their handshake; one more makes the oldest of the host with most go. */
export const BOOTSTRAP_PENDING_CONNECTIONS_MAX = 200
/** From socket opened to handshake done, in ms. Short, so that idle sockets give their place back soon. */
export const BOOTSTRAP_UPGRADE_TIMEOUT_MS = 3_000
/** Entries of peer store and DHT together; the one used longest ago goes first. Lookups of providers scan them. */
export const BOOTSTRAP_STORE_ENTRIES_MAX = 16_384
/** Bytes of keys and values of peer store and DHT together. */
export const BOOTSTRAP_STORE_BYTES_MAX = 32 * 1024 * 1024
/** Bytes of one entry; a peer with sixteen addresses and its signed record has about 5 KiB. */
export const BOOTSTRAP_STORE_ENTRY_BYTES_MAX = 16 * 1024
/** How long a stopping bootstrap node waits for its connections to close, in ms. */
export const BOOTSTRAP_STOP_TIMEOUT_MS = 5_000
/** One health check, from the first dial to the answer, in ms. */
export const BOOTSTRAP_HEALTH_TIMEOUT_MS = 10_000

// Sync links (protocols/sync)

/** Opening the stream of a link, dialling included, in ms: a connection that is just closing may never answer. */
export const LINK_OPEN_TIMEOUT_MS = 10_000
/** Bytes a link may have queued for a peer that does not read, before it is dropped. */
export const LINK_QUEUE_BYTES_MAX = 8 * 1024 * 1024

// Configuration and command line (src/node/config, src/cli)

/** Bytes of a configuration file: every key with a hundred addresses fits many times. */
export const CONFIG_FILE_BYTES_MAX = 256 * 1024
/** One request on the control socket: a value of BODY_BYTES_MAX in which every byte is written as \u0000 fits twice. */
export const CONTROL_REQUEST_BYTES_MAX = 4 * 1024 * 1024
/** Edits that `hanse write` takes as one operation; each makes at least one of BODY_CHANGES_MAX changes. */
export const WRITE_EDITS_MAX = 16_384
/** What `hanse write` reads: BODY_BYTES_MAX of changes as JSON, with room for indentation; what is sent on is without it. */
export const WRITE_INPUT_BYTES_MAX = 2 * 1024 * 1024
/** One line of an answer on the control socket; lists come in many lines, so this bounds one item. */
export const CONTROL_ANSWER_BYTES_MAX = 16 * 1024 * 1024
/** Programs that may be connected to the control socket at once. */
export const CONTROL_CONNECTIONS_MAX = 64
/** How long a connected program may take to send a whole request, in ms. */
export const CONTROL_REQUEST_TIMEOUT_MS = 10_000
/** How long a program waits for a line of an answer before it takes the node for stuck, in ms. */
export const CONTROL_SILENCE_MS = 60_000
/** How long a command waits for a data directory that another command has open, in ms. */
export const DATA_DIRECTORY_WAIT_MS = 10_000
/** Items in one line of a listing on the control socket. */
export const CONTROL_PAGE_ITEMS = 256
/** Text in one line of a listing on the control socket, in characters, unless one item alone is longer. */
export const CONTROL_PAGE_CHARACTERS = 256 * 1024
/** Path of a Unix domain socket: 108 bytes on Linux, 104 on macOS, one for the zero at its end. */
export const SOCKET_PATH_BYTES_MAX = 103
/** The newest operations among which the beginning of an id is looked up. */
export const ID_PREFIX_OPERATIONS_MAX = 100_000
/** From the signal to the end of a stopping node, in ms: the network's bound and what files need. */
export const NODE_STOP_TIMEOUT_MS = 8_000

// Following changes (src/node/feed)

/** Ends of what a follower has taken that its cursor names. Beyond it the earlier branches come again on another file. */
export const FEED_CURSOR_HEADS_MAX = 64
/** Operations at the end of a space that are kept, evaluated, for followers a little behind; further behind, one reads for itself. */
export const FEED_TAIL_STEPS_MAX = 256
/** Bytes of values in what is kept so, but for the last operation. In memory, with the texts made of them, they are some times as large. */
export const FEED_TAIL_VALUE_BYTES_MAX = 1024 * 1024

// History and conflicts (src/node/history)

/** Versions of an item in one page of its history. */
export const HISTORY_PAGE_MAX = 1_000
/** Versions before and after one, in the order of arrival, that it is compared with to say what it saw and what is concurrent to it. */
export const HISTORY_COMPARED_MAX = 64
/** Changes kept in memory while a history is read: those of one body come one after the other. */
export const HISTORY_CHANGES_CACHED_MAX = 256
/** Characters of a value where an edit is told in words; the value itself stands beside it, whole. */
export const HISTORY_WORDS_CHARACTERS_MAX = 240
/** Edits of one operation that a log tells of; the rest is counted. */
export const LOG_EDITS_MAX = 20
/** Lines that may differ between two texts for their differences to be shown line by line. */
export const DIFF_EDITS_MAX = 2_000
/** Conflicts in one page of a listing. */
export const CONFLICTS_PAGE_MAX = 1_000
/** Contested cells that one transaction tells of, one by one, in the event `conflict`; the rest is found in the listing. */
export const CONFLICT_EVENTS_MAX = 256

// Rates (check 1: `RATE`). What is above them is not looked at, and held against the peer.

/** Links that one peer may open towards us: every one costs a handshake. At once, and in the long run per second. */
export const LINKS_OPENED_BURST_MAX = 64
export const LINKS_OPENED_PER_SECOND_MAX = 8
/** The same for a peer that has proved that it may read a space of ours: it may share a thousand, of which it compares one after the other. */
export const MEMBER_LINKS_OPENED_BURST_MAX = 512
export const MEMBER_LINKS_OPENED_PER_SECOND_MAX = 64
/** Gossip messages that one peer may hand us, at once and per second: several times what busy spaces have. */
export const GOSSIP_MESSAGES_BURST_MAX = 4_096
export const GOSSIP_MESSAGES_PER_SECOND_MAX = 1_000
/** Gossip messages of all peers together. */
export const GOSSIP_MESSAGES_ALL_BURST_MAX = 16_384
export const GOSSIP_MESSAGES_ALL_PER_SECOND_MAX = 5_000
/** Bytes of gossip that one peer may hand us, at once and per second. */
export const GOSSIP_BYTES_BURST_MAX = 16 * 1024 * 1024
export const GOSSIP_BYTES_PER_SECOND_MAX = 4 * 1024 * 1024
/** Bytes of gossip of all peers together. */
export const GOSSIP_BYTES_ALL_BURST_MAX = 32 * 1024 * 1024
export const GOSSIP_BYTES_ALL_PER_SECOND_MAX = 8 * 1024 * 1024
/** Gossip frames of a peer past no handshake, at once and per second: it says once what it listens to. */
export const GOSSIP_STRANGER_FRAMES_BURST_MAX = 256
export const GOSSIP_STRANGER_FRAMES_PER_SECOND_MAX = 16
/** Subscriptions a peer may say or take back by gossip, at once and per second: four times what it may hold. */
export const GOSSIP_SUBSCRIPTIONS_BURST_MAX = 1_024
export const GOSSIP_SUBSCRIPTIONS_PER_SECOND_MAX = 16
/** Operations in the gossip of one peer, at once and per second: four times what ten busy nodes write together. */
export const GOSSIP_OPERATIONS_BURST_MAX = 16_384
export const GOSSIP_OPERATIONS_PER_SECOND_MAX = 4_000
/** Gossip messages of our own, at once and per second: half of what a peer takes. What is above is offered by sync. */
export const GOSSIP_OWN_MESSAGES_BURST_MAX = 2_048
export const GOSSIP_OWN_MESSAGES_PER_SECOND_MAX = 500
/** Peers whose rates are remembered; whoever is forgotten starts with a full burst. */
export const RATED_PEERS_MAX = 4_096

// Reputation (src/node/reputation.ts). The weight of each offence is in docs/limits.md.

/** Points at which a peer is banned. */
export const POINTS_MAX = 100
/** How long a ban lasts, in ms: long enough to make lying slow, short enough that a mended peer is soon back. */
export const BAN_MS = 10 * 60 * 1000
/** Milliseconds in which one point is forgiven: a peer that errs at weight 1 once in that time is never banned. */
export const POINT_FORGIVEN_MS = 10_000
/** Peers whose offences are remembered; the one that has been quiet longest is forgotten first. Bans have a list of their own. */
export const OFFENDERS_MAX = 4_096
/** Bans kept; beyond it the one that ends first is lifted. */
export const BANS_MAX = 4_096
/** Codes of which evidence is kept for one peer; the one seen longest ago goes first. */
export const EVIDENCE_PER_PEER_MAX = 16
/** How long evidence is shown after it was last seen, in ms. */
export const EVIDENCE_KEPT_MS = 60 * 60 * 1000
/** Banned peers of one network (/24 of IPv4, /48 of IPv6) at which the whole network is banned, as long as so many are. */
export const BANNED_PEERS_PER_NETWORK_MAX = 4

// Connections (src/node/network)

/** Connections others may have opened to us, pinned peers apart. With the two below, 200 in all: about 80 MB at most. */
export const CONNECTIONS_INBOUND_MAX = 128
/** Connections we open, pinned peers apart. Nobody else decides who they go to, so they are what an eclipse must get past. */
export const CONNECTIONS_OUTBOUND_MAX = 40
/** Connections kept for peers the user named and for introduction nodes, beside the others. */
export const CONNECTIONS_PINNED_MAX = 32
/** Connections of one peer: both sides may dial at once, and a relayed one may go before a direct one. */
export const CONNECTIONS_PER_PEER_MAX = 4
/** Inbound connections from one network (/16 of IPv4, /32 of IPv6). The own machine and private networks are not counted by network. */
export const CONNECTIONS_INBOUND_PER_NETWORK_MAX = 32
/** Outbound connections to one network: a sixth, so that whoever owns one network is never most of what we see. */
export const CONNECTIONS_OUTBOUND_PER_NETWORK_MAX = 6
/** How long a stranger has to prove that it shares a space before its place may go to a newcomer, in ms. */
export const CONNECTION_GRACE_MS = 10_000
/** New connections per second from one host. Ten agents on one machine start at once; a dozen idle sockets must not lock out the rest. */
export const HOST_CONNECTIONS_PER_SECOND = 50
/** Inbound connections in the middle of their handshake, at some 20 KB each; one more makes the oldest of the host with most go. */
export const PENDING_CONNECTIONS_MAX = 256
/** From socket opened to handshake done, in ms: half-open sockets give their place back after it. */
export const UPGRADE_TIMEOUT_MS = 5_000
/** Streams one connection may open towards us, all protocols together: one per shared space, and a handful of libp2p's own. */
export const STREAMS_PER_CONNECTION_MAX = 128
/** Outbound members remembered as anchors: dialled first after a restart, so that a restart is no chance for an eclipse. */
export const ANCHORS_MAX = 4
/** Peers in libp2p's peer store: strangers beyond are taken out again, members never. */
export const PEERS_STORED_MAX = 1_024
/** Remembered members that are dialled in one round, anchors first. */
export const MEMBERS_DIALLED_MAX = 16
/** Dials that discovery has under way at once, in a node, those that seem to lead nowhere among them. */
export const DIALS_AT_ONCE_MAX = 16
/**
 * Dials that discovery has under way at once and still hopes for. Few, so that each ends before it times out when hundreds of nodes start
 * together on busy machines: 50 nodes in one process begin 200 handshakes of some 6 ms each, which is a second.
 */
export const DIALS_FRESH_MAX = 4
/** Peers that wait to be dialled: two rounds of introductions and of members. What is beyond is heard of again. */
export const DIAL_CANDIDATES_MAX = 64
/** Pause before a peer that could not be reached is tried again, in ms; twice as long after each failure more. */
export const DIAL_BACKOFF_FIRST_MS = 2_000
/** Longest such pause, in ms: who was away for a day is found again within this by those who look. */
export const DIAL_BACKOFF_MAX_MS = 5 * 60 * 1000
/** Peers of which a failed dial is remembered, at some 200 bytes each; the one that failed longest ago goes first. */
export const DIAL_FAILURES_REMEMBERED_MAX = 1_024

// Verifications (src/node/replica/verification-budget.ts)

/** Signatures that one check looks at: enough that handing them to a thread costs nothing, few enough that all threads have work. */
export const SIGNATURES_PER_CHECK_MAX = 256
/** Checks of one peer that run at a time: enough for every thread, few enough that others have their turn within milliseconds. */
export const VERIFICATIONS_PER_PEER_MAX = 8
/** Checks of all peers of a space that run at a time. */
export const VERIFICATIONS_MAX = 64
/** Bad signatures of one peer after which nothing more of it is looked at, until one is forgiven. Each costs about 1 ms. */
export const BAD_SIGNATURES_PER_PEER_MAX = 4
/** Milliseconds in which one bad signature of a peer is forgiven. */
export const BAD_SIGNATURE_FORGIVEN_MS = 60_000

// Links, all together (protocols/sync/link-budget.ts)

/** Links that one peer may have open towards us, over all its connections. */
export const LINKS_PER_PEER_MAX = 128
/** Links all peers together may have open towards us. */
export const LINKS_MAX = 1_024
/** Largest frame before the handshake is through: a proof of READ_TOKENS_MAX tokens has at most 33 KiB. */
export const HANDSHAKE_FRAME_BYTES_MAX = 40 * 1024
/** Bytes all links together may have queued for peers that do not read; beyond, the fullest link of the peer with most ends. */
export const LINKS_QUEUE_BYTES_MAX = 64 * 1024 * 1024
/** Frames of one peer that are handled at once and per second, over all its links; what is above waits, and costs nothing else. */
export const LINK_FRAMES_BURST_MAX = 4_096
export const LINK_FRAMES_PER_SECOND_MAX = 2_000
/** Bytes of one peer's frames, at once and per second. */
export const LINK_BYTES_BURST_MAX = 64 * 1024 * 1024
export const LINK_BYTES_PER_SECOND_MAX = 32 * 1024 * 1024
/** One run, from its first message to its end, in ms. A larger difference goes on in the next run: every batch is admitted for good. */
export const SYNC_RUN_MS_MAX = 10 * 60 * 1000
/** Frames a peer may send in one run: more than a full walk, all probes of a round and a million operations take. */
export const SYNC_RUN_FRAMES_MAX = 262_144

// Gossip (src/node/network/gossip-options.ts)

/** Bytes that wait for a peer that reads gossip slowly; its stream is reset beyond. */
export const GOSSIP_QUEUE_BYTES_MAX = 2 * 1024 * 1024
/** Messages, subscriptions and control entries in one gossip frame, of each kind. */
export const GOSSIP_RPC_ENTRIES_MAX = 1_024
/** Bytes of topics that one peer may be subscribed to, 1 KiB for each topic: the spaces of one peer. */
export const GOSSIP_TOPIC_BYTES_PER_PEER_MAX = 256 * 1024
/** The newest operations that are passed on when they come by gossip again: sync may have been faster. Older ones are a replay. */
export const GOSSIP_RECENT_OPERATIONS_MAX = 4_096
/** Messages about one space that go out after a rest without a pause between them: what a few agents write at the same moment. */
export const GOSSIP_AT_ONCE_MAX = 3
/** Pause between two messages of ours about one space while the node has time, in ms: what is to go out meanwhile goes out together after it. */
export const GOSSIP_GATHER_IDLE_MS = 5
/** The same while it is busy, in ms: with little to go out, and at the most. */
export const GOSSIP_GATHER_QUIET_MS = 10
export const GOSSIP_GATHER_BUSY_MS = 80
/** Operations in one gossip message. */
export const GOSSIP_MESSAGE_OPERATIONS_MAX = 256
/** Bytes of operations from which on another gossip message is begun. */
export const GOSSIP_MESSAGE_BYTES = 128 * 1024
/** Peers that a gossip message may say it has reached. */
export const GOSSIP_REACHED_MAX = 64
/** Peers that an operation of our own is sent to directly: everybody in a small space, and in a large one the mesh carries it on. */
export const GOSSIP_FANOUT_MAX = 16
/** Bytes that wait for a peer from which on it is left to sync. */
export const GOSSIP_BACKLOG_BYTES_MAX = 256 * 1024
/** Operations of one peer that wait to be looked at; what is beyond comes by sync. */
export const GOSSIP_LANE_OPERATIONS_MAX = 4_096
/** How long a missing parent may still come by itself, in ms, before it is fetched: operations overtake each other by less. */
export const GOSSIP_PATIENCE_MS = 200
/** Operations that wait for what they lack and are passed on once it has come. */
export const GOSSIP_EARLY_MAX = 1_024
/** Envelopes of gossip whose operations the process keeps as read, since they come from several peers. */
export const GOSSIP_ENVELOPES_KEPT_MAX = 256
/** The longest of them; a longer one is read each time. */
export const GOSSIP_ENVELOPE_KEPT_BYTES_MAX = 4_096
/** How often it is offered what went round, in ms, and how many peers hear of it each time. */
export const GOSSIP_OFFER_MS = 1_000
export const GOSSIP_OFFER_PEERS_MAX = 2
/** Ids in one offer: some seconds of a busy space. */
export const GOSSIP_OFFER_IDS_MAX = 4_096

// Many spaces on one node (src/node/network/live-spaces.ts, sync-scheduler.ts)

/** Spaces of a node that are live: a gossip topic, and links that stay open. Six times as many topics would fit in what a peer takes. */
export const LIVE_SPACES_MAX = 40
/** How long a quiet space keeps its place among the live ones, in ms. */
export const LIVE_SPACE_KEPT_MS = 60_000
/** Runs with one peer, at a time, that open a link of their own. With those of live spaces they fit in SYNC_STREAMS_PER_CONNECTION_MAX. */
export const RUNS_PER_PEER_MAX = 16
/** Links that this node opens to one peer that shares a space, at once and per second: half of what a peer takes. */
export const OWN_LINKS_BURST_MAX = 256
export const OWN_LINKS_PER_SECOND_MAX = 32
/** The same, to a peer that has proved nothing yet. */
export const OWN_LINKS_TO_STRANGER_BURST_MAX = 48
export const OWN_LINKS_TO_STRANGER_PER_SECOND_MAX = 4
/** Longest time between two comparisons of a space that rests, with one peer, in ms: it doubles while they find nothing. */
export const RESTING_INTERVAL_MS_MAX = 60 * 60 * 1000
/** Operations admitted in a second from which a space is busy: some are on their way at any moment, and a comparison would find just them. */
export const BUSY_OPERATIONS_PER_SECOND = 20
/** Intervals from one comparison of a busy space to the next with a peer, where nothing else asks for one. */
export const BUSY_INTERVALS_MAX = 4
/** Shortest time between two comparisons with a peer that shares a space and does not listen to its topic, in ms. */
export const UNHEARD_INTERVAL_MS = 200
/** Shortest time between two comparisons with a peer of what came by comparison with others, in ms: gossip does not carry it. */
export const SPREAD_INTERVAL_MS = 1_000
/** Spaces for which peers are looked for in one round, in turns: at each introduction node, and in the DHT. */
export const SPACES_PER_ROUND_MAX = 48

// Verifying a space (src/node/verify)

/** Operations that are read from their bytes at a time: 17 MiB at most. */
export const VERIFY_BATCH_OPERATIONS_MAX = 64
/** How long verifying goes on before it gives way to the rest of a running node, in ms; one operation more may take longer. */
export const VERIFY_SLICE_MS = 20
/** Findings that are listed; those beyond are counted. Whoever has as many does not need the next. */
export const VERIFY_FINDINGS_MAX = 100
/** Characters of what a finding says was expected, and was found: values may be large. */
export const VERIFY_TEXT_CHARACTERS_MAX = 400

// Shared tables (src/node/tables)

/** Rows that are published or applied at a time, in one transaction of the user's database, which no other program writes meanwhile. */
export const TABLE_BATCH_ROWS_MAX = 2_000
/** Bytes of rows at which an operation that publishes them is closed: what is around them fits in BODY_BYTES_MAX too. */
export const TABLE_WRITE_BYTES_TARGET = 192 * 1024
/** Rows whose change in the space is remembered until it is applied; beyond, the whole table is compared instead. */
export const TABLE_QUEUE_KEYS_MAX = 65_536
/** How long another program that holds the user's database is waited for, in ms: the event loop stands still, and it is tried again. */
export const TABLE_BUSY_TIMEOUT_MS = 250
/** Prepared statements kept for one table: which columns a row changes makes another statement. */
export const TABLE_STATEMENTS_CACHED_MAX = 256
/** Columns of a primary key: each is a segment of the row's path. */
export const TABLE_KEY_COLUMNS_MAX = 16
/** Rows that this node may not write, after which no more are tried in one go: each costs looking for a chain of delegations. */
export const TABLE_REFUSED_ROWS_MAX = 64
/** Fields without a column here that are told; strangers choose them. */
export const TABLE_OUTDATED_COLUMNS_MAX = 64
/** Rows that differ from the space's that are listed with the reason; all are counted. */
export const TABLE_CONFLICTS_LISTED_MAX = 20
/** Looks after which a shared table with a fault is tried again at the latest, if nobody has written to its database before. */
export const TABLE_RETRY_LOOKS_MAX = 64
/** Tables that one node shares in one space. */
export const TABLES_MAX = 256

// Files (src/node/exchange)

/** One operation as a line of JSON: a body of empty byte strings, each of which is one byte and 19 characters, and what is around it. */
export const OPERATION_LINE_BYTES_MAX = 6 * 1024 * 1024
/** A clock as JSON, at some 170 bytes for each author: ten thousand fit. */
export const CLOCK_TEXT_BYTES_MAX = 2 * 1024 * 1024
/** Bytes of operations or cells at which a record of a snapshot is closed; one more may follow. */
export const SNAPSHOT_RECORD_BYTES_TARGET = 1024 * 1024
/** One record of a snapshot, packed and unpacked: two of them are in memory. */
export const SNAPSHOT_RECORD_BYTES_MAX = 16 * 1024 * 1024
/** Cells in one record of a snapshot. */
export const SNAPSHOT_CELLS_MAX = 4_096
/** Window that unpacking a file may ask for, as a power of two: 128 MiB, what zstd itself takes without being told. */
export const UNPACK_WINDOW_LOG_MAX = 27
/** A recorded history, unpacked: it is read whole. The largest of the demo has 6 MB. */
export const HISTORY_BYTES_MAX = 256 * 1024 * 1024
/** One row or object of a file that is imported: what a body holds, and what JSON may put around it. */
export const IMPORT_ROW_BYTES_MAX = 2 * 1024 * 1024
/** Rows or objects that become one operation, at most: a bad signature or a lost body costs no more of them. */
export const IMPORT_ROWS_PER_OPERATION_MAX = 1_024
/** Columns of a row, and fields of an object. */
export const IMPORT_COLUMNS_MAX = 4_096

// Blobs (part of the format: docs/protocol.md §10)

/** Content of one chunk, and so the most that is fetched, checked and held in memory at a time. */
export const BLOB_CHUNK_BYTES = 256 * 1024
/** Hashes in one list of a blob's tree: as many as fill a chunk. Three levels of them span more than a number can say. */
export const BLOB_LIST_HASHES_MAX = 8_192
/** UTF-8 bytes of the media type that a blob's reference may name. */
export const BLOB_MEDIA_TYPE_BYTES_MAX = 128
/** UTF-8 bytes of the name that a blob's reference may give: as long as file systems take. */
export const BLOB_NAME_BYTES_MAX = 255

// Fetching and serving blobs (protocols/blobs, src/node/blobs)

/** One request for a piece. Topic, hash and three numbers have at most 97 bytes. */
export const BLOB_REQUEST_BYTES_MAX = 128
/** One answer: a whole chunk and what is around it. */
export const BLOB_ANSWER_BYTES_MAX = 256 * 1024 + 16
/** Pieces asked of one peer that have not come yet: 2 MiB on the way keep a fast line busy over a long distance. */
export const BLOB_WINDOW = 8
/** Askings that wait for their turn in a peer's window, of all blobs together. */
export const BLOB_QUEUE_MAX = 256
/** How long a peer may take to move the next 64 KiB of what it is asked for, or of what it asked for, in ms. */
export const BLOB_PROGRESS_TIMEOUT_MS = 20_000
/** How long a stream stays open with nothing asked, in ms, so that the next blob needs no new one. */
export const BLOB_IDLE_TIMEOUT_MS = 30_000
/** Streams on which one connection may ask us for pieces. */
export const BLOB_STREAMS_PER_CONNECTION_MAX = 4
/** Streams on which all peers together may ask us for pieces, each with one piece in memory: 64 MiB with what libp2p holds. */
export const BLOB_STREAMS_MAX = 128
/** Pieces that one peer may ask us for at once, and per second: 250 MiB. What is above waits. */
export const BLOB_REQUESTS_BURST_MAX = 2_048
export const BLOB_REQUESTS_PER_SECOND_MAX = 1_000
/** Pieces of one blob that peers lacked and that wait for another peer; beyond, nothing new is asked for. */
export const BLOB_RETURNED_MAX = 256
/** Pieces of one blob that a peer may lack in a row before it is not asked for others. */
export const BLOB_LACKED_IN_A_ROW_MAX = 16
/** Blobs that are fetched at the same time; the others wait on the want-list. */
export const BLOB_FETCHES_MAX = 4
/** Peers that one blob is fetched from at the same time. */
export const BLOB_PEERS_PER_FETCH_MAX = 4
/** Blobs on the want-list of one space; what is beyond is missing until it is asked for, or there is room. */
export const BLOB_WANTS_PER_SPACE_MAX = 65_536
/** From one try to the next for a blob that nobody had, in ms, doubled up to the longest; a new peer or a new asking does not wait. */
export const BLOB_RETRY_MS = 15_000
export const BLOB_RETRY_LONGEST_MS = 10 * 60 * 1000
/** Paths at which one blob is shown that are asked about for one request: who may read only later ones is not served. */
export const BLOB_PATHS_ASKED_MAX = 1_024
/** Largest blob that is fetched without being asked for, unless it is configured, in KiB. */
export const BLOB_FETCH_KIB = 1_024
/** How much is kept of blobs, unless it is configured, in MiB. */
export const BLOB_QUOTA_MIB = 16_384
/** Cells looked at in one go when references are collected again. */
export const BLOB_SCAN_CELLS_MAX = 1_024

// Querying (src/node/query)

/** Characters of one query, and of the words of one search. */
export const SQL_QUERY_CHARACTERS_MAX = 64 * 1024
/** Parameters of one query. */
export const SQL_PARAMETERS_MAX = 1_000
/** Paths that a query or search is narrowed to, for a caller who does not read everything: each is a term of every view. */
export const SQL_PREFIXES_MAX = 256
/** Rows of one answer, unless fewer are asked for; a table that is larger is read in parts, or with another program. */
export const SQL_ROWS_MAX = 100_000
/** Rows of one answer where nobody says how many. */
export const SQL_ROWS = 10_000
/** Values of one answer, in bytes: text as UTF-8, anything else as eight. */
export const SQL_ANSWER_BYTES_MAX = 16 * 1024 * 1024
/** One text or BLOB, also on the way to an answer: a line of the control socket takes it. */
export const SQL_VALUE_BYTES_MAX = 7 * 1024 * 1024
/** Columns of one answer, and terms of one query. */
export const SQL_COLUMNS_MAX = 256
/** How long a query may take where nobody says so, in ms. */
export const SQL_TIMEOUT_MS = 10_000
/** How long a query may take at most, in ms: meanwhile the log beside the space's file cannot be shortened. */
export const SQL_TIMEOUT_MS_MAX = 5 * 60 * 1000
/** Memory of a process that answers queries, itself some 80 MiB, above which it is ended. */
export const SQL_PROCESS_MEMORY_BYTES_MAX = 512 * 1024 * 1024
/** How often such a process is looked at, in ms. */
export const SQL_PROCESS_LOOK_MS = 50
/** Processes that answer queries for one space, each one query at a time. */
export const SQL_PROCESSES_MAX = 2
/** Queries of one space that wait for a process. */
export const SQL_WAITING_MAX = 64
/** Queries of one caller, of one space, that run. */
export const SQL_RUNNING_PER_CALLER_MAX = 1
/** Queries of one caller that wait for a process. */
export const SQL_WAITING_PER_CALLER_MAX = 16
/** How long such a process may take to start, in ms. */
export const SQL_PROCESS_START_MS_MAX = 20_000
/** How long such a process stays without work, in ms, so that the next query does not wait for a start. */
export const SQL_PROCESS_IDLE_MS = 30_000
/** Declared kinds that have a view, the first by name. */
export const KINDS_MAX = 64
/** Columns of one declared kind. */
export const KIND_COLUMNS_MAX = 64
/** UTF-8 bytes of the name of a column. */
export const KIND_COLUMN_BYTES_MAX = 63
/** Fields of one declaration that are read: its columns, its path, and some that say nothing to us. */
export const KIND_FIELDS_READ_MAX = 256
/** Declarations that are looked at, whether they hold or not; strangers may write them. */
export const KIND_DECLARATIONS_READ_MAX = 1_024
/** From a change of a declaration to that of its view, in ms, unless somebody asks earlier; strangers cause it at most this often. */
export const KIND_RENEWAL_MS = 1_000
/** Cells, or changes of cells, that the search index takes up in one transaction. */
export const SEARCH_BATCH_CELLS_MAX = 4_096
/** Characters of their values, as JSON, at which a batch ends earlier: otherwise large values would take all memory and time before it is kept. */
export const SEARCH_BATCH_CHARACTERS_MAX = 8 * 1024 * 1024
/** Hits of one search. */
export const SEARCH_HITS_MAX = 1_000
/** How long bringing the search index up to date may take without a sign of progress, in ms. */
export const SEARCH_STALL_MS = 60_000
/** Words around a hit. */
export const SEARCH_SNIPPET_WORDS_MAX = 16
/** Agents that one node knows, revoked ones included. */
export const AGENTS_MAX = 1_000
/** Delegations of one agent: one for each space and path. */
export const AGENT_GRANTS_MAX = 64
/** Characters of an agent's name. */
export const AGENT_NAME_CHARACTERS_MAX = 64
/** Streams of operations and snapshots that are served over HTTP at once: each holds a moment of a store open. */
export const HTTP_TRANSFERS_MAX = 16
/** Of those, as many as one caller may have. */
export const HTTP_TRANSFERS_PER_CALLER_MAX = 4
/** Lines of one request that are refused before it is ended. */
export const HTTP_REFUSED_LINES_MAX = 10_000
/** Operations of which one request asks for the bodies. */
export const BODIES_ASKED_MAX = 1_024
/** Remotes of one node. */
export const REMOTES_MAX = 64
/** Characters of the name of a remote. */
export const REMOTE_NAME_CHARACTERS_MAX = 64
/** Characters of the token that is shown to a remote; ours have 55. */
export const REMOTE_TOKEN_CHARACTERS_MAX = 4_096
/** How long a remote may be silent before it counts as gone, in ms. */
export const REMOTE_SILENCE_MS = 30_000
/** How long one run with a remote may take: the first copy of a large space over a slow line. In ms. */
export const REMOTE_RUN_MS_MAX = 6 * 60 * 60 * 1000
/** Bytes that are taken from a remote in one run. */
export const REMOTE_DOWNLOAD_BYTES_MAX = 16 * 1024 * 1024 * 1024
/** Operations sent to a remote in one request; whatever breaks off is asked for again from there. */
export const REMOTE_PUSH_OPERATIONS_MAX = 8_192
/** Characters of lines at which such a request ends earlier. */
export const REMOTE_PUSH_CHARACTERS_MAX = 16 * 1024 * 1024
/** Operations of one run that may be refused before the remote is taken for broken or lying. */
export const REMOTE_REFUSALS_MAX = 10_000
/** Items and refusals listed in the report of a run; all are counted. */
export const REMOTE_ITEMS_LISTED_MAX = 10_000
/** Tries in a row that bring nothing before a run fails. */
export const REMOTE_TRIES_MAX = 4
/** Longest pause before a remote that failed is tried again, in ms. */
export const REMOTE_BACK_OFF_MS_MAX = 30_000
/** Redirects that are followed. */
export const REMOTE_REDIRECTS_MAX = 3
/** Runs of each remote that are remembered for `hanse remote stats`. */
export const REMOTE_RUNS_KEPT_MAX = 100
/** Nodes in the registry of a node. */
export const NODES_REGISTERED_MAX = 1_000
/** Addresses of one registered node. */
export const NODE_ENDPOINTS_MAX = 8
/** How long a registered node counts as healthy after it was last heard of, in ms. */
export const NODE_FRESH_MS = 5 * 60 * 1000
/** Pause between two looks whether remotes and registered nodes are healthy, in ms. */
export const NODE_HEALTH_EVERY_MS = 60_000
/** Bytes of a request's body over HTTP, but for blobs and operations, which are read as a stream. */
export const HTTP_BODY_BYTES_MAX = 8 * 1024 * 1024
/** Bytes of a body of whoever has shown no token. */
export const HTTP_OPEN_BODY_BYTES_MAX = 4_096
/** Connections to the HTTP server. */
export const HTTP_CONNECTIONS_MAX = 1_024
/** How long a request may take to arrive whole, in ms. */
export const HTTP_REQUEST_MS_MAX = 5 * 60 * 1000
/** How long a one-time link of the operator works, in ms. */
export const HTTP_LINK_MS = 10 * 60 * 1000
/** How long a session of a browser lasts, in ms. */
export const HTTP_SESSION_MS = 12 * 60 * 60 * 1000
/** Links, and sessions of browsers, at once; the oldest goes for a new one. */
export const HTTP_SESSIONS_MAX = 64
/** Pause between two signs of life on a stream of events, in ms. */
export const HTTP_KEEP_ALIVE_MS = 15_000
/** Bytes of events that a client has not read at which it is closed. */
export const HTTP_EVENT_BYTES_WAITING_MAX = 4 * 1024 * 1024
/** How long a body that comes as a stream may fall silent, in ms: such a body may take any time otherwise. */
export const HTTP_STREAM_SILENCE_MS = 60_000
/** How long a request for a blob waits at most while nothing of it comes from peers, in seconds. */
export const HTTP_BLOB_WAIT_SECONDS_MAX = 300
/** How long a request to connect or to sync waits at most, in seconds. */
export const HTTP_SYNC_SECONDS_MAX = 600
/** How long the headers of a request may take to arrive, in ms. */
export const HTTP_HEADERS_MS_MAX = 20_000
/** How long a connection without a request is kept, in ms: longer than the minute after which proxies open another. */
export const HTTP_IDLE_MS_MAX = 65_000
/** Connections from one address: half of all, so that nobody takes everybody's. */
export const HTTP_CONNECTIONS_PER_ADDRESS_MAX = 512
/** Requests of one caller at once: HTTP_STREAMS_PER_CALLER_MAX streams of events, and some beside them. */
export const HTTP_OPEN_PER_CALLER_MAX = 320
/** Over how long the requests of a caller are counted, in ms. */
export const HTTP_RATE_WINDOW_MS = 10_000
/** Requests of one caller in that time: 2,000 a second, about what one core answers. */
export const HTTP_REQUESTS_PER_WINDOW_MAX = 20_000
/** Requests in that time from one address by somebody who is not known, wrong tokens among them. */
export const HTTP_UNKNOWN_PER_WINDOW_MAX = 200
/** Callers and addresses whose requests are counted; the one seen longest ago is forgotten first. */
export const HTTP_RATED_CALLERS_MAX = 5_000
/** How long a connection may be silent on both sides before it is closed, in ms: longer than whatever a request may wait for. */
export const HTTP_SILENCE_MS_MAX = 11 * 60 * 1000
/** How long what was seen of the node's health holds, in ms: it writes to every file. */
export const HEALTH_PROBE_MS = 5_000
/** Items, versions, operations, conflicts, entries or changes in one page over HTTP. */
export const HTTP_PAGE_MAX = 1_000
/** Characters of JSON at which a page of anything over HTTP ends earlier, unless one thing alone is longer. */
export const HTTP_PAGE_CHARACTERS_MAX = 4 * 1024 * 1024
/** Streams of events of one caller at once: a quarter of the connections there are. */
export const HTTP_STREAMS_PER_CALLER_MAX = 256
/** Events that wait for one client before the source waits; conflicts and news of peers beyond it are counted rather than sent. */
export const HTTP_EVENTS_WAITING_MAX = 256
/** How long a request for changes may wait for one, in ms. */
export const HTTP_WAIT_MS_MAX = 30_000
/** Characters, as JSON, of one result for a model, beside what frames it: some 3,000 tokens. */
export const MCP_RESULT_CHARACTERS = 12_000
/** Characters of a value where many are listed. */
export const MCP_PREVIEW_CHARACTERS = 160
/** Items, hits, versions or operations in one result for a model. */
export const MCP_LIST_MAX = 200
/** Edits that a model may write as one operation. */
export const MCP_EDITS_MAX = 100
/** How long a model may wait for a change, in ms: below the minute after which clients give up. */
export const MCP_WAIT_MS_MAX = 50_000
/** Operations looked through for one result that shows only what its reader reaches. */
export const MCP_LOOK_THROUGH_MAX = 10_000
/** Characters of one resource. */
export const MCP_RESOURCE_CHARACTERS_MAX = 262_144
/** Resources listed at a time. */
export const MCP_RESOURCES_PAGE_MAX = 100
/** Resources that one session has subscribed to. */
export const MCP_SUBSCRIPTIONS_MAX = 64
/** Pause in which updates of subscribed resources are gathered, in ms. */
export const MCP_UPDATE_PAUSE_MS = 100
/** Sessions over HTTP at once. */
export const MCP_SESSIONS_MAX = 128
/** Sessions of one token at once; the one that rests longest goes for a new one, if nobody listens to it. */
export const MCP_SESSIONS_PER_TOKEN_MAX = 16
/** How long a session may rest without a request or a listener, in ms. */
export const MCP_SESSION_IDLE_MS = 30 * 60 * 1000
/** Requests of one session under way at once. */
export const MCP_REQUESTS_MAX = 16
/** How often sessions are looked at: whether their token still holds, what it may do, whether anybody is there; in ms. */
export const MCP_LOOK_MS = 1_000
/** How long `hanse mcp` waits for a node that is not there before it says so, in ms. */
export const MCP_NODE_WAIT_MS = 5_000
/** The same, where the node was there before: it is being started again, perhaps on a busy machine; in ms. */
export const MCP_RESTART_WAIT_MS = 20_000
/** Longest pause of `hanse mcp` between two tries to hear from its node again, in ms. */
export const MCP_RETRY_MS_MAX = 5_000
/** Messages of a client that `hanse mcp` has under way at once. */
export const MCP_MESSAGES_MAX = 64
/** Pause between two times that the dashboard is told what is new, in ms. */
export const DASHBOARD_TICK_MS = 250
/** Operations told at once to the dashboard; of more in one pause the rest is counted. */
export const DASHBOARD_BATCH_MAX = 50
/** Operations, and incidents, that are remembered for whoever opens the dashboard. */
export const DASHBOARD_RECENT_MAX = 200
/** Seconds of throughput and latency that are remembered for the dashboard. */
export const DASHBOARD_SAMPLES_MAX = 600
/** Spaces that the dashboard lists; the rest is counted. */
export const DASHBOARD_SPACES_MAX = 200
/** Open conflicts of one space that the dashboard counts whenever the space has changed. */
export const DASHBOARD_CONFLICTS_COUNTED_MAX = 100
/** Operations shown of one branch of a fork. */
export const DASHBOARD_BRANCH_MAX = 20
/** Entries shown of one folder, log, or history in the dashboard. */
export const DASHBOARD_LISTED_MAX = 500
/** Events that may wait for one page; beyond, it begins again with a snapshot. */
export const DASHBOARD_EVENTS_WAITING_MAX = 256
/** Operations in one message between peers over a transport beside libp2p. */
export const PEER_MESSAGE_OPERATIONS_MAX = 2_000
/** Characters of their lines at which a message is closed; one operation more may follow. */
export const PEER_MESSAGE_BYTES_TARGET = 512 * 1024
/** Bytes of one message between peers over HTTP. */
export const PEER_MESSAGE_BYTES_MAX = 8 * 1024 * 1024
/** Messages of one peer that wait for their turn; a transport that goes on sending does not wait for the answer. */
export const PEER_MESSAGES_WAITING_MAX = 16
/** Operations of one peer that are remembered, so that they are not sent back to it. */
export const PEER_IDS_REMEMBERED_MAX = 8_192
/** Refused operations after which a peer is disconnected. */
export const PEER_REFUSED_MAX = 1_000
/** Pause before what is missing is asked for again, in ms. */
export const PEER_SYNC_PAUSE_MS = 1_000
/** Peers connected to one space over HTTP at once. */
export const PEER_CONNECTIONS_MAX = 256
/** How long one message may take to be taken by the other side, in ms. */
export const PEER_SEND_TIMEOUT_MS = 60_000
/** First pause before a lost connection is tried again; it doubles each time, in ms. */
export const PEER_BACK_OFF_MS = 500
/** Longest such pause, in ms. */
export const PEER_BACK_OFF_MS_MAX = 30_000
/** Silence after which a connection counts as lost: three signs of life have not come, in ms. */
export const PEER_SILENCE_MS_MAX = 45_000
