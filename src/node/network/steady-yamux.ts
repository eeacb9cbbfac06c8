import type { StreamMuxerFactory } from '@libp2p/interface'
import { yamux, type YamuxMuxerInit } from '@libp2p/yamux'

/** Type of a yamux frame that only moves a window (yamux specification, "Frame type"). */
const WINDOW_UPDATE = 1

/** State of a stream that both sides have opened and neither has closed or paused. */
const ESTABLISHED = 3

/** As much of a yamux muxer as is touched here (8.0). */
interface Muxer {
  sendFrame(header: { readonly type: number }, data?: unknown): boolean
  _newStream(...of: readonly unknown[]): Receiver
}

/** As much of a stream. */
interface Receiver {
  readonly state: number
  /** Bytes of a full window, and how many of them the other side may still send. */
  readonly recvWindow: number
  readonly recvWindowCapacity: number
  sendWindowUpdate(): void
}

/**
 * Yamux that does not take the process down: a stream that is opened on a connection which closes in the same moment announces
 * its window in a microtask of its own, where "cannot write to a stream that is closed" is nobody's to catch. Any peer can bring
 * that about by hanging up at the right time. Such a stream ends with its connection; the frame is not needed any more.
 *
 * And yamux that opens a window again when half of it is used, as Go's does, and not after every frame: each small message would cost a
 * second frame, sealed and sent by itself.
 */
export function steadyYamux(init: YamuxMuxerInit): () => StreamMuxerFactory {
  const create = yamux(init)
  return () => {
    const factory = create()
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = (connection) => {
      const muxer = createStreamMuxer(connection)
      const sender = muxer as unknown as Muxer
      const sendFrame = sender.sendFrame.bind(sender)
      sender.sendFrame = (header, data) => {
        try {
          return sendFrame(header, data)
        } catch (error) {
          if (header.type !== WINDOW_UPDATE) throw error
          return true
        }
      }
      const newStream = sender._newStream.bind(sender)
      sender._newStream = (...of) => withRareUpdates(newStream(...of))
      return muxer
    }
    return factory
  }
}

/** The sender always has more than half of a window left that it was told of, so it never waits for an update that is held back. */
function withRareUpdates(stream: Receiver): Receiver {
  const sendWindowUpdate = stream.sendWindowUpdate.bind(stream)
  stream.sendWindowUpdate = () => {
    const used = stream.recvWindow - stream.recvWindowCapacity
    if (stream.state !== ESTABLISHED || used >= stream.recvWindow / 2) sendWindowUpdate()
  }
  return stream
}
