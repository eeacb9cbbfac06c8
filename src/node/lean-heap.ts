import { setFlagsFromString } from 'node:v8'

/**
 * Keeps V8's young generation as small as it begins. It would grow to 32 MiB and more while operations stream through, each of which
 * is garbage a moment later: taking in 100,000 operations had a peak of 488 MB with it and has 306 MB without, in the same CPU time.
 * For programs of ours, first of all: whoever embeds the library decides about the heap of its own process.
 */
export function keepHeapLean(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
