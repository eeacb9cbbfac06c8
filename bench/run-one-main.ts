import { WORKLOADS } from './workloads/index.ts'
import type { Sizes } from './measure.ts'

/** One run of one subject in this process: `node bench/run-one-main.ts WORKLOAD SUBJECT SIZES`. Prints its figures as one line of JSON. */
const [workloadName, subjectName, sizes = '{}'] = process.argv.slice(2)
const workload = WORKLOADS.find(({ name }) => name === workloadName)
const subject = workload?.subjects.find(({ name }) => name === subjectName)
if (subject === undefined) throw new Error(`there is no ${subjectName} in ${workloadName}`)
const before = process.cpuUsage()
const figures = await subject.run(JSON.parse(sizes) as Sizes)
const { user, system } = process.cpuUsage(before)
const cpuSeconds = (user + system) / 1_000_000
// Kilobytes on Linux and macOS alike, since Node evens them out.
const peakMb = process.resourceUsage().maxRSS / 1024
process.stdout.write(`\n${JSON.stringify({ ...figures, cpuSeconds, peakMb })}\n`, () => process.exit(0))
