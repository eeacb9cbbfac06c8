import { describe, expect, test } from 'vitest'
import { readScaleRequest } from '../../simulation/command-line.ts'
import { readCosts } from '../../simulation/scale/costs.ts'
import { runModel } from '../../simulation/scale/model.ts'
import type { ScaleConfig } from '../../simulation/scale/scale-config.ts'
import { validate } from '../../simulation/scale/validate.ts'

const costs = readCosts()
const config: ScaleConfig = {
  seed: 1,
  nodes: 200,
  degree: 8,
  writers: 20,
  perSecond: 2,
  seconds: 5,
  liars: 0,
  churnPerHour: 0,
  awaySeconds: 5,
  joiners: 0,
  history: 0,
  antiEntropySeconds: 15,
  latencyMs: [5, 150],
  uplinkBits: 20_000_000,
  cores: 1,
}

describe('the model of many nodes', () => {
  test('gives the same numbers for the same seed, and others for another', () => {
    expect(runModel(config, costs)).toEqual(runModel(config, costs))
    expect(runModel({ ...config, seed: 2 }, costs)).not.toEqual(runModel(config, costs))
  })

  test('brings everything to everybody, however many lie or come and go', () => {
    expect(runModel(config, costs).delivered).toBe(1)
    expect(runModel({ ...config, liars: 0.5 }, costs).delivered).toBe(1)
    expect(runModel({ ...config, churnPerHour: 60 }, costs).delivered).toBe(1)
  })

  test('costs a node as much among many as among few', () => {
    const [few, many] = [100, 1_600].map((nodes) => runModel({ ...config, nodes }, costs))
    expect(many?.gossipBytesPerOperation).toBeLessThan(1.7 * (few?.gossipBytesPerOperation ?? 0))
    expect(many?.syncBytesPerSecond).toBeLessThan(1.3 * (few?.syncBytesPerSecond ?? 0))
  })

  test('lets a newcomer wait for what its line carries and its core checks', () => {
    const { joinMostSeconds } = runModel({ ...config, joiners: 3, history: 50_000 }, costs)
    const line = (50_000 * costs.bytes.runPerOperation * 8) / config.uplinkBits
    expect(joinMostSeconds).toBeGreaterThan(line)
    const { decode, verify, admitInBatch } = costs.cpuUs
    const core = (50_000 * (decode + verify + admitInBatch)) / 1e6
    expect(joinMostSeconds).toBeLessThan(2 * (line + core))
  })

  test('agrees with real nodes in messages and bytes', async () => {
    const real = await validate({ nodes: 8, degree: 4, operations: 30, perSecond: 10, inMemory: true }, costs)
    expect(Math.abs(real.messagesPerOperation.error)).toBeLessThan(0.25)
    expect(Math.abs(real.bytesPerOperation.error)).toBeLessThan(0.3)
  })
})

test('the scenario scale takes one seed, and nodes within its bounds', () => {
  expect(readScaleRequest(['--scenario', 'scale', '--nodes', '100'])).toEqual({
    seed: 1,
    nodes: 100,
    isJson: false,
  })
  expect(readScaleRequest(['--scenario', 'scale', '--nodes', '20001'])).toContain('--nodes')
  expect(readScaleRequest(['--scenario', 'scale', '--seeds', '1..2'])).toContain('one seed')
})
