// The sample of docs/app.md refuses what it says it refuses.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import { resourceServer } from '../../docs/app/resource-server.mjs'

const origin = 'https://api.ggz-linde.example'
const token = 'idpdt_test'
const hash = (text: string) => createHash('sha256').update(text).digest('base64url')
const pair = await generateKeyPair('ES256', { extractable: true })
const jwk = await exportJWK(pair.publicKey)

async function server(with_: object = {}) {
  const clock = { now: 1_772_442_000 }
  const cnf = { jkt: await calculateJwkThumbprint(jwk) }
  const introspect = async (shown: string) => (shown === token ? { active: true, sub: 'anna', cnf, ...with_ } : { active: false })
  const check = resourceServer({ origin, introspect, now: () => clock.now })
  const first = await check(await request({}))
  return { check, clock, nonce: first.headers['DPoP-Nonce'] as string, first }
}

type Change = { claims?: object, header?: object, key?: CryptoKey, authorization?: string, method?: string, url?: string, proofs?: number }

async function request(nonce: { nonce?: string }, c: Change = {}) {
  const claims = { jti: crypto.randomUUID(), htm: 'GET', htu: origin + '/diary', iat: 0, ath: hash(token), ...nonce, ...c.claims }
  const proof = await new SignJWT(claims).setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk, ...c.header }).sign(c.key ?? pair.privateKey)
  return {
    method: c.method ?? 'GET', url: c.url ?? '/diary?day=1',
    headers: { authorization: c.authorization ?? `DPoP ${token}`, dpop: proof },
    headersDistinct: { dpop: Array(c.proofs ?? 1).fill(proof) },
  }
}

const error = (answer: any) => /error="(\w+)"/.exec(answer.headers['WWW-Authenticate'] ?? '')?.[1]

test('a token with a proof of its key', async () => {
  const { check, nonce, first } = await server()
  assert.equal(error(first), 'use_dpop_nonce')
  const answer = await check(await request({ nonce })) // its iat is of 1970
  assert.equal(answer.said.sub, 'anna')
  assert.ok(answer.headers['DPoP-Nonce'])
})

test('what is refused', async () => {
  const { check, nonce } = await server()
  const other = await generateKeyPair('ES256', { extractable: true })
  const otherJwk = await exportJWK(other.publicKey)
  const rsa = await generateKeyPair('RS256')
  for (const [why, change, want] of [
    ['a bearer token', { authorization: `Bearer ${token}` }, 'invalid_token'],
    ['no token', { authorization: '' }, 'invalid_token'],
    ['a token that ended', { authorization: 'DPoP other', claims: { ath: hash('other') } }, 'invalid_token'],
    ['another key', { key: other.privateKey, header: { jwk: otherJwk } }, 'invalid_token'],
    ['another key than the one inside', { key: other.privateKey }, 'invalid_dpop_proof'],
    ['a private key inside', { header: { jwk: await exportJWK(pair.privateKey) } }, 'invalid_dpop_proof'],
    ['no proof', { proofs: 0 }, 'invalid_dpop_proof'],
    ['two proofs', { proofs: 2 }, 'invalid_dpop_proof'],
    ['another type', { header: { typ: 'JWT' } }, 'invalid_dpop_proof'],
    ['another algorithm', { header: { alg: 'RS256', jwk: await exportJWK(rsa.publicKey) }, key: rsa.privateKey }, 'invalid_dpop_proof'],
    ['another method', { claims: { htm: 'POST' } }, 'invalid_dpop_proof'],
    ['another path', { claims: { htu: origin + '/other' } }, 'invalid_dpop_proof'],
    ['another host', { claims: { htu: 'https://evil.example/diary' } }, 'invalid_dpop_proof'],
    ['another token', { claims: { ath: hash('other') } }, 'invalid_dpop_proof'],
    ['no hash of the token', { claims: { ath: undefined } }, 'invalid_dpop_proof'],
    ['no jti', { claims: { jti: undefined } }, 'invalid_dpop_proof'],
    ['a nonce of somebody else', { claims: { nonce: '1772442000.AAAA' } }, 'use_dpop_nonce'],
    ['half a nonce', { claims: { nonce: nonce.split('.')[0] } }, 'use_dpop_nonce'],
    ['a nonce of another time', { claims: { nonce: '1772442001.' + nonce.split('.')[1] } }, 'use_dpop_nonce'],
  ] as [string, Change, string][]) {
    assert.equal(error(await check(await request({ nonce }, change))), want, why)
  }
})

test('a proof works once, a nonce for five minutes', async () => {
  const { check, clock, nonce } = await server()
  const once = await request({ nonce })
  assert.ok((await check(once)).said)
  assert.equal(error(await check(once)), 'invalid_dpop_proof')
  clock.now += 299
  assert.ok((await check(await request({ nonce }))).said)
  clock.now += 1
  assert.equal(error(await check(once)), 'use_dpop_nonce')
})

test('a bearer token of another party, in the DPoP scheme', async () => {
  const { check, nonce } = await server({ cnf: undefined })
  assert.equal(error(await check(await request({ nonce }))), 'invalid_token')
})
