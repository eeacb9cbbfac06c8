import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { NARROW_NETWORK, publicNetworkOf, WIDE_NETWORK } from '../../src/core/address-network.ts'

const wide = (address: string) => publicNetworkOf(multiaddr(address).bytes, WIDE_NETWORK)
const narrow = (address: string) => publicNetworkOf(multiaddr(address).bytes, NARROW_NETWORK)

it('is /16 or /24 of IPv4, and /32 or /48 of IPv6', () => {
  expect(wide('/ip4/203.0.113.7/tcp/4001')).toBe(wide('/ip4/203.0.0.1/udp/1'))
  expect(wide('/ip4/203.0.113.7/tcp/4001')).not.toBe(wide('/ip4/203.1.113.7/tcp/4001'))
  expect(narrow('/ip4/203.0.113.7/tcp/4001')).toBe(narrow('/ip4/203.0.113.8/tcp/4001'))
  expect(narrow('/ip4/203.0.113.7/tcp/4001')).not.toBe(narrow('/ip4/203.0.114.7/tcp/4001'))
  expect(wide('/ip6/2001:db8::1/tcp/1')).toBe(wide('/ip6/2001:db8:ffff::1/tcp/1'))
  expect(narrow('/ip6/2001:db8::1/tcp/1')).toBe(narrow('/ip6/2001:db8:0:9::1/tcp/1'))
  expect(narrow('/ip6/2001:db8::1/tcp/1')).not.toBe(narrow('/ip6/2001:db8:1::1/tcp/1'))
})

it('is the same for an IPv4 address and that address mapped into IPv6', () => {
  expect(wide('/ip6/::ffff:203.0.113.7/tcp/1')).toBe(wide('/ip4/203.0.113.9/tcp/1'))
  expect(wide('/ip6/::ffff:10.0.0.7/tcp/1')).toBeNull()
})

it.each([
  '/ip4/127.0.0.1/tcp/1',
  '/ip4/10.1.2.3/tcp/1',
  '/ip4/172.16.0.1/tcp/1',
  '/ip4/172.31.255.255/tcp/1',
  '/ip4/192.168.1.1/tcp/1',
  '/ip4/169.254.1.1/tcp/1',
  '/ip4/100.64.0.1/tcp/1',
  '/ip4/0.0.0.0/tcp/1',
  '/ip6/::1/tcp/1',
  '/ip6/fd00::1/tcp/1',
  '/ip6/fe80::1/tcp/1',
  '/memory/somewhere',
  '/dns4/example.org/tcp/1',
])('is none for %s, which many honest nodes may share', (address) => {
  expect(wide(address)).toBeNull()
  expect(narrow(address)).toBeNull()
})

it.each(['/ip4/172.32.0.1/tcp/1', '/ip4/100.128.0.1/tcp/1', '/ip4/11.0.0.1/tcp/1', '/ip6/2001:db8::1/tcp/1'])(
  'is one for %s, just beside the private ones',
  (address) => {
    expect(wide(address)).not.toBeNull()
  },
)
