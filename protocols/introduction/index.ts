export {
  type IntroductionClient,
  type IntroductionClientComponents,
  type IntroductionClientInit,
  type IntroductionFault,
  type Introductions,
  introductionClient,
  type QueryOptions,
  type TopicRegistration,
} from './client.ts'
export { INTRODUCTION_PROTOCOL, type RefusalCode } from './codec.ts'
export { mixIntroductions } from './mix-introductions.ts'
export { type IntroducedPeer, verifyRecord } from './record.ts'
export {
  type IntroductionServer,
  type IntroductionServerComponents,
  type IntroductionServerInit,
  type IntroductionServerStatus,
  introductionServer,
} from './server.ts'
