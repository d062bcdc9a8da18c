// A relying party on openid-client that proves itself with a key, pushes what it asks and binds its tokens to a key; with
// message_signing it signs its requests and has the answers signed.
import * as oidc from 'openid-client'
import { serve } from './lines.mjs'

const party = JSON.parse(process.env.PARTY)
const kid = 'one'
const own = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
const key = { key: own.privateKey, kid }
let config, DPoP, pending, tokens

async function connect() {
  config = await oidc.discovery(new URL(party.issuer), party.client_id, {
    id_token_signed_response_alg: 'ES256', authorization_signed_response_alg: 'ES256', use_mtls_endpoint_aliases: false,
  }, oidc.PrivateKeyJwt(key))
  if (party.message_signing) oidc.useJwtResponseMode(config)
  DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))
}

await serve({
  async keys() {
    const jwk = await crypto.subtle.exportKey('jwk', own.publicKey)
    return { keys: [{ kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, kid, use: 'sig' }] }
  },
  async start() {
    if (!config) await connect()
    pending = { pkceCodeVerifier: oidc.randomPKCECodeVerifier(), expectedState: oidc.randomState(), expectedNonce: oidc.randomNonce() }
    let parameters = new URLSearchParams({
      redirect_uri: party.redirect_uri, scope: 'openid email offline_access', state: pending.expectedState, nonce: pending.expectedNonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(pending.pkceCodeVerifier), code_challenge_method: 'S256',
    })
    if (party.message_signing) parameters = (await oidc.buildAuthorizationUrlWithJAR(config, parameters, key)).searchParams
    return { url: (await oidc.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })).href }
  },
  // what a party of this kind must not do: it asks by the address alone
  async bare() {
    if (!config) await connect()
    pending = { expectedState: oidc.randomState() }
    return { url: oidc.buildAuthorizationUrl(config, { redirect_uri: party.redirect_uri, scope: 'openid', state: pending.expectedState }).href }
  },
  async finish({ url }) {
    tokens = await oidc.authorizationCodeGrant(config, new URL(url), { ...pending, idTokenExpected: true }, undefined, { DPoP })
    return { ...tokens.claims(), token_type: tokens.token_type }
  },
  userinfo: () => oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP }),
  // the access token without its key
  async stolen() {
    const res = await fetch(config.serverMetadata().userinfo_endpoint, { headers: { authorization: `Bearer ${tokens.access_token}` } })
    return { status: res.status, challenge: res.headers.get('www-authenticate') }
  },
  async refresh() { // with a new key, as a party may that proves itself
    DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))
    const next = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
    tokens = Object.assign(tokens, next)
    return { ...next.claims(), token_type: next.token_type }
  },
  introspect: ({ kind }) => oidc.tokenIntrospection(config, tokens[kind]),
  revoke: () => oidc.tokenRevocation(config, tokens.refresh_token),
}, (e) => e.error ?? `${e} (${e.cause ?? e.code})`)
