// A server that takes access tokens of the mobile app: a sample for docs/app.md, on Node with jose.
// It asks the provider about the token, and demands a proof of the device key for this request (RFC 9449 section 7).
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { EmbeddedJWK, calculateJwkThumbprint, jwtVerify } from 'jose'

const nonceFor = 300 // seconds
const seconds = () => Date.now() / 1000

// origin is the address of this server as its clients write it; introspect asks the provider about a token and returns
// its answer (RFC 7662); secret (32 bytes) and used (jti → when it may be forgotten) are shared by all servers behind one
// address; now is in seconds.
export function resourceServer({ origin, introspect, secret = randomBytes(32), used = new Map(), now = seconds }) {
  const sign = (at) => createHmac('sha256', secret).update(at).digest('base64url')
  const nonce = (at = String(Math.floor(now()))) => `${at}.${sign(at)}`

  function isOurs(text) {
    const [at, mac] = String(text).split('.')
    const ours = Buffer.from(sign(at)), theirs = Buffer.from(mac ?? '')
    return ours.length === theirs.length && timingSafeEqual(ours, theirs) && now() - Number(at) < nonceFor
  }

  const refuse = (error) => ({
    status: 401, headers: { 'DPoP-Nonce': nonce(), 'WWW-Authenticate': `DPoP error="${error}", algs="ES256"` },
  })

  // check takes a request of node:http. It returns what the provider says of the token, or the answer that refuses it.
  return async function check(request) {
    const [scheme, token, more] = (request.headers.authorization ?? '').split(' ')
    if (scheme.toLowerCase() !== 'dpop' || !token || more) return refuse('invalid_token') // a bearer token of the app is none
    const proofs = request.headersDistinct?.dpop ?? []
    if (proofs.length !== 1) return refuse('invalid_dpop_proof')
    let proof
    try {
      // The key is inside: that it is a public one, and the signature, is checked here; whose it is, below.
      proof = await jwtVerify(proofs[0], EmbeddedJWK, { typ: 'dpop+jwt', algorithms: ['ES256'] })
    } catch {
      return refuse('invalid_dpop_proof')
    }
    const { htm, htu, jti, ath, nonce: theirs } = proof.payload
    if (htm !== request.method || htu !== origin + request.url.split('?')[0]) return refuse('invalid_dpop_proof')
    if (ath !== createHash('sha256').update(token).digest('base64url')) return refuse('invalid_dpop_proof')
    if (!isOurs(theirs)) return refuse('use_dpop_nonce') // its time counts, and not that of the phone
    if (typeof jti !== 'string' || jti.length > 128) return refuse('invalid_dpop_proof')

    const said = await introspect(token)
    const jkt = await calculateJwkThumbprint(proof.protectedHeader.jwk)
    if (!said.active || said.cnf?.jkt !== jkt) return refuse('invalid_token')
    for (const [id, until] of used) if (until < now()) used.delete(id)
    const id = `${jkt} ${jti}`
    if (used.has(id)) return refuse('invalid_dpop_proof')
    used.set(id, now() + nonceFor)
    return { said, headers: { 'DPoP-Nonce': nonce() } } // now look at said.aud, said.scope and said.acr
  }
}
