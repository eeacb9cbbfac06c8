import { useMemo } from 'preact/hooks'
import type { Sample } from '../../src/http/dashboard/samples.ts'
import { formatCount, formatDuration } from '../words/format.ts'
import { Plot } from './plot.tsx'
import { Empty } from './text.tsx'

/** How much happens, and how fast. */
export function Throughput({ samples }: { readonly samples: readonly Sample[] }) {
  const shown = useMemo(
    () => ({
      timesMs: samples.map(({ atMs }) => atMs),
      operations: [
        { label: 'Written here', colour: 'accent', values: samples.map(({ written }) => written) },
        { label: 'Received', colour: 'good', values: samples.map(({ received }) => received) },
        { label: 'Refused', colour: 'bad', isDashed: true, values: samples.map(({ refused }) => refused) },
      ] as const,
      delays: [
        { label: 'Half within', colour: 'accent', values: samples.map(({ delayMs }) => atLeastOne(delayMs)) },
        {
          label: 'Nearly all within',
          colour: 'warn',
          isDashed: true,
          values: samples.map(({ delayP95Ms }) => atLeastOne(delayP95Ms)),
        },
      ] as const,
      trips: [
        {
          label: 'Middle',
          colour: 'accent',
          values: samples.map(({ roundTripMs }) => atLeastOne(roundTripMs)),
        },
        {
          label: 'Slowest',
          colour: 'warn',
          isDashed: true,
          values: samples.map(({ roundTripMaxMs }) => atLeastOne(roundTripMaxMs)),
        },
      ] as const,
    }),
    [samples],
  )
  if (samples.length < 2) return <Empty title='Measuring…' />
  const { timesMs, operations, delays, trips } = shown
  return (
    <div class='plots'>
      <Plot title='Operations' unit='a second' timesMs={timesMs} lines={operations} format={formatCount} />
      <Plot
        title='From author to here'
        unit='by their clocks'
        timesMs={timesMs}
        lines={delays}
        format={formatDuration}
        isLogarithmic
      />
      <Plot
        title='Round trip'
        unit='to peers'
        timesMs={timesMs}
        lines={trips}
        format={formatDuration}
        isLogarithmic
      />
    </div>
  )
}

/** A logarithm has no place for less. */
const atLeastOne = (ms: number | null): number | null => (ms === null ? null : Math.max(1, ms))
