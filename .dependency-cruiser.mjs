/**
 * Which folder may import which: arrows point down, surfaces → node → storage, protocols → core (docs/architecture.md).
 * Each rule is a list of what is allowed, so that a folder nobody thought of is refused rather than overlooked.
 * `npm run imports` runs it through scripts/check-imports.ts, which also asserts that no module was left out.
 */

/** Folders of own code. What runs a node knows nothing of tests, benchmarks, fuzzers, mutants and simulators. */
const OWN = '^(src|protocols|bootstrap|test|scripts|bench|fuzz|mutants|simulation)/'

/** Own code a layer may import, besides npm packages and Node's built-ins. */
const mayImport = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: OWN, pathNot: allowed },
})

/** Layers below the surfaces, lowest first. */
const CORE = '^src/core/'
const STORAGE = '^src/storage/'
const PROTOCOLS = '^protocols/'
const NODE = '^src/node/'
const SIMULATION = '^simulation/'
/** The list of public introduction nodes: data that a node starts with, not a part of the introduction node. */
const WELL_KNOWN = '^bootstrap/well-known\\.ts$'
const BELOW_SURFACES = [CORE, STORAGE, PROTOCOLS, NODE]

/** A surface may import itself, node and what is below; never another surface. */
const surface = (name) =>
  mayImport(
    `${name}-imports-node-and-below`,
    `^src/${name}/`,
    [...BELOW_SURFACES, `^src/${name}/`],
    'Surfaces are thin and independent.',
  )

export default {
  forbidden: [
    mayImport('core-imports-core', CORE, [CORE], 'The core knows nothing of what is built on it.'),
    {
      name: 'core-is-pure',
      comment:
        'The core does no IO: of Node it may import node:crypto, of npm the hash, signature and encoding packages.',
      severity: 'error',
      from: { path: CORE },
      to: {
        pathNot: [
          OWN,
          '^(node:)?crypto$',
          // A relative path that was not followed: `no-unresolvable` reports it.
          '^\\.',
          '(^|/)node_modules/(@noble/[^/]+|@ipld/dag-cbor|multiformats)/',
        ],
      },
    },
    mayImport(
      'storage-imports-core',
      STORAGE,
      [STORAGE, CORE],
      'An adapter knows the values it keeps and nothing else.',
    ),
    {
      name: 'protocols-import-core-and-themselves',
      comment: 'A protocol is a codec and a service; two protocols meet in the node, never in each other.',
      severity: 'error',
      from: { path: '^protocols/([^/]+)/' },
      to: { path: OWN, pathNot: [CORE, '^protocols/$1/'] },
    },
    mayImport(
      'node-imports-below',
      NODE,
      [...BELOW_SURFACES, WELL_KNOWN],
      'The node composes what is below it and serves any surface.',
    ),
    mayImport(
      'cli-imports-doors-and-below',
      '^src/cli/',
      [...BELOW_SURFACES, '^src/(cli|http|mcp)/'],
      'The command line starts the other doors; they know nothing of it.',
    ),
    mayImport(
      'http-imports-mcp-and-below',
      '^src/http/',
      [...BELOW_SURFACES, '^src/(http|mcp|peer)/'],
      'HTTP carries MCP, and messages of peers.',
    ),
    surface('mcp'),
    mayImport(
      'peer-imports-node-and-below',
      '^src/peer/',
      [...BELOW_SURFACES, '^src/peer/', '^src/http/event-stream\\.ts$'],
      'Peers over other transports: a part of the library. Of HTTP it knows how events are streamed.',
    ),
    // The demo runs the introduction node and the nodes as processes, as a stranger would.
    surface('demo'),
    mayImport(
      'library-imports-node-and-below',
      '^src/index\\.ts$',
      BELOW_SURFACES,
      'The library is the node, without a surface.',
    ),
    mayImport(
      'bootstrap-imports-protocols-and-core',
      '^bootstrap/',
      ['^bootstrap/', PROTOCOLS, CORE],
      'The introduction node stores nothing and is trusted with nothing, so it has no part of a node.',
    ),
    mayImport(
      'simulation-imports-node-and-below',
      SIMULATION,
      [SIMULATION, '^bootstrap/', ...BELOW_SURFACES],
      'The simulator runs the production code, and measures it; nothing that is released knows of it.',
    ),
    {
      name: 'no-unknown-layer',
      comment: 'A new folder under src, or a file beside src/index.ts, needs a rule here first.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: ['^src/(core|storage|node|cli|http|mcp|peer|demo)/', '^src/index\\.ts$'],
      },
      to: {},
    },
    {
      name: 'no-cycle',
      comment: 'Also of types: two files that need each other are one.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolvable',
      comment: 'An import that cannot be followed is one no rule can judge.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-undeclared-package',
      comment: 'A package that runs must be in `dependencies`.',
      severity: 'error',
      from: { path: '^(src|protocols|bootstrap)/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'npm-optional'],
        dependencyTypesNot: ['type-only'],
      },
    },
  ],
  options: {
    // Files of packages are named but not opened.
    doNotFollow: { path: '(^|/)node_modules/' },
    // Imports of types count: an arrow is an arrow.
    tsPreCompilationDeps: true,
    parser: 'tsc',
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.json', '.d.ts'],
      mainFields: ['module', 'main', 'types'],
    },
  },
}
