/** Kademlia protocol id of Hanse: its own, so that no record of another network's comes in, and none of ours goes out. */
export const DHT_PROTOCOL = '/hanse/kad/1.0.0'
