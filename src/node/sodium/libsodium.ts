import type { Sodium } from 'sodium-native'

/** libsodium, by way of sodium-native: a Node-API module that comes with its binaries. Null where it has none for this platform. */
export const libsodium: Sodium | null = await import('sodium-native').then(
  (module) => module.default,
  () => null,
)
