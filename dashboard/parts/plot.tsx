import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'

/** One line of a plot. */
export interface Line {
  readonly label: string
  readonly values: readonly (number | null)[]
  /** The name of its colour in the style sheet. */
  readonly colour: 'accent' | 'good' | 'warn' | 'bad'
  readonly isDashed?: boolean
}

const HEIGHT = 132

/** Lines over time, with the same said in words below: the drawing itself is not there for screen readers. */
export function Plot({
  title,
  unit,
  timesMs,
  lines,
  format,
  isLogarithmic = false,
}: {
  readonly title: string
  readonly unit: string
  readonly timesMs: readonly number[]
  readonly lines: readonly Line[]
  readonly format: (value: number) => string
  readonly isLogarithmic?: boolean
}) {
  const holder = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const shape = lines.map(({ label }) => label).join()
  useEffect(() => {
    const element = holder.current
    if (element === null) return
    const create = () => {
      plot.current?.destroy()
      plot.current = new uPlot(
        optionsOf(element, lines, format, isLogarithmic),
        dataOf(timesMs, lines),
        element,
      )
    }
    create()
    const resized = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    )
    resized.observe(element)
    const scheme = window.matchMedia('(prefers-color-scheme: dark)')
    scheme.addEventListener('change', create)
    return () => {
      resized.disconnect()
      scheme.removeEventListener('change', create)
      plot.current?.destroy()
      plot.current = null
    }
  }, [shape])
  useEffect(() => plot.current?.setData(dataOf(timesMs, lines)), [timesMs, lines])
  return (
    <figure class='plot'>
      <figcaption>
        <h3>
          {title} <span class='quiet'>{unit}</span>
        </h3>
        <dl class='legend'>
          {lines.map((line) => (
            <Legend key={line.label} line={line} format={format} />
          ))}
        </dl>
      </figcaption>
      <div ref={holder} aria-hidden='true' />
    </figure>
  )
}

function Legend({ line, format }: { readonly line: Line; readonly format: (value: number) => string }) {
  const known = line.values.filter((value) => value !== null)
  const last = known.at(-1)
  const words = last === undefined ? 'none yet' : `${format(last)}, at most ${format(Math.max(...known))}`
  return (
    <div>
      <dt>
        <span
          class={`key key-${line.colour} ${line.isDashed === true ? 'key-dashed' : ''}`}
          aria-hidden='true'
        />
        {line.label}
      </dt>
      <dd>{words}</dd>
    </div>
  )
}

function dataOf(timesMs: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [timesMs.map((ms) => ms / 1000), ...lines.map(({ values }) => [...values])]
}

function optionsOf(
  element: HTMLElement,
  lines: readonly Line[],
  format: (value: number) => string,
  isLogarithmic: boolean,
): uPlot.Options {
  const style = getComputedStyle(element)
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim()
  const axis = {
    stroke: colour('quiet'),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
  }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [8, 6, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: true },
      // The library's numbers have names in its types only.
      // oxlint-disable-next-line typescript/no-unsafe-enum-assignment
      y: isLogarithmic
        ? { distr: 3, range: (_plot, low, high) => [Math.max(0.5, low / 2), Math.max(10, high * 2)] }
        : { range: (_plot, _low, high) => [0, Math.max(4, high * 1.15)] },
    },
    axes: [
      {
        ...axis,
        size: 24,
        space: 90,
        values: [[1, '{HH}:{mm}:{ss}', null, null, null, null, null, null, 1]] as uPlot.Axis.Values,
      },
      {
        ...axis,
        ...(isLogarithmic ? { grid: { ...axis.grid, filter: decades } } : {}),
        size: 52,
        space: 28,
        values: (_plot, ticks) => ticks.map((tick) => (tick === null ? '' : format(tick))),
      },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        stroke: colour(line.colour),
        width: 1.5,
        spanGaps: false,
        // Of what is measured now and then, a single point must be seen too.
        points: isLogarithmic ? { show: true, size: 3 } : { size: 4 },
        ...(line.isDashed === true ? { dash: [4, 3] } : {}),
      })),
    ],
  }
}

/** Lines at 1, 10, 100 only: those between say nothing that a reader needs. */
function decades(_plot: uPlot, ticks: number[]): (number | null)[] {
  return ticks.map((tick) => (Number.isInteger(Math.log10(tick)) ? tick : null))
}
