import { Agent, request } from 'node:http'

/**
 * Asks one address again and again from some connections, in a process of its own, and prints what it came to:
 * `node load-main.ts METHOD URL TOKEN CONNECTIONS SECONDS WARM_SECONDS [BODY]`.
 */
const [method = 'GET', url = '', token = '', connections = '16', seconds = '5', warm = '1', body = ''] =
  process.argv.slice(2)
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) })
const headers = {
  authorization: `Bearer ${token}`,
  ...(body === ''
    ? {}
    : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
}

async function ask(): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const asked = request(url, { agent, method, headers }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`answered ${answer.statusCode}`))
      answer.resume()
      answer.once('end', resolve)
    })
    asked.once('error', reject)
    asked.end(body)
  })
}

async function load(forMs: number): Promise<readonly number[]> {
  const took: number[] = []
  const untilMs = performance.now() + forMs
  const connection = async () => {
    for (let beganMs = performance.now(); beganMs < untilMs; beganMs = performance.now()) {
      await ask()
      took.push(performance.now() - beganMs)
    }
  }
  await Promise.all(Array.from({ length: Number(connections) }, connection))
  return took
}

await load(Number(warm) * 1000)
const beganMs = performance.now()
const took = (await load(Number(seconds) * 1000)).toSorted((a, b) => a - b)
const elapsed = (performance.now() - beganMs) / 1000
const at = (part: number) => took[Math.floor((took.length - 1) * part)] ?? Number.NaN
process.stdout.write(
  JSON.stringify({ requestsPerSecond: took.length / elapsed, medianMs: at(0.5), p99Ms: at(0.99) }),
)
agent.destroy()
