import type { HttpApp, HttpContext } from '../http-context.ts'
import { ChangeSchema } from '../schemas/change.ts'
import { ItemSchema, WrittenSchema } from '../schemas/item.ts'
import { registerChangeRoutes } from './changes.ts'
import { registerConflictRoutes } from './conflicts.ts'
import { registerEventRoutes } from './events.ts'
import { registerHistoryRoutes } from './history.ts'
import { registerItemRoutes } from './items.ts'
import { registerItemWriteRoutes } from './item-writes.ts'
import { registerLogRoutes } from './logs.ts'
import { registerOperationRoutes } from './operations.ts'
import { registerTextRoutes } from './texts.ts'

/** What is in a space: to read, to write, to look back on and to follow. */
export function registerContentRoutes(app: HttpApp, context: HttpContext): void {
  for (const schema of [ItemSchema, WrittenSchema, ChangeSchema]) app.addSchema(schema)
  registerItemRoutes(app)
  registerItemWriteRoutes(app)
  registerTextRoutes(app)
  registerLogRoutes(app)
  registerOperationRoutes(app)
  registerHistoryRoutes(app)
  registerConflictRoutes(app)
  registerChangeRoutes(app, context)
  registerEventRoutes(app, context)
}
