/** How many leading bytes of an address name its network. */
export interface NetworkSize {
  readonly ipv4Bytes: number
  readonly ipv6Bytes: number
}

/** Networks as wide as one provider usually owns: /16 of IPv4, /32 of IPv6. For diversity. */
export const WIDE_NETWORK: NetworkSize = { ipv4Bytes: 2, ipv6Bytes: 4 }
/** Networks as narrow as one customer usually owns: /24 of IPv4, /48 of IPv6. For blame. */
export const NARROW_NETWORK: NetworkSize = { ipv4Bytes: 3, ipv6Bytes: 6 }

const MULTIADDR_IP4 = 0x04
const MULTIADDR_IP6 = 0x29
/** ::ffff:0:0/96, IPv4 in IPv6. */
const MAPPED_IPV4 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

/**
 * The public network that a multiaddr (its bytes) begins in, as text. Null for the own machine, private networks and whatever
 * is no IP address: many honest nodes share those, so they tell nothing.
 */
export function publicNetworkOf(address: Uint8Array, size: NetworkSize): string | null {
  const ip = ipOf(address)
  if (ip === null || isPrivate(ip)) return null
  const [family, length] = ip.length === 4 ? ['4', size.ipv4Bytes] : ['6', size.ipv6Bytes]
  return `${family}:${[...ip.subarray(0, length)].join('.')}`
}

/** The host a multiaddr (its bytes) begins with, public or not, as text; one for whatever is no IP address. IPv6: its /64. */
export function hostOf(address: Uint8Array): string {
  const ip = ipOf(address)
  return ip === null ? 'other' : ip.subarray(0, 8).join('.')
}

function ipOf(address: Uint8Array): Uint8Array | null {
  if (address[0] === MULTIADDR_IP4 && address.length >= 5) return address.subarray(1, 5)
  if (address[0] !== MULTIADDR_IP6 || address.length < 17) return null
  const ip = address.subarray(1, 17)
  return MAPPED_IPV4.every((byte, i) => ip[i] === byte) ? ip.subarray(12) : ip
}

/** RFC 1918, 6598, 3927, 1122, 4193 and 4291: loopback, private, shared, link-local, unspecified. */
function isPrivate(ip: Uint8Array): boolean {
  const [a = 0, b = 0] = ip
  if (ip.length === 4) {
    return (
      a === 0 ||
      a === 10 ||
      a === 127 ||
      (a === 100 && b >= 64 && b < 128) ||
      (a === 169 && b === 254) ||
      (a === 172 && b >= 16 && b < 32) ||
      (a === 192 && b === 168)
    )
  }
  const isLowest = ip.subarray(0, 15).every((byte) => byte === 0) && (ip[15] as number) <= 1
  return isLowest || (a & 0xfe) === 0xfc || (a === 0xfe && (b & 0xc0) === 0x80)
}
