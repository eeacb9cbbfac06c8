import type { SpaceSummary } from '../../src/http/dashboard/overview.ts'
import { live } from '../data/live.ts'
import { type Section, SECTIONS, spaceLink } from '../data/route.ts'
import { useStore } from '../data/store.ts'
import { Empty, Grade } from '../parts/text.tsx'
import { formatAmount, formatCount } from '../words/format.ts'
import { spaceWords } from '../words/sync.ts'
import { AuthoritySection } from './space-authority.tsx'
import { ConflictsSection } from './space-conflicts.tsx'
import { ForksSection } from './space-forks.tsx'
import { ItemsSection } from './space-items.tsx'
import { LogSection } from './space-log.tsx'
import { RefusedSection } from './space-refused.tsx'
import { SyncSection } from './space-sync.tsx'

const TITLES: Readonly<Record<Section, string>> = {
  sync: 'Sync',
  items: 'Items',
  conflicts: 'Conflicts',
  authority: 'Who may what',
  refused: 'Held and refused',
  forks: 'Forks',
  log: 'Log',
}

/** One space, section by section. */
export function SpacePage({
  id,
  section,
  path,
}: {
  readonly id: string
  readonly section: Section
  readonly path: string
}) {
  const { overview } = useStore(live)
  if (overview === null) return <Empty title='Asking the node…' />
  const space = overview.spaces.find((one) => one.id === id)
  if (space === undefined)
    return (
      <>
        <h1 tabIndex={-1}>No such space</h1>
        <Empty title='This node does not hold that space'>Choose another one from the list.</Empty>
      </>
    )
  const { grade, words } = spaceWords(space)
  return (
    <>
      <div class='head'>
        <h1 tabIndex={-1}>{space.name === '' ? 'A space that has not arrived' : space.name}</h1>
        <Grade grade={grade}>{words}</Grade>
      </div>
      <p class='quiet subtitle'>
        {formatAmount(space.operations, 'operation')} by {formatAmount(space.authors, 'author')}{' '}
        <span class='id' title={space.id}>
          {space.id.slice(0, 16)}…
        </span>
      </p>
      <nav class='sections' aria-label='Sections of this space'>
        {SECTIONS.map((one) => (
          <a key={one} href={spaceLink(id, one)} aria-current={one === section ? 'page' : undefined}>
            {TITLES[one]}
            <Count space={space} section={one} />
          </a>
        ))}
      </nav>
      <SectionBody space={space} section={section} path={path} />
    </>
  )
}

function Count({ space, section }: { readonly space: SpaceSummary; readonly section: Section }) {
  const counts: Partial<Record<Section, number>> = {
    conflicts: space.conflicts,
    refused: Object.values(space.held).reduce((a, b) => a + b, 0),
    forks: space.forkedAuthors.length,
  }
  const count = counts[section] ?? 0
  return count === 0 ? null : <span class='count'>{formatCount(count)}</span>
}

function SectionBody({
  space,
  section,
  path,
}: {
  readonly space: SpaceSummary
  readonly section: Section
  readonly path: string
}) {
  switch (section) {
    case 'sync':
      return <SyncSection space={space} />
    case 'items':
      return <ItemsSection key={path} space={space} path={path} />
    case 'conflicts':
      return <ConflictsSection space={space} />
    case 'authority':
      return <AuthoritySection space={space} />
    case 'refused':
      return <RefusedSection space={space} />
    case 'forks':
      return <ForksSection space={space} />
    case 'log':
      return <LogSection space={space} />
  }
}
