import type { Workload } from '../measure.ts'
import { swarm } from './swarm/hanse.ts'

export const SWARM: Workload = {
  name: 'swarm',
  question:
    'How soon have so many nodes, who know only one introduction node, everything that all of them wrote?',
  sizes: { nodes: 200, idleSeconds: 15 },
  quick: { nodes: 30, idleSeconds: 5 },
  rounds: 1,
  subjects: [{ name: 'Hanse', without: '', run: swarm }],
  compared: {},
}
