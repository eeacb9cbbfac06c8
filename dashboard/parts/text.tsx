import type { ComponentChildren } from 'preact'
import { live } from '../data/live.ts'
import { useStore } from '../data/store.ts'
import { operationLink } from '../data/route.ts'
import { meaningOf } from '../words/codes.ts'
import { formatMoment, formatWhole, shortId, tail } from '../words/format.ts'

/** A moment, ms since 1970. */
export function Moment({ atMs }: { readonly atMs: number }) {
  const at = new Date(atMs)
  const iso = Number.isNaN(at.getTime()) ? undefined : at.toISOString()
  return iso === undefined ? (
    <span>{atMs}</span>
  ) : (
    <time dateTime={iso} title={formatWhole(atMs)}>
      {formatMoment(atMs)}
    </time>
  )
}

/** Somebody who signs: by name where this node knows one, else by the end of the key, with a mark of its own colour. */
export function Who({ did }: { readonly did: string }) {
  const { overview } = useStore(live)
  const name = overview?.names[did]
  return (
    <span class='who' title={did}>
      <Mark of={did} />
      {name === undefined ? <span class='id'>{tail(did)}</span> : <span class='who-name'>{name}</span>}
    </span>
  )
}

/** A peer, by the end of its id. */
export function Peer({ id }: { readonly id: string }) {
  if (id === 'local' || id === '') return <span>this machine</span>
  return (
    <span class='who' title={id}>
      <Mark of={id} />
      <span class='id'>{tail(id)}</span>
    </span>
  )
}

/** The same colour for the same key, always; never the only sign. */
function Mark({ of }: { readonly of: string }) {
  let hash = 0
  for (const character of of.slice(-24)) hash = (Math.imul(hash, 33) + (character.codePointAt(0) ?? 0)) >>> 0
  return <span class={`mark mark-${(hash >>> 7) % 12}`} aria-hidden='true' />
}

export function OperationId({ space, id }: { readonly space: string; readonly id: string }) {
  return (
    <a class='id' href={operationLink(space, id)} title={id}>
      {shortId(id)}
    </a>
  )
}

export function Code({ code }: { readonly code: string }) {
  return (
    <span>
      <code class='code'>{code}</code> <span class='quiet'>{meaningOf(code)}</span>
    </span>
  )
}

/** What to say where there is nothing. */
export function Empty({
  title,
  children,
}: {
  readonly title: string
  readonly children?: ComponentChildren
}) {
  return (
    <div class='empty'>
      <p class='empty-title'>{title}</p>
      {children === undefined ? null : <p>{children}</p>}
    </div>
  )
}

/** A heading with a section below it. */
export function Panel({
  title,
  aside,
  children,
}: {
  readonly title: string
  readonly aside?: ComponentChildren
  readonly children: ComponentChildren
}) {
  const id = `panel-${title.toLowerCase().replaceAll(/[^a-z]+/g, '-')}`
  return (
    <section class='panel' aria-labelledby={id}>
      <header class='panel-head'>
        <h2 id={id}>{title}</h2>
        {aside === undefined ? null : <div class='quiet'>{aside}</div>}
      </header>
      {children}
    </section>
  )
}

/** Something that did not work, said at once to screen readers. */
export function Trouble({ text }: { readonly text: string }) {
  return text === '' ? null : (
    <p class='trouble' role='alert'>
      {text}
    </p>
  )
}

/** A sign and words for how good something is: by shape and text, not by colour alone. */
export function Grade({
  grade,
  children,
}: {
  readonly grade: 'proved' | 'open' | 'away' | 'bad'
  readonly children: ComponentChildren
}) {
  const shape = {
    proved: <path d='M3 7.500l2.500 2.500L11 4.500' />,
    open: <circle cx='7' cy='7' r='4' />,
    away: <path d='M3.500 7h7' />,
    bad: <path d='M4 4l6 6M10 4l-6 6' />,
  }[grade]
  return (
    <span class={`grade grade-${grade}`}>
      <svg viewBox='0 0 14 14' width='14' height='14' aria-hidden='true'>
        {shape}
      </svg>
      <span>{children}</span>
    </span>
  )
}
