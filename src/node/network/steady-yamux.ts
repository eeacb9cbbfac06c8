import type { StreamMuxerFactory } from '@libp2p/interface'
import { yamux, type YamuxMuxerInit } from '@libp2p/yamux'

/** Type of a yamux frame that only moves a window (yamux specification, "Frame type"). */
const WINDOW_UPDATE = 1

/** As much of a yamux muxer as is touched here (8.0). */
interface FrameSender {
  sendFrame(header: { readonly type: number }, data?: unknown): boolean
}

/**
 * Yamux that does not take the process down: a stream that is opened on a connection which closes in the same moment announces
 * its window in a microtask of its own, where "cannot write to a stream that is closed" is nobody's to catch. Any peer can bring
 * that about by hanging up at the right time. Such a stream ends with its connection; the frame is not needed any more.
 */
export function steadyYamux(init: YamuxMuxerInit): () => StreamMuxerFactory {
  const create = yamux(init)
  return () => {
    const factory = create()
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = (connection) => {
      const muxer = createStreamMuxer(connection)
      const sender = muxer as unknown as FrameSender
      const sendFrame = sender.sendFrame.bind(sender)
      sender.sendFrame = (header, data) => {
        try {
          return sendFrame(header, data)
        } catch (error) {
          if (header.type !== WINDOW_UPDATE) throw error
          return true
        }
      }
      return muxer
    }
    return factory
  }
}
