// An API behind the check that docs/clients.md shows: the module `api` is its blocks.
import http from 'node:http'
import { serve } from './lines.mjs'

const own = JSON.parse(process.env.PARTY)
const { caller } = await import(own.api)
const origin = 'http://localhost:' + own.port
const server = http.createServer(async (request, response) => {
  const headers = Object.entries(request.headers).filter(([, value]) => typeof value === 'string')
  const about = await caller(new Request(origin + request.url, { method: request.method, headers }), 'journal.write')
  response.statusCode = about ? 200 : 401
  response.end(about ? about.sub : '')
})

await serve({
  listen: () => new Promise((listening) => server.listen(Number(own.port), 'localhost', listening)),
}, String)
server.closeAllConnections()
server.close()
