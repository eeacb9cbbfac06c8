import { Type } from 'typebox'
import { Metrics } from '../metrics.ts'
import type { HttpApp, HttpContext } from '../http-context.ts'
import { problems } from '../schemas/problem.ts'

/** The figures of `hanse status` for Prometheus. For operators alone: they say which spaces there are, and with whom. */
export function registerMetricsRoute(app: HttpApp, { node, version }: HttpContext): void {
  const metrics = new Metrics(node, version)
  app.addHook('onResponse', async ({ method, routeOptions }, { statusCode, elapsedTime }) => {
    metrics.observe(method, routeOptions.url ?? 'none', statusCode, elapsedTime)
  })
  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        summary: 'Figures for Prometheus, in its text format',
        tags: ['operator'],
        produces: ['text/plain'],
        response: { 200: Type.String(), ...problems },
      },
    },
    async ({ caller }, reply) => {
      caller.requireOperator()
      return await reply
        .type(metrics.contentType)
        .header('Cache-Control', 'no-store')
        .send(await metrics.read())
    },
  )
}
