import { useEffect, useState } from 'preact/hooks'
import { live } from '../data/live.ts'
import { type Route, spaceLink } from '../data/route.ts'
import { endSession } from '../data/session.ts'
import { useStore } from '../data/store.ts'
import { spaceWords } from '../words/sync.ts'
import { formatCount, tail } from '../words/format.ts'
import { Grade } from './text.tsx'

const PAGES = [
  { page: 'overview', title: 'Overview', link: '#/' },
  { page: 'activity', title: 'Activity', link: '#/activity' },
  { page: 'agents', title: 'Agents', link: '#/agents' },
] as const

/** Where one can go; on a narrow screen behind a button. */
export function Sidebar({ where }: { readonly where: Route }) {
  const { overview, state } = useStore(live)
  const [isOpen, setOpen] = useState(false)
  useEffect(() => setOpen(false), [where])
  const here = 'space' in where ? where.space : ''
  return (
    <header class={`sidebar ${isOpen ? 'is-open' : ''}`}>
      <div class='brand'>
        <img src='/dashboard/icon.svg' width='26' height='26' alt='' />
        <a class='brand-name' href='#/'>
          Hanse
        </a>
        <span class='quiet id' title={overview?.peerId}>
          {overview === null ? '' : tail(overview.peerId)}
        </span>
        <button
          type='button'
          class='menu small'
          aria-expanded={isOpen}
          aria-controls='menu'
          onClick={() => setOpen(!isOpen)}
        >
          Menu
        </button>
      </div>
      <div id='menu' class='menu-body'>
        <nav aria-label='Pages'>
          <ul>
            {PAGES.map(({ page, title, link }) => (
              <li key={page}>
                <a href={link} aria-current={where.page === page ? 'page' : undefined}>
                  {title}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <nav aria-label='Spaces'>
          <h2 class='nav-title'>Spaces</h2>
          <ul>
            {overview?.spaces.map((space) => (
              <li key={space.id}>
                <a
                  href={spaceLink(space.id)}
                  title={space.name}
                  aria-current={space.id === here ? 'page' : undefined}
                >
                  <span class='nav-name clip'>{space.name === '' ? 'not here yet' : space.name}</span>
                  <span class='nav-grade'>
                    <Grade grade={spaceWords(space).grade}>
                      <span class='hidden'>{spaceWords(space).words}</span>
                    </Grade>
                  </span>
                </a>
              </li>
            ))}
          </ul>
          {(overview?.spacesMore ?? 0) > 0 ? (
            <p class='quiet'>and {formatCount(overview?.spacesMore ?? 0)} quieter ones</p>
          ) : null}
        </nav>
        <div class='foot'>
          <p class='quiet' role='status'>
            {{ connecting: 'Connecting…', live: 'Live', lost: 'Connection lost' }[state]}
            {overview === null ? '' : ` · Hanse ${overview.version}`}
          </p>
          <button type='button' class='small' onClick={() => void endSession()}>
            End session
          </button>
        </div>
      </div>
    </header>
  )
}
