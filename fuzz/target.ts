import type fc from 'fast-check'

/** A decoder under test: where its valid inputs come from, and what must hold of it whatever the input. */
export interface Target {
  readonly name: string
  /** What the inputs are made of, and so how they are mutated: `cbor` also by structure, `text` also by words. */
  readonly form: 'cbor' | 'text' | 'bytes'
  /** Longest input that is tried: the bound of the frame it comes in, or below where more finds nothing. */
  readonly inputBytesMax: number
  /** Valid inputs, by the grammar of the format. */
  readonly valid: fc.Arbitrary<Uint8Array>
  /** Texts worth inserting, e.g. the keys of a format. */
  readonly words?: readonly string[]
  /**
   * Decodes the input and checks what must hold of it. Gives true where it was accepted. Anything thrown is a finding: a decoder
   * returns faults.
   */
  readonly run: (input: Uint8Array) => boolean | Promise<boolean>
}

/** Thrown by a target: something that must hold of its decoder does not. */
class PropertyError extends Error {
  override readonly name = 'PropertyError'
}

/** Throws unless the property holds. */
export function holds(condition: boolean, property: string): void {
  if (!condition) throw new PropertyError(property)
}
