// Drives the relying party with keys that docs/clients.md shows: the module `key` makes its key when it is imported and
// says the public half, `app` is the rest. With message_signing it signs what it asks.
import { serve } from './lines.mjs'

const party = JSON.parse(process.env.PARTY)
let app, pending, tokens
const connected = async () => (app ??= await import(party.app))

await serve({
  async key() {
    const said = []
    console.log = (line) => said.push(line)
    await import(party.key)
    console.log = () => {}
    return JSON.parse(said.join())
  },
  async start() {
    await connected()
    const { url, ...rest } = await (party.message_signing ? app.beginSigned() : app.begin())
    pending = rest.pending
    return { url: url.href }
  },
  // what a party of this kind must not do: it asks by the address alone
  async bare() {
    await connected()
    const asks = new URLSearchParams({ client_id: 'insurer', redirect_uri: party.redirect_uri, scope: 'openid', response_type: 'code', state: 'bare' })
    pending = { expectedState: 'bare' }
    return { url: `${party.issuer}/authorize?${asks}` }
  },
  async finish({ url }) {
    const got = await app.finish(pending, new URL(url))
    tokens = got.tokens
    return { ...tokens.claims(), token_type: tokens.token_type, email: got.person.email, person: got.person.sub }
  },
  // the access token without its key
  async stolen() {
    const res = await fetch(party.issuer + '/userinfo', { headers: { authorization: `Bearer ${tokens.access_token}` } })
    return { status: res.status, challenge: res.headers.get('www-authenticate') }
  },
  async refresh() {
    const next = await app.refresh(tokens)
    tokens = Object.assign(tokens, next)
    return { ...next.claims(), token_type: next.token_type }
  },
  userinfo: () => app.person(tokens),
  introspect: ({ kind }) => app.describe(tokens[kind]),
  revoke: () => app.revoke(tokens),
}, (e) => e.error ?? `${e} (${e.cause ?? e.code})`)
