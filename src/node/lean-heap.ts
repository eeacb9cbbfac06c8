import { setFlagsFromString } from 'node:v8'

/**
 * Keeps V8's heap near what is in use. By itself the young generation grows to 32 MiB and more while operations stream through, each of which
 * is garbage a moment later, and the old one to four times what is alive before it is looked through. Taking in 100,000 operations: 488 MB
 * at the peak without the first flag; 417 MB with it and 317 MB with both, at the same rate.
 * For programs of ours, first of all: whoever embeds the library decides about the heap of its own process.
 */
export function keepHeapLean(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=100')
}
