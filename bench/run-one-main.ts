import { WORKLOADS } from './workloads/index.ts'
import type { Sizes } from './measure.ts'

/**
 * One run of one subject in this process: `node bench/run-one-main.ts run WORKLOAD SUBJECT SIZES FOLDER`. Prints its figures as one line of
 * JSON, with the CPU and memory of this process where the subject does not say whose they are. With `prepare` for `run`: what comes before.
 */
const [step, workloadName, subjectName, sizes = '{}', folder = ''] = process.argv.slice(2)
const workload = WORKLOADS.find(({ name }) => name === workloadName)
const subject = workload?.subjects.find(({ name }) => name === subjectName)
if (subject === undefined) throw new Error(`there is no ${subjectName} in ${workloadName}`)
const given = JSON.parse(sizes) as Sizes
const before = process.cpuUsage()
const figures = step === 'prepare' ? await subject.prepare?.(given, folder) : await subject.run(given, folder)
const { user, system } = process.cpuUsage(before)
const cpuSeconds = (user + system) / 1_000_000
// Kilobytes on Linux and macOS alike, since Node evens them out.
const peakMb = process.resourceUsage().maxRSS / 1024
const own = figures !== undefined && 'cpuSeconds' in figures ? {} : { cpuSeconds, peakMb }
process.stdout.write(`\n${JSON.stringify({ ...own, ...figures })}\n`, () => process.exit(0))
