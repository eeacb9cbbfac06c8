import type { LinkTraffic } from '../../../protocols/sync/index.ts'

/** What single runs moved, told from the totals of their links. */
export class RunTraffic {
  readonly #totals = new WeakMap<object, LinkTraffic>()

  /** What the link moved since this was asked last. */
  take(link: { readonly traffic: LinkTraffic }): LinkTraffic {
    const { traffic } = link
    const before = this.#totals.get(link) ?? { bytesSent: 0, bytesReceived: 0 }
    this.#totals.set(link, traffic)
    return {
      bytesSent: traffic.bytesSent - before.bytesSent,
      bytesReceived: traffic.bytesReceived - before.bytesReceived,
    }
  }
}
