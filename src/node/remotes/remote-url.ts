import { fileURLToPath } from 'node:url'
import { multiaddr } from '@multiformats/multiaddr'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'

/** How a remote is reached, by what its address looks like. */
export type RemoteAddress =
  | { readonly form: 'http'; readonly url: URL }
  | { readonly form: 'file'; readonly folder: string }
  /** `peer`: a peer id, or a multiaddr, as text. */
  | { readonly form: 'peer'; readonly peer: string }

const PEER_ID = /^(12D3Koo|Qm|16Uiu2)[A-Za-z0-9]{30,60}$/

/**
 * Reads the address of a remote: `http(s)://…` (a Hanse node, or files on any web server), `file:///folder`, a multiaddr that names a peer,
 * or a peer id. `BAD_URL` with what it should look like.
 */
export function parseRemoteUrl(text: string): Result<RemoteAddress, Fault<'BAD_URL'>> {
  if (PEER_ID.test(text)) return ok({ form: 'peer', peer: text })
  if (text.startsWith('/')) return readMultiaddr(text)
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return bad(text, 'it is no address')
  }
  if (url.protocol === 'file:') return readFolderUrl(text, url)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return bad(text, `${url.protocol} is not spoken`)
  if (url.username !== '' || url.password !== '')
    return fail(
      'BAD_URL',
      'the address holds a password, which would be shown wherever the address is: give a token with --token',
    )
  url.hash = ''
  return ok({ form: 'http', url })
}

function readFolderUrl(text: string, url: URL): Result<RemoteAddress, Fault<'BAD_URL'>> {
  try {
    const folder = fileURLToPath(url)
    return folder.includes('\0') ? bad(text, 'no folder has that name') : ok({ form: 'file', folder })
  } catch {
    return bad(text, 'a folder is file:///absolute/path, of this machine')
  }
}

function readMultiaddr(text: string): Result<RemoteAddress, Fault<'BAD_URL'>> {
  try {
    const address = multiaddr(text)
    if (!address.getComponents().some(({ name }) => name === 'p2p')) return bad(text, 'it names no peer id')
    return ok({ form: 'peer', peer: text })
  } catch {
    return bad(text, 'it is no multiaddr; a folder is file:///absolute/path')
  }
}

const bad = (text: string, why: string) =>
  fail(
    'BAD_URL',
    `${JSON.stringify(text.slice(0, 120))} is no address of a remote (${why}): one looks like https://host:7420, https://host/files/, file:///folder or /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW...`,
  )
