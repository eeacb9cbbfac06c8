/** What there is to find out: made up, and the same every time. */

/** Somebody who may have done it. */
export interface Suspect {
  readonly id: string
  readonly name: string
}

/** Somewhere to look, and what is seen there by whoever looks. */
export interface Place {
  readonly id: string
  readonly name: string
  readonly seen: string
  /** A word that what is seen here shares with what is seen elsewhere. */
  readonly trace: string
  /** Whom it points at, or clears. */
  readonly about: { readonly suspect: string; readonly says: 'points at' | 'clears' }
}

export const TITLE = 'Who took the bell of Saint Mary’s?'
export const SETTING =
  'Lübeck, 1367. On the morning of the Diet the great bell does not ring: it is gone. Four searchers, two in Lübeck and two in Visby, look around; they share nothing but a memory.'

export const SUSPECTS: readonly Suspect[] = [
  { id: 'founder', name: 'Henneke the bell-founder' },
  { id: 'organist', name: 'Master Jacob, the organist' },
  { id: 'pilot', name: 'Wulf the pilot' },
]

export const PLACES: readonly Place[] = [
  {
    id: 'belfry',
    name: 'the belfry',
    seen: 'The ropes are not cut but unspliced, as sailors do it, and there is tar on the beam.',
    trace: 'tar',
    about: { suspect: 'pilot', says: 'points at' },
  },
  {
    id: 'crane',
    name: 'the harbour crane',
    seen: 'The treadwheel was greased in the night; the hook has a smear of bronze.',
    trace: 'bronze',
    about: { suspect: 'pilot', says: 'points at' },
  },
  {
    id: 'customs',
    name: 'the customs house',
    seen: 'The book has a cog leaving at three in the morning with ballast, round, one piece. Paid by W.',
    trace: 'cog',
    about: { suspect: 'pilot', says: 'points at' },
  },
  {
    id: 'foundry',
    name: 'the foundry',
    seen: 'The furnace is cold and swept. Henneke has lain with fever since Friday, his neighbours swear.',
    trace: 'fever',
    about: { suspect: 'founder', says: 'clears' },
  },
  {
    id: 'loft',
    name: 'the organ loft',
    seen: 'Dust on every key: nobody has been up here since Sunday.',
    trace: 'dust',
    about: { suspect: 'organist', says: 'clears' },
  },
  {
    id: 'mint',
    name: 'the mint of Visby',
    seen: 'New pennies were paid out on Saturday, to W., for a voice.',
    trace: 'pennies',
    about: { suspect: 'pilot', says: 'points at' },
  },
  {
    id: 'quay',
    name: 'the quay of Visby',
    seen: 'A cog came in riding low. Her yard still drips with tar where something heavy hung.',
    trace: 'tar',
    about: { suspect: 'pilot', says: 'points at' },
  },
  {
    id: 'salt',
    name: 'the salt store',
    seen: 'Sacks stand around a hollow as wide as two men. In the salt, filings of bronze.',
    trace: 'bronze',
    about: { suspect: 'founder', says: 'points at' },
  },
  {
    id: 'tavern',
    name: 'the tavern',
    seen: 'Wulf has paid all he owed, in new pennies such as nobody has here.',
    trace: 'pennies',
    about: { suspect: 'pilot', says: 'points at' },
  },
  {
    id: 'tower',
    name: 'the tower of Saint Olaf in Visby',
    seen: 'Fresh oak, a scaffold, and a rope from a cog. It has had no bell since the fire, and this evening it rang.',
    trace: 'cog',
    about: { suspect: 'organist', says: 'clears' },
  },
]

export const ENDING = 'It hangs in Visby, and may be heard there every evening.'
