// Packages without types of their own; what is used of them is said where it is used.
declare module '@hyperswarm/secret-stream'
declare module '@orbitdb/core'
declare module 'corestore'
declare module 'ws'
