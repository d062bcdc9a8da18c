// oidc-provider, measured beside ours: in memory, with a login page of its own, passwords hashed as ours are, parties of the house
// that need no consent, opaque access tokens and rotating refresh tokens, all signed with ES256. PORT is where it listens.
import http from 'node:http'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hash, verify } from '@node-rs/argon2'
import Provider from 'oidc-provider'

const { parties, login, redirect_uri: redirect } = JSON.parse(readFileSync(new URL('peer.json', import.meta.url)))
const port = Number(process.env.PORT)
const argon = { memoryCost: 19456, timeCost: 2, parallelism: 1 }

// Memory is its store, a map for each kind of thing: its own forgets all but the last thousand.
const byUid = new Map()
const byGrant = new Map()
class Memory {
  constructor(kind) {
    this.kind = kind
    this.items = new Map()
  }

  async upsert(id, payload, expiresIn) {
    this.items.set(id, { payload, until: expiresIn ? Date.now() + expiresIn * 1000 : Infinity })
    if (this.kind === 'Session') byUid.set(payload.uid, id)
    if (payload.grantId) {
      if (!byGrant.has(payload.grantId)) byGrant.set(payload.grantId, [])
      byGrant.get(payload.grantId).push([this.items, id])
    }
  }

  async find(id) {
    const item = this.items.get(id)
    if (item?.until < Date.now()) this.items.delete(id)
    else return item?.payload
  }

  async findByUid(uid) { return this.find(byUid.get(uid)) }
  async findByUserCode() {}
  async consume(id) {
    const item = this.items.get(id)
    if (item) item.payload.consumed = Math.floor(Date.now() / 1000)
  }

  async destroy(id) { this.items.delete(id) }
  async revokeByGrantId(grant) {
    for (const [items, id] of byGrant.get(grant) ?? []) items.delete(id)
    byGrant.delete(grant)
  }
}

const people = new Map()
const stored = await hash(login.password, argon)
for (let n = 1; n <= login.people; n++) people.set(login.name.replace('{n}', n), stored)

console.info = console.warn = () => {} // what it says of a set-up in memory
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const { code, 'machine-opaque': machine } = parties
const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: Memory,
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'k1' }] },
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  clients: [{
    client_id: code.client_id,
    client_secret: code.secret,
    redirect_uris: [redirect],
    grant_types: ['authorization_code', 'refresh_token'],
    id_token_signed_response_alg: 'ES256',
  }, {
    client_id: machine.client_id,
    client_secret: machine.secret,
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
    id_token_signed_response_alg: 'ES256',
  }],
  scopes: ['openid', 'offline_access', 'profile', 'email', 'api'],
  claims: { profile: ['name'], email: ['email', 'email_verified'] },
  features: { devInteractions: { enabled: false }, clientCredentials: { enabled: true }, introspection: { enabled: true } },
  rotateRefreshToken: true,
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  async loadExistingGrant({ oidc: { client, provider, result, session } }) {
    const id = result?.consent?.grantId ?? session.grantIdFor(client.clientId)
    if (id) return provider.Grant.find(id)
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
    grant.addOIDCScope('openid profile email offline_access')
    await grant.save()
    return grant
  },
  findAccount: (_, id) => people.has(id) && {
    accountId: id,
    claims: () => ({ sub: id, name: 'Anna Bakker', email: id, email_verified: true }),
  },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  ttl: {
    AccessToken: 3600, AuthorizationCode: 60, ClientCredentials: 600, Grant: 86400, IdToken: 3600, Interaction: 600,
    RefreshToken: 86400, Session: 86400,
  },
})

// signIn shows the page, or checks what was typed on it.
async function signIn(request, response) {
  if (request.method === 'GET') {
    const { prompt } = await provider.interactionDetails(request, response)
    response.setHeader('Content-Type', 'text/html; charset=utf-8')
    response.end(`<!doctype html><title>${prompt.name}</title><form method="post" action="${request.url}">
<input name="${login.name_field}"><input name="${login.password_field}" type="password"><button>Sign in</button></form>`)
    return
  }
  let body = ''
  for await (const chunk of request) body += chunk
  const typed = new URLSearchParams(body)
  const person = typed.get(login.name_field)
  if (!await verify(people.get(person) ?? stored, typed.get(login.password_field) ?? '', argon) || !people.has(person)) {
    response.statusCode = 401
    response.end('wrong name or password')
    return
  }
  await provider.interactionFinished(request, response, { login: { accountId: person } })
}

const callback = provider.callback()
http.createServer(async (request, response) => {
  if (!request.url.startsWith('/interaction/')) return callback(request, response)
  try {
    await signIn(request, response)
  } catch (e) {
    response.statusCode = 500
    response.end(String(e))
  }
}).listen(port, '127.0.0.1')
