import { putDelegations } from '../../src/core/changes/control.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { sha256 } from '../../src/core/hash.ts'
import { delegate, signerNamed, spaceKey, START_MS } from '../people.ts'
import type { Random } from '../random.ts'
import { Injector } from './injector.ts'
import { type Actor, MALLORYS, type StageRequest } from './stage.ts'

/** Uses tokens that nobody gave it: forged, stolen, cut short, or none. */
export function createCapForger(random: Random): Actor {
  const injector = new Injector()
  return {
    grant: MALLORYS,
    hooks: injector.hooks,
    begin(stage) {
      stage.act(12_000, ({ hosted: { store } }) => {
        const [ownerToken, ownToken] = stage.caps()
        const stolen = random.pick([...store.tokens()]).delegation
        // As if the owner had signed it: the signature is mallory's.
        const owner = { publicKey: signerNamed('node 0').publicKey, sign: stage.seat.author.sign }
        const forged = delegate(owner, stage.seat.author.publicKey, {
          command: '/',
          policy: [],
          nonce: 'forged',
        })
        const body = [setRegister('notes', 'forged')]
        const wish: StageRequest = random.pick<StageRequest>([
          { body, path: '', caps: [] },
          { body, path: '', caps: [...(ownerToken === undefined ? [] : [ownerToken]), forged.digest] },
          { body, path: '', caps: [...(ownerToken === undefined ? [] : [ownerToken]), stolen.digest] },
          { body, caps: ownToken === undefined ? [] : [ownToken] },
          { body, caps: [...stage.caps(), ...stage.caps()] },
          { body, caps: [sha256(random.bytes(8))] },
          { body: [putDelegations([forged.bytes])], command: '/cap/grant', path: '', caps: stage.caps() },
          { body, command: '/decide/now' },
          { body, author: spaceKey, prev: null, signature: stage.seat.author.sign(random.bytes(32)) },
        ])
        const operation = stage.forge(wish)
        if (random.chance(0.5)) stage.shout(operation)
        else injector.add(operation)
      })
    },
  }
}

/** Writes beside and above what it was given, and hands on more than it has. */
export function createPrefixEscalator(random: Random): Actor {
  const injector = new Injector()
  return {
    grant: MALLORYS,
    hooks: injector.hooks,
    begin(stage) {
      const accomplice = signerNamed(`accomplice of ${stage.seat.name}`)
      const wide = delegate(stage.seat.author, accomplice.publicKey, { command: '/', policy: [] })
      stage.later(1_000, () => {
        const grant = stage.forge({ command: '/cap/grant', path: '', body: [putDelegations([wide.bytes])] })
        stage.keep(grant)
        stage.shout(grant)
      })
      stage.act(12_000, () => {
        const path = random.pick(['', 'mallor', 'malloryx', 'mallory-2', 'notes', 'notes/mallory'])
        const body = [setRegister(path === '' ? 'notes' : path, 'mallory was here')]
        // Inside its own path the operation is admitted, and the change outside is void.
        const isInside = random.chance(0.3)
        const byAccomplice = { author: accomplice, prev: null, caps: [...stage.caps(), wide.digest] }
        const operation = stage.forge({
          body,
          path: isInside ? 'mallory' : path,
          ...(random.chance(0.4) ? byAccomplice : {}),
        })
        if (isInside && stage.node() !== null) stage.keep(operation)
        else injector.add(operation)
        stage.shout(operation)
      })
    },
  }
}

/** Holds a token that ends soon, and goes on: in its own time, and pretending that it is earlier. */
export function createExpiredWriter(random: Random): Actor {
  const injector = new Injector()
  const expiresSeconds = START_MS / 1000 + random.between(20, 90)
  return {
    grant: { ...MALLORYS, expiresSeconds },
    hooks: injector.hooks,
    begin(stage) {
      stage.act(10_000, () => {
        const body = [setRegister('mallory/time', random.below(1_000))]
        const isHonest = random.chance(0.5)
        const timeMs = isHonest ? stage.now() : Math.min(stage.now(), expiresSeconds * 1000)
        const operation = stage.forge({ body, timeMs, deps: isHonest ? stage.frontier(4) : [] })
        stage.shout(operation)
        if (operation.header.time > expiresSeconds * 1000) injector.add(operation)
        else stage.keep(operation)
      })
    },
  }
}
