import type { Mutant } from '../mutant.ts'

const AGENTS = ['test/node/agents.test.ts']
const WHO_ASKS = ['test/http/authentication.test.ts']
const NARROWED = ['test/query/narrowed.test.ts']
const SESSIONS = ['test/peer/http-transport.test.ts']

/** What callers with less than the node's own authority reach, by HTTP, MCP, SQL and other transports. */
export const DOOR_MUTANTS: readonly Mutant[] = [
  {
    name: 'agent-reads-everything',
    rule: 'an agent reads all that the node reads',
    file: 'src/node/agents/space-access.ts',
    edits: [['this.#isWhole || this.#scope().mayRead(', 'this.#isWhole || !this.#scope().mayRead(']],
    tests: AGENTS,
  },
  {
    name: 'agent-lists-everything',
    rule: 'the listings that an agent gets have everything in them',
    file: 'src/node/agents/space-access.ts',
    edits: [
      [
        'return this.#isWhole ? EVERYWHERE : this.#scope().prefixes(',
        'return EVERYWHERE.length > 0 ? EVERYWHERE : this.#scope().prefixes(',
      ],
    ],
    tests: [...AGENTS, 'test/http/reach.test.ts'],
  },
  {
    name: 'agent-writes-as-the-node',
    rule: 'what an agent writes is signed by the node',
    file: 'src/node/agents/caller.ts',
    edits: [['return this.#agent ?? this.#owner.author', 'return this.#owner.author']],
    tests: AGENTS,
  },
  {
    name: 'agent-runs-the-node',
    rule: 'whoever has a token may run the node',
    file: 'src/node/agents/caller.ts',
    edits: [['if (this.isOperator) return', 'if (this.name !== "") return']],
    tests: ['test/http/reach.test.ts', 'test/http/nodes.test.ts', 'test/http/authority.test.ts'],
  },
  {
    name: 'revoked-token-is-taken',
    rule: 'a revoked token opens the door as before',
    file: 'src/node/agents/agent-book.ts',
    edits: [
      [
        "if (record.revokedMs !== null)\n      return fail('TOKEN_REVOKED'",
        "if (record.revokedMs === 0)\n      return fail('TOKEN_REVOKED'",
      ],
    ],
    tests: [...AGENTS, ...WHO_ASKS],
  },
  {
    name: 'expired-token-is-taken',
    rule: 'a token has no end',
    file: 'src/node/agents/agent-book.ts',
    edits: [
      [
        "if (record.expiresMs !== null && record.expiresMs <= this.#owner.now())\n      return fail('TOKEN_EXPIRED'",
        "if (record.expiresMs !== null && record.expiresMs <= 0)\n      return fail('TOKEN_EXPIRED'",
      ],
    ],
    tests: WHO_ASKS,
  },
  {
    name: 'streams-outlive-their-token',
    rule: 'what is under way when a token is revoked goes on',
    file: 'src/node/agents/agent-book.ts',
    edits: [['this.#ends.get(toHex(record.publicKey))?.abort()\n', '']],
    tests: [...SESSIONS, 'test/http/events.test.ts'],
  },
  {
    name: 'any-host-name',
    rule: 'a page of elsewhere reaches a loopback server under a name of its own',
    file: 'src/http/http-server.ts',
    edits: [
      [
        'if (!isLoopback(served) || isLoopback(host)) return',
        'if (!isLoopback(served) || host !== "") return',
      ],
    ],
    tests: WHO_ASKS,
  },
  {
    name: 'any-page-is-ours',
    rule: 'a page of another site acts on behalf of the operator whose browser shows it',
    file: 'src/http/authenticate.ts',
    edits: [["return site === 'same-origin' || (site === 'none' && method === 'GET')", "return site !== ''"]],
    tests: WHO_ASKS,
  },
  {
    name: 'any-origin-is-ours',
    rule: 'a browser that says only where a page comes from may act for any page',
    file: 'src/http/authenticate.ts',
    edits: [['origin === `${protocol}://${host}`', '`${protocol}://${host}` !== ""']],
    tests: WHO_ASKS,
  },
  {
    name: 'link-works-again',
    rule: 'the link to the dashboard makes a session each time it is followed',
    file: 'src/http/operator-sessions.ts',
    edits: [['    this.#links.delete(key)\n', '']],
    tests: WHO_ASKS,
  },
  {
    name: 'narrowed-sql-allows',
    rule: 'what SQLite asks for and is not known is allowed',
    file: 'src/node/query/guard.ts',
    edits: [["        return 'do anything but read'", '        return null']],
    tests: [...NARROWED, 'test/query/sql.test.ts'],
  },
  {
    name: 'narrowed-sql-reads-tables',
    rule: 'a narrowed query reads the tables of the file themselves',
    file: 'src/node/query/narrowed-file.ts',
    edits: [
      [
        "return within.startsWith(secret) || (column === '' && !this.#query.includes(table))",
        'return within.length + column.length >= 0',
      ],
    ],
    tests: NARROWED,
  },
  {
    name: 'narrowed-sql-other-tables',
    rule: 'a narrowed query reads whatever else the file has',
    file: 'src/node/query/narrowed-file.ts',
    edits: [
      ["if (schema === 'main') return TABLE_FUNCTIONS.has(table)", "if (schema === 'main') return true"],
    ],
    tests: NARROWED,
  },
  {
    name: 'session-of-anybody',
    rule: 'a peer posts under the session of another',
    file: 'src/peer/fastify-server-transport.ts',
    edits: [['      session.client === client.name &&\n', '']],
    tests: SESSIONS,
  },
  {
    name: 'place-of-anybody',
    rule: 'a client takes the place of a peer that belongs to another',
    file: 'src/peer/fastify-server-transport.ts',
    edits: [['if (former !== undefined && former.client !== client.name)', 'if (former?.client === "")']],
    tests: SESSIONS,
  },
  {
    name: 'session-without-secret',
    rule: 'the secret of a session need not be known',
    file: 'src/peer/fastify-server-transport.ts',
    edits: [
      [
        '      isSame(posted.session, `${session.peerId}.${session.secret}`)',
        '      isSame(session.peerId, session.peerId)',
      ],
    ],
    tests: SESSIONS,
  },
  {
    name: 'peer-gets-all-bodies',
    rule: 'a peer over HTTP is sent bodies that its token does not reach',
    file: 'src/peer/connected-peer.ts',
    edits: [
      [
        'this.#mayRead = init.remote.mayRead ?? isOpen',
        'this.#mayRead = () => isOpen() || init.remote.id !== ""',
      ],
    ],
    tests: SESSIONS,
  },
]
