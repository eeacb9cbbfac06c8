/** Writes one line for whoever reads the results. */
export function printLine(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Writes one line for whoever reads what went wrong. */
export function printFault(line: string): void {
  process.stderr.write(`hanse-bootstrap: ${line}\n`)
}

/** Goes on when nobody reads any more: a closed pipe would otherwise end the node. */
export function ignoreClosedOutput(): void {
  for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined)
}
