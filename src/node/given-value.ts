import { fromJsonValue } from '../core/value-json.ts'
import { FaultError } from './fault-error.ts'

/** A value of the data model from JSON that somebody gave, by the conventions of DAG-JSON. Throws `BAD_VALUE`. */
export function givenValue(json: unknown): unknown {
  try {
    return fromJsonValue(json)
  } catch (error) {
    throw new FaultError({
      code: 'BAD_VALUE',
      detail: error instanceof Error ? error.message : String(error),
    })
  }
}
