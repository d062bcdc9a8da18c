// What docs/app/vectors.json says, of this client.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { calculateJwkThumbprint, importJWK, jwtVerify } from 'jose'
import { base64url, checkPIN, hmacKey, parseQR, pinKey, pinProof, sha256, signProof } from './client.ts'

const file = (name: string) => readFileSync(new URL(`../../docs/app/${name}`, import.meta.url), 'utf8')
const vectors = JSON.parse(file('vectors.json'))
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64url'))
const ascii = (text: string) => new Uint8Array(Buffer.from(text, 'ascii'))

// pair is a device key that was published; a phone's own could not be imported.
async function pair({ d, ...publicHalf }: Record<string, string>): Promise<CryptoKeyPair> {
  const at = { name: 'ECDSA', namedCurve: 'P-256' }
  return {
    privateKey: await crypto.subtle.importKey('jwk', { ...publicHalf, d }, at, false, ['sign']),
    publicKey: await crypto.subtle.importKey('jwk', publicHalf, at, true, ['verify']),
  }
}

for (const v of vectors.pin) {
  test(`PIN: ${v.name}`, async () => {
    const { d, ...key } = v.TEST_KEY_device_key
    assert.equal(await calculateJwkThumbprint(key), v.jkt)
    const made = await pinKey(await hmacKey(bytes(v.TEST_SECRET_pin_secret)), v.issuer, v.jkt, v.pin)
    assert.equal(base64url(made), v.pin_key)
    assert.equal(base64url(await pinProof(made, v.jti, v.nonce)), v.pin_proof)
  })

  test(`every bit counts: ${v.name}`, async () => {
    const secret = bytes(v.TEST_SECRET_pin_secret)
    const inputs = { secret, issuer: ascii(v.issuer), jkt: ascii(v.jkt), pin: ascii(v.pin), jti: ascii(v.jti), nonce: ascii(v.nonce) }
    const of = async (i: typeof inputs) => {
      const key = await pinKey(await hmacKey(i.secret), i.issuer, i.jkt, i.pin)
      return base64url(key) + ' ' + base64url(await pinProof(key, i.jti, i.nonce))
    }
    const seen = new Set([await of(inputs)])
    let n = 1
    for (const [name, input] of Object.entries(inputs)) {
      for (let bit = 0; bit < input.length * 8; bit++, n++) {
        const other = input.slice()
        other[bit >> 3] ^= 1 << (bit & 7)
        seen.add(await of({ ...inputs, [name]: other }))
      }
    }
    assert.equal(seen.size, n)
  })
}

for (const v of vectors.dpop) {
  test(`DPoP: ${v.name}`, async () => {
    const key = await pair(v.TEST_KEY_device_key)
    const ours = await signProof({ htm: v.method, htu: v.url, jti: v.jti, nonce: v.nonce, access_token: v.access_token, iat: v.iat }, key)
    for (const proof of [v.proof, ours]) {
      const { payload, protectedHeader } = await jwtVerify(proof, key.publicKey, { typ: 'dpop+jwt', algorithms: ['ES256'] })
      const { nonce, ath, ...rest } = payload
      assert.deepEqual(rest, { htm: v.method, htu: v.url, jti: v.jti, iat: v.iat })
      assert.deepEqual([nonce, ath], [v.nonce, v.ath])
      const { d, ...publicHalf } = v.TEST_KEY_device_key
      assert.deepEqual(protectedHeader.jwk, publicHalf)
      await importJWK(protectedHeader.jwk!, 'ES256')
    }
    if (v.access_token) assert.equal(await sha256(v.access_token), v.ath)
  })
}

test('PKCE', async () => {
  for (const v of vectors.pkce) assert.equal(await sha256(v.code_verifier), v.code_challenge)
})

for (const v of vectors.qr.texts) {
  test(`QR code: ${v.why}`, () => {
    assert.deepEqual(parseQR(v.text, vectors.qr.issuers), v.issuer && { issuer: v.issuer, reference: v.reference })
  })
}

test('PINs that may be chosen', () => {
  for (const v of vectors.choice) assert.equal(checkPIN(v.pin), v.says, v.pin)
  const weak = []
  for (let i = 0; i < 100_000; i++) {
    const pin = String(i).padStart(5, '0')
    if (checkPIN(pin) === 'weak') weak.push(pin)
  }
  assert.equal(weak.join('\n') + '\n', file('weak-pins.txt'))
})
