import { readFileSync } from 'node:fs'

/** Time of all cores since the machine began, in ticks. */
export interface CpuTimes {
  /** At work for this machine. */
  readonly busy: number
  /** Ready to work, while the host gave the core to somebody else. */
  readonly stolen: number
}

/** Now; null where the system does not tell. */
export function readCpuTimes(): CpuTimes | null {
  try {
    return parseCpuTimes(readFileSync('/proc/stat', 'utf8'))
  } catch {
    return null
  }
}

/** The first line of /proc/stat (proc_stat(5)): user, nice, system, idle, iowait, irq, softirq, steal. Null for anything else. */
export function parseCpuTimes(text: string): CpuTimes | null {
  const fields = /^cpu +([\d ]+)/.exec(text)?.[1]?.trim().split(' ').map(Number) ?? []
  const [user, nice, system, , , irq, softirq, stolen] = fields
  if (user === undefined || nice === undefined || system === undefined) return null
  if (irq === undefined || softirq === undefined || stolen === undefined) return null
  return { busy: user + nice + system + irq + softirq, stolen }
}

/** Which part of the time in which this machine wanted a core it had none, 0 to 1; null where that is not known, or it never wanted one. */
export function stolenPart(before: CpuTimes | null, after: CpuTimes | null): number | null {
  if (before === null || after === null) return null
  const [busy, stolen] = [after.busy - before.busy, after.stolen - before.stolen]
  return busy + stolen > 0 ? stolen / (busy + stolen) : null
}
