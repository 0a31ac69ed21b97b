// liquidjs.js - templates and data, a JSON object a line, to {"out"} or {"error"}, a line each.
const path = require('path')
const readline = require('readline')
const { Liquid } = require(path.resolve(process.env.PEERS, 'node_modules/liquidjs'))

const engine = new Liquid({ strictFilters: true, timezoneOffset: 0 })
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { template, data } = JSON.parse(line)
  let answer
  try {
    answer = { out: engine.parseAndRenderSync(template, data) }
  } catch (e) {
    answer = { error: String(e.message) }
  }
  console.log(JSON.stringify(answer))
})
