/** The items of an iterable, the next of which is being made while one is used. */
export async function* ahead<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]()
  const ask = async () => await iterator.next()
  let next = ask()
  try {
    for (let item = await next; item.done !== true; item = await next) {
      next = ask()
      // What goes wrong is met when its turn comes.
      next.catch(() => {})
      yield item.value
    }
  } finally {
    await next.catch(() => {})
    await iterator.return?.()
  }
}
