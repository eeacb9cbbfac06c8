import { LOCAL } from '../replica/admission-step.ts'
import { isOtherDoor } from '../replica/file-source.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import type { SpaceGossip } from './gossip.ts'

/** Tells others of what is admitted here and does not go round yet: by gossip, or by a comparison that `offer` starts. */
export function tellOfAdmitted(hosted: HostedSpace, gossip: SpaceGossip, offer: () => void): void {
  hosted.replica.addEventListener('admitted', ({ detail }) => {
    if (detail.source === LOCAL) {
      if (detail.own.length > 0) gossip.publish(detail.own)
      return
    }
    const early = detail.promoted.map((ordinal) => gossip.passOnEarly(hosted.store.at(ordinal)))
    // What was held long, or came in a file or by another door, was forwarded by nobody here: whoever has not got it another way gets it from us.
    if (early.includes(false) || isOtherDoor(detail.source)) offer()
  })
}
