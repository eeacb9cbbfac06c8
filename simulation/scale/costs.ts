import { readFileSync } from 'node:fs'

/**
 * What the steps of a node cost: measured on one machine by `node simulation/scale/measure-costs.ts`, and all that the model knows of
 * cryptography, storage and the wire. Bytes are those on TCP sockets, both directions, with Noise and yamux; CPU is that of both ends where
 * two take part.
 */
export interface Costs {
  readonly measured: {
    readonly machine: string
    readonly node: string
    readonly commit: string
    readonly date: string
  }
  /** CPU, in µs. */
  readonly cpuUs: {
    /** Of one operation of one change. */
    readonly encode: number
    readonly decode: number
    readonly verify: number
    /** Deciding and storing in batches, and one by one; without the signature. */
    readonly admitInBatch: number
    readonly admitAlone: number
    /** Writing an operation of one's own: finding its place and right, signing, storing. */
    readonly write: number
    /** Dialling, upgrading and identifying, both ends. */
    readonly connection: number
    /** Opening a sync link: hello and proof, both ends. */
    readonly handshake: number
    /** A run that finds no difference, over an open link, both ends. */
    readonly quietRun: number
    /** A gossip message of one operation, both ends, without what is done with the operation. */
    readonly gossipMessage: number
  }
  readonly bytes: {
    /** One operation of one change, as an envelope. */
    readonly operation: number
    readonly connection: number
    readonly handshake: number
    readonly quietRun: number
    /** A run that finds something, without what it brings; and each operation that it brings. */
    readonly run: number
    readonly runPerOperation: number
    /** A gossip message of one operation, without the operation. */
    readonly gossipMessage: number
    /** One connection over which nothing happens, per second: keep-alives, heartbeats. */
    readonly idlePerSecond: number
    /** One registration, and one query of an introduction node, with its answer of one record. */
    readonly registration: number
    readonly query: number
  }
}

/** The committed costs. */
export function readCosts(): Costs {
  return JSON.parse(readFileSync(new URL('./costs.json', import.meta.url), 'utf8')) as Costs
}
