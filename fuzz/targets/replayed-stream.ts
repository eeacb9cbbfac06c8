/** One end of a stream that says what it is given, with what the frame readers use of libp2p's streams. */
export class ReplayedStream extends EventTarget {
  status: 'open' | 'closed' = 'open'
  readStatus: 'readable' | 'paused' = 'readable'
  remoteReadStatus: 'readable' | 'closed' = 'readable'
  remoteWriteStatus: 'writable' | 'closed' = 'writable'
  readonly log = Object.assign(() => {}, { error: () => {}, trace: () => {} })
  readonly readBufferLength = 0
  readonly #paused: Uint8Array[] = []

  /** Says the bytes in a few pieces, cut at places that follow from their number, and ends. */
  replay(bytes: Uint8Array): void {
    const piece = 1 + (bytes.length % 3 === 0 ? bytes.length : bytes.length % 97)
    for (let at = 0; at < bytes.length; at += piece) this.#deliver(bytes.slice(at, at + piece))
    this.remoteWriteStatus = 'closed'
    this.dispatchEvent(new Event('remoteCloseWrite'))
  }

  pause(): void {
    this.readStatus = 'paused'
  }

  resume(): void {
    this.readStatus = 'readable'
    for (const bytes of this.#paused.splice(0)) this.#deliver(bytes)
  }

  closeRead(): void {}

  send(): boolean {
    return true
  }

  push(): void {}

  unshift(): void {}

  abort(): void {
    this.status = 'closed'
  }

  #deliver(bytes: Uint8Array): void {
    if (this.readStatus === 'paused') this.#paused.push(bytes)
    else this.dispatchEvent(Object.assign(new Event('message'), { data: bytes }))
  }
}
