// Drives the native app on AppAuth that docs/clients.md shows: the module `app` is its blocks.
import * as appauth from '@openid/appauth'
import { serve } from './lines.mjs'

const party = JSON.parse(process.env.PARTY)
const app = await import(party.app)

// What an app keeps while the browser is in front: the operating system may end it meanwhile.
class Kept extends appauth.StorageBackend {
  kept = new Map()
  getItem = async (name) => this.kept.get(name) ?? null
  setItem = async (name, value) => void this.kept.set(name, value)
  removeItem = async (name) => void this.kept.delete(name)
  clear = async () => this.kept.clear()
}
const kept = new Kept()

// withoutVerifier redeems a code as somebody does who only saw the address.
async function withoutVerifier({ request, response }) {
  const body = new URLSearchParams({
    grant_type: 'authorization_code', client_id: request.clientId, redirect_uri: request.redirectUri, code: response.code,
  })
  const answer = await (await fetch(party.issuer + '/token', { method: 'POST', body })).json()
  if (answer.error) throw answer
  return answer
}

await serve({
  // loopback opens the browser and listens for its answer (RFC 8252 section 7.3).
  loopback: async ({ port }) => (await app.signIn(Number(port))).toJson(),
  // scheme is where the browser is sent; opened is the app, opened by an address of its own scheme (section 7.1).
  scheme: () => new Promise((resolve) => app.open(kept, (url) => resolve({ url }))),
  async opened({ url, without_verifier }) {
    const answer = await app.opened(kept, url)
    return without_verifier ? withoutVerifier(answer) : (await app.redeem(answer)).toJson()
  },
  refresh: async ({ refresh_token }) => (await app.refresh(refresh_token)).toJson(),
  revoke: ({ token }) => app.revoke(token).then(() => ({})),
}, (e) => e.message || e.error || String(e))
