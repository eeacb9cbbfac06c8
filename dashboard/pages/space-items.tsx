import type { FolderPage } from '../../src/http/dashboard/folder.ts'
import type { SpaceSummary } from '../../src/http/dashboard/overview.ts'
import { spaceLink } from '../data/route.ts'
import { useAsked } from '../data/use-asked.ts'
import { Empty, Panel, Trouble } from '../parts/text.tsx'
import { formatCount } from '../words/format.ts'
import { ItemView } from './item-view.tsx'

/** The items of a space, folder by folder, and each with its history. */
export function ItemsSection({ space, path }: { readonly space: SpaceSummary; readonly path: string }) {
  const { data, problem } = useAsked<FolderPage>(
    `/dashboard/spaces/${space.id}/folder?${new URLSearchParams({ path }).toString()}`,
    space.revision,
  )
  const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
  const isLeaf = path !== '' && data?.entries.length === 0
  return (
    <>
      <Breadcrumb space={space} path={path} />
      <Trouble text={problem} />
      <div class={path === '' ? '' : 'browser'}>
        <Panel
          title={isLeaf ? 'Beside it' : 'Below'}
          aside={data === null || isLeaf ? '' : formatCount(data.entries.length)}
        >
          {isLeaf ? (
            <Folder space={space} path={parent} current={path} />
          ) : data === null ? null : data.entries.length === 0 ? (
            <Empty title='No item yet'>
              Write one with <code>hanse put notes/hello "Hi"</code>
            </Empty>
          ) : (
            <Entries space={space} page={data} current={path} />
          )}
        </Panel>
        {path === '' ? null : <ItemView space={space} path={path} />}
      </div>
    </>
  )
}

function Breadcrumb({ space, path }: { readonly space: SpaceSummary; readonly path: string }) {
  const segments = path === '' ? [] : path.split('/')
  return (
    <nav class='crumbs' aria-label='Path'>
      <a href={spaceLink(space.id, 'items')} aria-current={path === '' ? 'page' : undefined}>
        {space.name}
      </a>
      {segments.map((segment, i) => {
        const to = segments.slice(0, i + 1).join('/')
        return (
          <span key={to}>
            {' / '}
            <a href={spaceLink(space.id, 'items', to)} aria-current={to === path ? 'page' : undefined}>
              {segment}
            </a>
          </span>
        )
      })}
    </nav>
  )
}

function Folder({
  space,
  path,
  current,
}: {
  readonly space: SpaceSummary
  readonly path: string
  readonly current: string
}) {
  const { data } = useAsked<FolderPage>(
    `/dashboard/spaces/${space.id}/folder?${new URLSearchParams({ path }).toString()}`,
    space.revision,
  )
  return data === null ? null : <Entries space={space} page={data} current={current} />
}

function Entries({
  space,
  page,
  current,
}: {
  readonly space: SpaceSummary
  readonly page: FolderPage
  readonly current: string
}) {
  return (
    <>
      <ul class='folder'>
        {page.entries.map(({ name, path, types, hasBelow }) => (
          <li key={path}>
            <a href={spaceLink(space.id, 'items', path)} aria-current={path === current ? 'true' : undefined}>
              <span class='folder-name'>
                {name}
                {hasBelow ? '/' : ''}
              </span>
              <span class='quiet'>{types.join(', ')}</span>
            </a>
          </li>
        ))}
      </ul>
      {page.hasMore ? (
        <p class='note'>More than {formatCount(page.entries.length)}: the rest is not shown.</p>
      ) : null}
    </>
  )
}
