import { formatCount, formatMoment, formatWhole } from '../words/format.ts'

/** Goes from version to version: the last place is now. */
export function TimeSlider({
  momentsMs,
  atMs,
  onChange,
}: {
  /** Ascending. */
  readonly momentsMs: readonly number[]
  /** One of them; null: now. */
  readonly atMs: number | null
  readonly onChange: (atMs: number | null) => void
}) {
  const last = momentsMs.length
  const at = atMs === null ? last : Math.max(0, momentsMs.indexOf(atMs))
  const go = (index: number) => onChange(index >= last ? null : (momentsMs[Math.max(0, index)] ?? null))
  const words =
    atMs === null
      ? 'now'
      : `as of ${formatMoment(atMs)}, moment ${formatCount(at + 1)} of ${formatCount(last)}`
  return (
    <div class='slider'>
      <button type='button' class='small' disabled={at === 0} onClick={() => go(at - 1)}>
        <span aria-hidden='true'>←</span> Earlier
      </button>
      <input
        type='range'
        aria-label='Point in time'
        aria-valuetext={words}
        min={0}
        max={last}
        step={1}
        value={at}
        onInput={({ currentTarget }) => go(Number(currentTarget.value))}
      />
      <button type='button' class='small' disabled={atMs === null} onClick={() => go(at + 1)}>
        Later <span aria-hidden='true'>→</span>
      </button>
      <output title={atMs === null ? '' : formatWhole(atMs)}>{words}</output>
    </div>
  )
}
