export { type IntroductionClient, introductionClient } from './client.ts'
export { mixIntroductions } from './mix-introductions.ts'
export type { IntroducedPeer } from './record.ts'
export { type IntroductionServer, type IntroductionServerStatus, introductionServer } from './server.ts'
