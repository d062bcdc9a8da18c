// An organisation's sign-in on oidc-provider: one person, who presses a button on its page.
import https from 'node:https'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as jose from 'jose'
import Provider from 'oidc-provider'
import { serve } from './lines.mjs'

const own = JSON.parse(process.env.PARTY)
let proof = { amr: ['pwd'], acr: 'urn:lindehof:one' } // of whoever signs in
const { privateKey } = await jose.generateKeyPair('RS256', { extractable: true })

console.info = console.warn = () => {} // what it says of a set-up in memory
const provider = new Provider(own.issuer, {
  clients: JSON.parse(own.clients),
  jwks: { keys: [{ ...await jose.exportJWK(privateKey), kid: 'one', alg: 'RS256', use: 'sig' }] },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  acrValues: ['urn:lindehof:one', 'urn:lindehof:two'],
  claims: {
    openid: ['sub', 'acr', 'amr', 'auth_time'], email: ['email', 'email_verified'], profile: ['given_name', 'family_name'],
  },
  features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
  interactions: { url: (_, interaction) => '/interaction/' + interaction.uid },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id, email: 'jan@lindehof.example', email_verified: true, given_name: 'Jan', family_name: 'Jansen',
    }),
  }),
  // Its own dispatcher refuses this machine's addresses.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  async loadExistingGrant({ oidc }) { // the organisation allows it for its people
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId })
    grant.addOIDCScope('openid email profile')
    await grant.save()
    return grant
  },
})
const told = [] // what became of its logout tokens
provider.on('backchannel.success', (_, client) => told.push(client.clientId))
provider.on('backchannel.error', (_, error, client) => told.push(`${client.clientId}: ${error} ${error.cause ?? ''}`))
const callback = provider.callback()
const tls = { cert: readFileSync(own.certificate), key: readFileSync(own.key) }
const server = https.createServer(tls, async (request, response) => {
  if (!request.url.startsWith('/interaction/')) return callback(request, response)
  if (request.method === 'POST') {
    return provider.interactionFinished(request, response, { login: { accountId: 'jjansen', ...proof } })
  }
  response.setHeader('Content-Type', 'text/html')
  response.end(`<title>Lindehof</title><form method="post" action="${request.url}"><button>I am Jan</button></form>`)
})
await new Promise((listening) => server.listen(Number(own.port), '127.0.0.1', listening))

await serve({
  says: ({ amr, acr }) => { proof = { amr, acr } },
  told: () => ({ told: told.splice(0) }),
}, String)
server.closeAllConnections()
server.close()
