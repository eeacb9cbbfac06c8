/** How far is the model of the scenario `scale` off? Runs small spaces with real nodes: `node simulation/scale/validate-main.ts`. */
import { readCosts } from './costs.ts'
import { validate } from './validate.ts'

const costs = readCosts()
const results = []
for (const nodes of [10, 20])
  results.push({
    nodes,
    ...(await validate({ nodes, degree: 6, operations: 60, perSecond: 10, inMemory: false }, costs)),
  })
console.log(JSON.stringify(results, null, 2))
