/**
 * One item of CBOR as its bytes have it, so that a mutation can write what no encoder would: a length that lies, a head that is
 * too wide, a key twice.
 */
export interface CborItem {
  /** Major type, 0 to 7 (RFC 8949 §3.1). */
  major: number
  /** Value, length or tag of the head; for major 7 the simple value. */
  argument: bigint
  /** Bytes of the argument after the first byte: 0, 1, 2, 4 or 8; -1 for an indefinite length. */
  width: number
  /** Content of byte strings and texts, and of floats. */
  content: Uint8Array
  /** Items of lists, keys and values of maps in turn, the one item of a tag. */
  children: CborItem[]
  /** True where the head keeps its argument even though the content has another length. */
  isLying: boolean
}

const NESTING_MAX = 128

/** Reads one item that fills the bytes; null where they are not well-formed, of definite length and moderately deep. */
export function parseCbor(bytes: Uint8Array): CborItem | null {
  const cursor = { bytes, at: 0 }
  const item = parseItem(cursor, 0)
  return item !== null && cursor.at === bytes.length ? item : null
}

interface Cursor {
  readonly bytes: Uint8Array
  at: number
}

function parseItem(cursor: Cursor, depth: number): CborItem | null {
  const head = depth > NESTING_MAX ? null : parseHead(cursor)
  if (head === null) return null
  const { major, argument } = head
  if (major === 2 || major === 3) return parseContent(head, cursor)
  const count = major === 4 || major === 6 ? argument : major === 5 ? argument * 2n : 0n
  const own = major === 6 ? 1n : count
  if (own > BigInt(cursor.bytes.length - cursor.at)) return null
  for (let i = 0; i < Number(own); i++) {
    const child = parseItem(cursor, depth + 1)
    if (child === null) return null
    head.children.push(child)
  }
  return head
}

function parseHead(cursor: Cursor): CborItem | null {
  const first = cursor.bytes[cursor.at++]
  if (first === undefined) return null
  const info = first & 31
  if (info > 27) return null
  const width = info < 24 ? 0 : 1 << (info - 24)
  if (cursor.at + width > cursor.bytes.length) return null
  let argument = BigInt(info)
  if (width > 0) {
    argument = 0n
    for (let i = 0; i < width; i++)
      argument = (argument << 8n) | BigInt(cursor.bytes[cursor.at + i] as number)
    cursor.at += width
  }
  return { major: first >> 5, argument, width, content: new Uint8Array(), children: [], isLying: false }
}

function parseContent(head: CborItem, cursor: Cursor): CborItem | null {
  if (head.argument > BigInt(cursor.bytes.length - cursor.at)) return null
  const end = cursor.at + Number(head.argument)
  head.content = cursor.bytes.slice(cursor.at, end)
  cursor.at = end
  return head
}

/** The item in its shortest form around the content. */
export function itemOf(major: number, argument: bigint): CborItem {
  return {
    major,
    argument,
    width: widthOf(argument),
    content: new Uint8Array(),
    children: [],
    isLying: false,
  }
}

/** A byte string (2) or text (3). */
export function stringItem(major: 2 | 3, content: Uint8Array): CborItem {
  return { ...itemOf(major, BigInt(content.length)), content }
}

/** Bytes of the shortest head that holds the argument. */
export function widthOf(argument: bigint): number {
  if (argument < 24n) return 0
  if (argument < 0x100n) return 1
  if (argument < 0x1_0000n) return 2
  return argument < 0x1_0000_0000n ? 4 : 8
}

/** The bytes of an item, as it says. Lengths follow from the content unless the item lies. */
export function writeCbor(item: CborItem): Uint8Array {
  const out = { bytes: Buffer.alloc(1_024), length: 0 }
  writeItem(item, out)
  return new Uint8Array(out.bytes.subarray(0, out.length))
}

interface Output {
  bytes: Buffer
  length: number
}

function push(out: Output, ...bytes: readonly number[]): void {
  pushAll(out, bytes)
}

function pushAll(out: Output, bytes: ArrayLike<number>): void {
  if (out.length + bytes.length > out.bytes.length)
    out.bytes = Buffer.concat([out.bytes], 2 * (out.length + bytes.length))
  out.bytes.set(bytes, out.length)
  out.length += bytes.length
}

function writeItem(item: CborItem, out: Output): void {
  const { major, children, content } = item
  const length =
    major === 2 || major === 3
      ? content.length
      : major === 4
        ? children.length
        : major === 5
          ? children.length >> 1
          : null
  if (length !== null && !item.isLying && item.argument !== BigInt(length)) {
    item.argument = BigInt(length)
    if (item.width >= 0) item.width = widthOf(item.argument)
  }
  writeHead(item, out)
  pushAll(out, content)
  for (const child of children) writeItem(child, out)
  if (item.width === -1) push(out, 0xff)
}

function writeHead({ major, argument, width }: CborItem, out: Output): void {
  if (width === -1) {
    push(out, (major << 5) | 31)
    return
  }
  if (width === 0) {
    push(out, (major << 5) | Number(argument & 31n))
    return
  }
  push(out, (major << 5) | (24 + Math.log2(width)))
  for (let i = width - 1; i >= 0; i--) push(out, Number((argument >> BigInt(8 * i)) & 0xffn))
}

/** Every item below and with `root`, parents before children, with the parent of each. */
export function allItems(
  root: CborItem,
): readonly { readonly item: CborItem; readonly parent: CborItem | null }[] {
  const found: { item: CborItem; parent: CborItem | null }[] = [{ item: root, parent: null }]
  for (let i = 0; i < found.length; i++) {
    const { item } = found[i] as { item: CborItem }
    for (const child of item.children) found.push({ item: child, parent: item })
  }
  return found
}

/** A copy that shares nothing that a mutation changes. */
export function cloneCbor(item: CborItem): CborItem {
  return { ...item, children: item.children.map(cloneCbor) }
}
