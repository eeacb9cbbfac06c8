/**
 * Bootstrap nodes that every Hanse node may know from the start. Empty: nobody runs a public one yet.
 *
 * To add one: run it with a persistent data directory and `--announce` set to its public addresses, check it from another
 * machine with `node bootstrap/main.ts health --address ADDRESS`, and add one line per address it prints, with the
 * `/p2p/…` at its end (the peer id is what makes the address unforgeable) and a comment that says who operates it. Add
 * nodes of several operators: a node takes at most a third of the peers it knows from one introducer.
 */
export const WELL_KNOWN_BOOTSTRAP_ADDRESSES: readonly string[] = []
