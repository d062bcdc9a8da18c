// A relying party on openid-client.
import * as oidc from 'openid-client'
import { serve } from './lines.mjs'

const party = JSON.parse(process.env.PARTY)
const config = await oidc.discovery(new URL(party.issuer), party.client_id, undefined, oidc.ClientSecretBasic(party.client_secret))
let pending // of the request under way
let tokens // of the last arrival

await serve({
  async start({ parameters }) {
    pending = { pkceCodeVerifier: oidc.randomPKCECodeVerifier(), expectedState: oidc.randomState(), expectedNonce: oidc.randomNonce() }
    if (parameters?.max_age) pending.maxAge = Number(parameters.max_age)
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: party.redirect_uri, scope: 'openid email offline_access', state: pending.expectedState, nonce: pending.expectedNonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(pending.pkceCodeVerifier), code_challenge_method: 'S256', ...parameters,
    })
    return { url: url.href }
  },
  async finish({ url }) {
    tokens = await oidc.authorizationCodeGrant(config, new URL(url), { ...pending, idTokenExpected: true })
    return tokens.claims()
  },
  userinfo: () => oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub),
  async refresh() {
    const next = await oidc.refreshTokenGrant(config, tokens.refresh_token)
    tokens = Object.assign(tokens, next)
    return next.claims()
  },
  introspect: ({ kind }) => oidc.tokenIntrospection(config, tokens[kind]),
  revoke: () => oidc.tokenRevocation(config, tokens.refresh_token),
  logout: ({ post_logout_redirect_uri }) => ({
    url: oidc.buildEndSessionUrl(config, { post_logout_redirect_uri, id_token_hint: tokens.id_token, state: 'bye' }).href,
  }),
}, (e) => e.error ?? `${e} (${e.cause ?? e.code})`)
