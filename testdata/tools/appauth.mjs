// A native app on AppAuth, with both ways of coming back from the browser.
import * as appauth from '@openid/appauth'
import { NodeBasedHandler, NodeCrypto, NodeRequestor } from '@openid/appauth/built/src/node_support/index.js'
import { serve } from './lines.mjs'

const party = JSON.parse(process.env.PARTY)
const requestor = new NodeRequestor()
const config = await appauth.AuthorizationServiceConfiguration.fetchFromIssuer(party.issuer, requestor)
const handler = new appauth.BaseTokenRequestHandler(requestor)

const authorization = (redirect_uri) => new appauth.AuthorizationRequest({
  client_id: party.client_id, redirect_uri, scope: 'openid email offline_access', response_type: 'code',
}, new NodeCrypto())

const token = (parameters) => handler.performTokenRequest(config, new appauth.TokenRequest({ client_id: party.client_id, ...parameters }))
  .then((response) => response.toJson())

const redeem = (request, response, extras) => token({
  grant_type: appauth.GRANT_TYPE_AUTHORIZATION_CODE, code: response.code, redirect_uri: request.redirectUri, extras,
})

// arrived waits for the answer of the browser.
const arrived = (handler) => new Promise((resolve, reject) => {
  const notifier = new appauth.AuthorizationNotifier()
  notifier.setAuthorizationListener((request, response, error) => (error ? reject(error) : resolve({ request, response })))
  handler.setAuthorizationNotifier(notifier)
})

// What an app keeps while the browser is in front: the operating system may end it meanwhile.
class Kept extends appauth.StorageBackend {
  kept = new Map()
  getItem = async (name) => this.kept.get(name) ?? null
  setItem = async (name, value) => void this.kept.set(name, value)
  removeItem = async (name) => void this.kept.delete(name)
  clear = async () => this.kept.clear()
}
const kept = new Kept()

// Codes come in the query; this handler looks at the fragment unless told otherwise.
class Query extends appauth.BasicQueryStringUtils {
  parse = (location) => super.parse(location, false)
}
const redirecting = (location) => new appauth.RedirectRequestHandler(kept, new Query(), location, new NodeCrypto())

await serve({
  // loopback opens the browser and listens for its answer (RFC 8252 section 7.3).
  async loopback({ port, redirect_uri }) {
    const browser = new NodeBasedHandler(Number(port))
    const answer = arrived(browser)
    browser.performAuthorizationRequest(config, authorization(redirect_uri))
    const { request, response } = await answer
    return redeem(request, response, { code_verifier: request.internal.code_verifier })
  },
  // scheme is where the browser is sent; opened is the app, opened by an address of its own scheme (section 7.1).
  scheme: ({ redirect_uri }) => new Promise((resolve) => {
    redirecting({ assign: (url) => resolve({ url }) }).performAuthorizationRequest(config, authorization(redirect_uri))
  }),
  async opened({ url, without_verifier }) {
    const browser = redirecting(new URL(url))
    const answer = arrived(browser)
    await browser.completeAuthorizationRequestIfPossible()
    const { request, response } = await answer
    return redeem(request, response, without_verifier ? undefined : { code_verifier: request.internal.code_verifier })
  },
  refresh: ({ refresh_token }) => token({ grant_type: appauth.GRANT_TYPE_REFRESH_TOKEN, refresh_token }),
  revoke: ({ token }) => handler.performRevokeTokenRequest(config, new appauth.RevokeTokenRequest({ token, client_id: party.client_id })).then(() => ({})),
}, (e) => e.message || e.error || String(e))
