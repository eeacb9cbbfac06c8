import type { HttpApp, HttpContext } from '../http-context.ts'
import { ItemSchema, WrittenSchema } from '../schemas/item.ts'
import { registerItemRoutes } from './items.ts'
import { registerItemWriteRoutes } from './item-writes.ts'
import { registerLogRoutes } from './logs.ts'
import { registerOperationRoutes } from './operations.ts'
import { registerTextRoutes } from './texts.ts'

/** What is in a space: to read, to write, to look back on and to follow. */
export function registerContentRoutes(app: HttpApp, _context: HttpContext): void {
  for (const schema of [ItemSchema, WrittenSchema]) app.addSchema(schema)
  registerItemRoutes(app)
  registerItemWriteRoutes(app)
  registerTextRoutes(app)
  registerLogRoutes(app)
  registerOperationRoutes(app)
}
