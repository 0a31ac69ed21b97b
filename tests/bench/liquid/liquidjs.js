// liquidjs.js SECONDS FOLDER... - renders a second of each fixture, parsed once, partials cached.
const fs = require('fs')
const path = require('path')
const { Liquid } = require(path.resolve(process.env.PEERS, 'node_modules/liquidjs'))

const seconds = Number(process.argv[2])
for (const folder of process.argv.slice(3)) {
  const engine = new Liquid({ root: path.join(folder, 'templates'), cache: true })
  const template = engine.parse(fs.readFileSync(path.join(folder, 'templates/index.liquid'), 'utf8'))
  const data = JSON.parse(fs.readFileSync(path.join(folder, 'data.json'), 'utf8'))
  const rounds = (limit) => {
    const begun = process.hrtime.bigint()
    let n = 0
    let took = 0
    while (took < limit) {
      for (let i = 0; i < 16; i++) engine.renderSync(template, data)
      n += 16
      took = Number(process.hrtime.bigint() - begun) / 1e9
    }
    return n / took
  }
  if (seconds === 0) {
    process.stdout.write(engine.renderSync(template, data))
  } else {
    rounds(seconds / 2) // warm
    console.log(rounds(seconds).toFixed(0))
  }
}
