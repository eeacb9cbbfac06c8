import { Type } from 'typebox'

/** RFC 9457. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'What is wrong, and what to do.' }),
    code: Type.String({ description: 'Stable; docs/http.md lists them.' }),
    errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }))),
  },
  { $id: 'Problem', title: 'Problem', description: 'An error (RFC 9457).' },
)

/** The answers that every route may give beside its own. */
export const problems = { '4xx': Type.Ref('Problem'), '5xx': Type.Ref('Problem') }
