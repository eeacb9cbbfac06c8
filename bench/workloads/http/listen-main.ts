import { get } from 'node:http'

/**
 * Follows server-sent events with many connections, in a process of its own: `node listen-main.ts URL TOKEN LISTENERS EVENTS`. Says `ready`
 * when all are there, and when each has had so many events of the kind `change`, how long that took from the first to the last.
 */
const [url = '', token = '', listeners = '200', events = '100'] = process.argv.slice(2)
const wanted = Number(events)
const MARK = Buffer.from('event: change\n')
let ready = 0
let done = 0
let firstMs = Number.POSITIVE_INFINITY

for (let i = 0; i < Number(listeners); i++) listen()

function listen(): void {
  get(url, { headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' } }, (answer) => {
    if (answer.statusCode !== 200) throw new Error(`answered ${answer.statusCode}`)
    if (++ready === Number(listeners)) process.stdout.write('ready\n')
    let had = 0
    let rest: Buffer = Buffer.alloc(0)
    answer.on('data', (chunk: Buffer) => {
      const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let at = text.indexOf(MARK)
      let end = 0
      for (; at !== -1; at = text.indexOf(MARK, end)) {
        had++
        end = at + MARK.length
        firstMs = Math.min(firstMs, performance.now())
      }
      // A mark may be cut in two.
      rest = text.subarray(Math.max(end, text.length - MARK.length + 1))
      if (had >= wanted && had - wanted < 1_000_000) {
        had = Number.NEGATIVE_INFINITY
        if (++done === Number(listeners)) {
          process.stdout.write(`${performance.now() - firstMs}\n`, () => process.exit(0))
        }
      }
    })
  })
}
