import { fail, ok, type Fault, type Result } from '../core/result.ts'

/** Where HTTP is served. */
export interface ListenAddress {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
}

/** `host:port`, an IPv6 address in brackets. `BAD_CONFIG` for what is none. */
export function parseListenAddress(text: string): Result<ListenAddress, Fault<'BAD_CONFIG'>> {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port > 65_535)
    return fail(
      'BAD_CONFIG',
      `${JSON.stringify(text)} is not an address to serve HTTP on: write HOST:PORT, such as 127.0.0.1:7420 or [::1]:7420`,
    )
  return ok({ host, port })
}

/** True where nobody but this machine reaches the host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** The origin of a served address, such as `http://127.0.0.1:7420`. */
export function originOf({ host, port }: ListenAddress, isTls: boolean): string {
  return `${isTls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
