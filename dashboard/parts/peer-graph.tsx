import {
  forceCollide,
  forceLink,
  forceManyBody,
  forceSimulation,
  forceX,
  forceY,
  type SimulationNodeDatum,
} from 'd3-force'
import { useMemo, useRef } from 'preact/hooks'
import { formatAmount, tail } from '../words/format.ts'

/** A peer as the graph shows it. */
export interface GraphPeer {
  readonly peer: string
  /** Names of the spaces that it has proved to be a member of. */
  readonly spaces: readonly string[]
  /** How many of those are proved equal now. */
  readonly equal: number
  readonly relayed: boolean
}

interface Place extends SimulationNodeDatum {
  readonly id: string
}

const WIDTH = 560
const HEIGHT = 260
const STEPS = 160

/** This node and who is connected to it: a drawing of what the table beside it says. */
export function PeerGraph({ peers }: { readonly peers: readonly GraphPeer[] }) {
  const places = usePlaces(peers.map(({ peer }) => peer))
  const members = peers.filter(({ spaces }) => spaces.length > 0).length
  const relayed = peers.filter((peer) => peer.relayed).length
  const label = `This node in the middle, ${formatAmount(peers.length, 'connected peer')} around it: ${members} sharing a space, ${relayed} through a relay. The table of peers says the same.`
  const me = places.get('') as Place
  return (
    <svg class='graph' viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role='img' aria-label={label}>
      {peers.map(({ peer, spaces, equal, relayed }) => {
        const at = places.get(peer) as Place
        const kind = spaces.length === 0 ? 'stranger' : equal === spaces.length ? 'equal' : 'member'
        return (
          <line
            key={`line ${peer}`}
            class={`tie tie-${kind} ${relayed ? 'tie-relayed' : ''}`}
            x1={me.x}
            y1={me.y}
            x2={at.x}
            y2={at.y}
          />
        )
      })}
      {peers.map(({ peer, spaces, equal, relayed }) => {
        const at = places.get(peer) as Place
        const kind = spaces.length === 0 ? 'stranger' : equal === spaces.length ? 'equal' : 'member'
        const words =
          spaces.length === 0
            ? 'no space shared'
            : spaces.length === 1
              ? spaces[0]
              : `${spaces.length} spaces`
        return (
          <g key={peer} class={`peer peer-${kind}`} style={{ transform: `translate(${at.x}px, ${at.y}px)` }}>
            <circle r={spaces.length === 0 ? 6 : 9} />
            <text y='24'>{tail(peer)}</text>
            <text y='38' class='small'>
              {clip(words ?? '')}
              {relayed ? ', relayed' : ''}
            </text>
          </g>
        )
      })}
      <g class='peer peer-self' style={{ transform: `translate(${me.x}px, ${me.y}px)` }}>
        <circle r='13' />
        <text y='30'>this node</text>
      </g>
    </svg>
  )
}

const clip = (text: string): string => (text.length > 16 ? `${text.slice(0, 15)}…` : text)

/** Places that are kept while the same peers are there, and moved little when others come. */
function usePlaces(peers: readonly string[]): ReadonlyMap<string, Place> {
  const known = useRef<ReadonlyMap<string, Place>>(new Map())
  const names = peers.join(' ')
  return useMemo(() => {
    const self: Place = { id: '', fx: WIDTH / 2, fy: HEIGHT / 2 - 8 }
    const around = peers.map((id, i): Place => {
      const angle = (i / Math.max(1, peers.length)) * 2 * Math.PI + 0.4
      const last = known.current.get(id)
      const start = { x: WIDTH / 2 + Math.cos(angle) * 170, y: HEIGHT / 2 + Math.sin(angle) * 80 }
      return { id, ...(last === undefined ? start : { x: last.x, y: last.y }) }
    })
    const ties = around.map((place) => ({ source: self, target: place }))
    forceSimulation([self, ...around])
      .force('tie', forceLink(ties).distance(150).strength(0.12))
      .force('apart', forceManyBody().strength(-900))
      .force('room', forceCollide(46))
      .force('wide', forceX(WIDTH / 2).strength(0.02))
      .force('flat', forceY(HEIGHT / 2).strength(0.12))
      .stop()
      .tick(STEPS)
    for (const place of around) {
      place.x = Math.min(WIDTH - 60, Math.max(60, place.x ?? 0))
      place.y = Math.min(HEIGHT - 46, Math.max(16, place.y ?? 0))
    }
    self.x = WIDTH / 2
    self.y = HEIGHT / 2 - 8
    known.current = new Map([self, ...around].map((place) => [place.id, place]))
    return known.current
  }, [names])
}
