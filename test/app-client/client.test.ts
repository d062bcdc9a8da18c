// The rules of docs/app.md for the client, against as much of a provider as they need.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { EmbeddedJWK, SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair, jwtVerify } from 'jose'
import { Failure, Phone, hmacKey, sha256 } from './client.ts'

const issuer = 'https://inloggen.example/linde'
const redirect_uri = 'https://app.example/callback'
const code = `${issuer}/app#${'Ab-_'.repeat(10)}abc`
const signer = await generateKeyPair('ES256')
const keys = { keys: [{ ...(await exportJWK(signer.publicKey)), kid: 'one', alg: 'ES256' }] }

class Provider {
  nonce = 'nonce-1'
  demands = new Set<string>() // jti that were used
  sent: { url: string, method: string, form: URLSearchParams, text: string }[] = []
  next: [number, object, Record<string, string>?][] = [] // answers to the next requests with a good proof
  thumbprints = new Set<string>()
  pinKey = Buffer.alloc(0)
  wrong = 0
  clock = 1_772_442_000_000
  waited: number[] = []

  phone() {
    return new Phone({
      client_id: 'app', redirect_uri, scope: 'openid profile', issuers: [issuer, 'https://inloggen.example/els'], device_name: 'Anna',
      fetch: (url, init) => this.fetch(String(url), init!), now: () => this.clock - 3_600_000, // an hour off
      wait: async (ms) => { this.waited.push(ms); this.clock += ms },
    })
  }

  async fetch(url: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers)
    const form = new URLSearchParams(String(init.body ?? ''))
    this.sent.push({ url, method: init.method ?? 'GET', form, text: JSON.stringify([url, [...headers], String(init.body)]) })
    assert.equal(init.redirect, 'manual')
    const say = (status: number, body: object, more: Record<string, string> = {}) =>
      new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', 'DPoP-Nonce': this.nonce, ...more } })
    const path = url.slice(issuer.length)
    assert.ok(url.startsWith(issuer + '/'), url)
    if (path === '/.well-known/openid-configuration') {
      return say(200, {
        issuer, authorization_endpoint: issuer + '/authorize', token_endpoint: issuer + '/token', userinfo_endpoint: issuer + '/userinfo',
        revocation_endpoint: issuer + '/revoke', jwks_uri: issuer + '/keys',
      }, { 'DPoP-Nonce': '' })
    }
    if (path === '/keys') return say(200, keys)
    if (path === '/revoke') return new Response(null, { status: 200 })

    const { payload, protectedHeader } = await jwtVerify(headers.get('DPoP')!, EmbeddedJWK, { typ: 'dpop+jwt', algorithms: ['ES256'] })
    const token = headers.get('Authorization')?.replace('DPoP ', '')
    assert.deepEqual([payload.htm, payload.htu, payload.ath], [init.method, url, token && await sha256(token)])
    assert.ok(payload.jti!.length >= 22 && !this.demands.has(payload.jti!), 'jti')
    this.demands.add(payload.jti!)
    if (payload.nonce !== this.nonce) {
      if (!token) return say(400, { error: 'use_dpop_nonce' })
      return say(401, {}, { 'WWW-Authenticate': 'DPoP error="use_dpop_nonce", algs="ES256"' })
    }
    this.thumbprints.add(await calculateJwkThumbprint(protectedHeader.jwk!))
    const planned = this.next.shift()
    if (planned) return say(...planned)
    switch (path + ' ' + (form.get('grant_type') ?? '')) {
      case '/app/handoff ':
        return say(200, {
          handoff_id: 'h', match_number: 42, expires_in: 120, interval: 2, organisation: 'GGZ Linde', account: 'a***@example.org',
        })
      case '/app/pin ':
        this.pinKey = Buffer.from(form.get('pin_key')!, 'base64url')
        return new Response(null, { status: 204, headers: { 'DPoP-Nonce': this.nonce } })
      case '/token authorization_code':
      case '/token urn:minddistrict:params:oauth:grant-type:handoff':
        if (form.get('stop')) return say(400, { error: 'access_denied' })
        return say(200, { access_token: 'idpst_once', token_type: 'DPoP', expires_in: 300, scope: 'app-pin' })
      case '/token urn:minddistrict:params:oauth:grant-type:pin':
        const right = createHmac('sha256', this.pinKey).update(`${payload.jti}\0${payload.nonce}`).digest('base64url')
        if (form.get('pin_proof') === right) return say(200, await this.tokens())
        const tries_left = 5 - ++this.wrong
        return say(400, { error: 'invalid_grant', tries_left, ...(tries_left === 0 && { device_removed: true }) })
      case '/token refresh_token': return say(200, await this.tokens())
      case '/userinfo ': return say(200, { sub: 'anna' })
    }
    return say(404, {})
  }

  async tokens(claims: object = {}) {
    const iat = this.clock / 1000
    const id_token = await new SignJWT({ iss: issuer, aud: 'app', sub: 'anna', iat, exp: iat + 300, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(signer.privateKey)
    return {
      access_token: 'access', token_type: 'DPoP', expires_in: 900, refresh_token: 'refresh', id_token, scope: 'openid profile',
      wrong_before: this.wrong,
    }
  }
}

async function byBrowser(phone: Phone) {
  const asked = new URL(await phone.signIn(issuer)).searchParams
  await phone.opened(`${redirect_uri}?${new URLSearchParams({ code: 'c', state: asked.get('state')!, iss: issuer })}`)
  return asked
}

async function signedIn() {
  const p = new Provider()
  const phone = p.phone()
  await byBrowser(phone)
  await phone.setPIN('48213')
  return { p, phone }
}

const fails = (work: Promise<unknown>, code: string, details: object = {}) =>
  assert.rejects(work, (e) => {
    assert.ok(e instanceof Failure, String(e))
    assert.deepEqual([e.code, e.details], [code, details])
    return true
  })

test('by browser, then the PIN, then all the rest', async () => {
  const p = new Provider()
  const phone = p.phone()
  const asked = await byBrowser(phone)
  assert.equal(phone.hasPIN(), false)
  await phone.setPIN('48213')
  assert.equal((await phone.enterPIN('48213')).claims!.sub, 'anna')
  assert.deepEqual(await phone.userinfo(), { sub: 'anna' })
  await phone.refresh()
  await phone.logOut()
  assert.equal(phone.tokens, undefined)
  assert.ok(phone.hasPIN())
  assert.deepEqual([...p.thumbprints], [asked.get('dpop_jkt')])
})

test('answers that are for somebody else', async () => {
  const phone = new Provider().phone()
  const state = new URL(await phone.signIn(issuer)).searchParams.get('state')!
  const good = `${redirect_uri}?code=c&state=${state}&iss=${encodeURIComponent(issuer)}`
  for (const other of [
    '', '%', good.replace('/callback', '/other'), good.replace(state, 'x'), good.replace('linde', 'els'), good.replace('iss=', 'is='),
  ]) await fails(phone.opened(other), 'not_answered')
  await fails(phone.opened(good.replace('code=c', 'error=access_denied')), 'access_denied')
  await fails(phone.opened(good), 'not_answered')
})

test('only issuers of the list', async () => {
  const p = new Provider()
  await fails(p.phone().signIn('https://evil.example'), 'foreign_issuer')
  assert.throws(() => p.phone().scan(code.replace('inloggen', 'evil')), { code: 'not_ours' })
  assert.deepEqual(p.sent, [])
})

test('a nonce is asked for once', async () => {
  const { p, phone } = await signedIn()
  const requests = async (work: () => Promise<unknown>) => {
    const before = p.sent.length
    await work()
    return p.sent.slice(before).filter((s) => !s.url.endsWith('/keys')).length
  }
  assert.equal(await requests(() => phone.enterPIN('48213')), 1)
  p.nonce = 'nonce-2'
  assert.equal(await requests(() => phone.enterPIN('48213')), 2)
  p.nonce = 'nonce-3'
  assert.equal(await requests(() => phone.userinfo()), 2)
  p.next = [[400, { error: 'use_dpop_nonce' }, { 'DPoP-Nonce': 'other' }], [400, { error: 'use_dpop_nonce' }]]
  p.nonce = 'nonce-3'
  assert.equal(await requests(() => fails(phone.enterPIN('48213'), 'use_dpop_nonce')), 2)
})

test('the QR code', async () => {
  const p = new Provider()
  const phone = p.phone()
  assert.equal(phone.scan(code), 'inloggen.example')
  assert.deepEqual(p.sent, []) // not before the person agreed
  assert.equal((await phone.claim()).match_number, 42)
  p.next = [[400, { error: 'authorization_pending' }], [400, { error: 'slow_down' }], [503, {}, { 'Retry-After': '20' }]]
  await phone.confirmed()
  assert.deepEqual(p.waited, [2000, 2000, 7000, 20000])
  await phone.setPIN('48213')
  await phone.enterPIN('48213')
  phone.scan(code)
  await phone.claim()
  await phone.stop()
  assert.equal(p.sent.at(-1)!.form.get('stop'), 'true')
  for (const end of ['access_denied', 'expired_token', 'invalid_grant']) {
    phone.scan(code)
    await phone.claim()
    p.next = [[400, { error: end }]]
    await fails(phone.confirmed(), end)
  }
  phone.scan(code)
  await phone.claim()
  p.next = Array(100).fill([400, { error: 'authorization_pending' }])
  await fails(phone.confirmed(), 'expired_token')
})

test('wrong PINs', async () => {
  const { p, phone } = await signedIn()
  p.next = [[400, { error: 'slow_down' }], [400, { error: 'interaction_required', acr_values: 'urn:minddistrict:acr:2fa' }]]
  await fails(phone.enterPIN('48213'), 'slow_down')
  await fails(phone.enterPIN('48213'), 'interaction_required', { acr_values: 'urn:minddistrict:acr:2fa' })
  await fails(phone.enterPIN('4821'), 'not_a_pin')
  p.next = [[400, { error: 'invalid_grant', tries_left: 4 }, { 'DPoP-Nonce': 'another' }]]
  const before = p.sent.length
  await fails(phone.enterPIN('48214'), 'invalid_grant', { tries_left: 4 })
  assert.equal(p.sent.length, before + 1) // another nonce is no reason to try again
  for (let left = 4; left > 0; left--) await fails(phone.enterPIN('48214'), 'invalid_grant', { tries_left: left })
  await fails(phone.enterPIN('48214'), 'invalid_grant', { tries_left: 0, device_removed: true })
  assert.equal(phone.hasPIN(), false)
  assert.equal(phone.stored.size, 0)
  await byBrowser(phone)
  assert.equal(p.thumbprints.size, 2) // another key
})

test('choosing a PIN', async () => {
  const { p, phone } = await signedIn()
  const { key, secret } = phone.stored.get(issuer)!
  await fails(phone.setPIN('60482'), 'not_signed_in') // the token is spent
  await byBrowser(phone)
  await fails(phone.setPIN('12345'), 'weak_pin')
  p.next = [[503, {}]]
  await fails(phone.setPIN('60482'), 'bad_answer')
  await phone.setPIN('60482')
  assert.ok(phone.stored.get(issuer)!.key === key && phone.stored.get(issuer)!.secret === secret)
  await phone.enterPIN('60482')
  await byBrowser(phone)
  p.next = [[401, {}, { 'WWW-Authenticate': 'DPoP error="invalid_token"' }]]
  await fails(phone.setPIN('60482'), 'invalid_token')
  await fails(phone.setPIN('60482'), 'not_signed_in')
})

test('five other devices', async () => {
  const p = new Provider()
  const phone = p.phone()
  p.next = [[400, { error: 'invalid_grant', too_many_devices: true }]]
  await fails(byBrowser(phone), 'invalid_grant', { too_many_devices: true })
  await fails(phone.setPIN('48213'), 'not_signed_in')
  assert.equal(phone.hasPIN(), false)
  await byBrowser(phone)
  assert.equal(p.thumbprints.size, 1) // the key stays: it is that of no device that was removed
})

test('Stop, answered by what would have been the answer', async () => {
  const p = new Provider()
  const phone = p.phone()
  phone.scan(code)
  await phone.claim()
  p.next = [[200, { access_token: 'idpst_once', token_type: 'DPoP', expires_in: 300, scope: 'app-pin' }]]
  await phone.stop()
  await fails(phone.setPIN('48213'), 'not_signed_in')
  await fails(phone.poll(), 'not_claimed')
})

test('a code is claimed once, and only after it was scanned', async () => {
  const p = new Provider()
  const phone = p.phone()
  await fails(phone.claim(), 'not_scanned')
  phone.scan(code)
  p.next = [[400, { error: 'invalid_grant' }]]
  await fails(phone.claim(), 'invalid_grant')
  await fails(phone.claim(), 'not_scanned')
  for (const match_number of [undefined, 9, 100, '42x']) {
    phone.scan(code)
    p.next = [[200, { handoff_id: 'h', match_number, expires_in: 120, interval: 2, organisation: 'GGZ Linde', account: 'a***@example.org' }]]
    await fails(phone.claim(), 'bad_answer')
  }
  await fails(phone.poll(), 'not_claimed')
})

test('an issuer that says another one, redirects, no connection', async () => {
  const p = new Provider()
  const els = 'https://inloggen.example/els'
  const answering = (answer: () => Promise<Response>) => {
    const phone = p.phone()
    phone.config.fetch = answer
    return phone
  }
  const said = await p.fetch(`${issuer}/.well-known/openid-configuration`, { redirect: 'manual' })
  const metadata = await said.text()
  await fails(answering(async () => new Response(metadata)).signIn(els), 'bad_answer')
  const elsewhere = metadata.replace(`${issuer}/token`, 'https://evil.example/token')
  await fails(answering(async () => new Response(elsewhere)).signIn(issuer), 'bad_answer')
  const location = { Location: 'https://evil.example/' }
  await fails(answering(async () => new Response(null, { status: 302, headers: location })).signIn(issuer), 'bad_answer')
  const cut = answering(() => Promise.reject(new TypeError('fetch failed')))
  await assert.rejects(cut.signIn(issuer), (e) => e instanceof Failure && e.code === 'no_answer' && e.passing)
})

test('a backup without its key', async () => {
  const { p, phone } = await signedIn()
  const { secret } = phone.stored.get(issuer)!
  phone.stored.set(issuer, { secret })
  assert.equal(phone.restart().hasPIN(), false)
  await byBrowser(phone)
  assert.equal(phone.hasPIN(), false) // the old secret went with the old key
  assert.equal(p.thumbprints.size, 2)
})

test('tokens end with the app and after five minutes in the background', async () => {
  const { p, phone } = await signedIn()
  await phone.enterPIN('48213')
  phone.leave()
  p.clock += 299_000
  assert.ok(phone.back())
  for (const away of [300_000, -1000]) {
    await phone.enterPIN('48213')
    phone.leave()
    p.clock += away
    assert.equal(phone.back(), false)
    await fails(phone.userinfo(), 'not_signed_in')
  }
  await phone.enterPIN('48213')
  const again = phone.restart()
  assert.ok(again.hasPIN() && again.tokens === undefined)
  await again.enterPIN('48213')
})

test('ID tokens that are refused, and tokens of somebody else', async () => {
  const { p, phone } = await signedIn()
  for (const claims of [{ iss: 'https://inloggen.example/els' }, { aud: 'other' }, { exp: p.clock / 1000 }]) {
    p.next = [[200, await p.tokens(claims)]]
    await fails(phone.enterPIN('48213'), 'bad_answer')
  }
  p.next = [[200, { ...(await p.tokens()), token_type: 'Bearer' }]]
  await fails(phone.enterPIN('48213'), 'bad_answer')
  await phone.enterPIN('48213')
  p.next = [[200, await p.tokens({ sub: 'bert' })]]
  await fails(phone.refresh(), 'bad_answer')
  assert.equal(phone.tokens, undefined)
  await phone.enterPIN('48213')
  p.next = [[503, {}], [400, { error: 'invalid_grant' }]]
  await fails(phone.refresh(), 'bad_answer')
  assert.ok(phone.tokens)
  await fails(phone.refresh(), 'invalid_grant')
  assert.ok(phone.tokens === undefined && phone.hasPIN())
})

test('the secret is never sent', async () => {
  const { p, phone } = await signedIn()
  const canary = Buffer.from('canary 7f3a canary 91bc canary d')
  phone.stored.get(issuer)!.secret = await hmacKey(canary)
  await byBrowser(phone)
  await phone.setPIN('48213')
  await phone.enterPIN('48213')
  await fails(phone.enterPIN('48214'), 'invalid_grant', { tries_left: 4 })
  for (const { text } of p.sent) {
    for (const part of [text, ...text.split(/[".&=]/).map((t) => Buffer.from(t, 'base64url').toString('latin1'))]) {
      for (const code of ['latin1', 'hex', 'base64url', 'base64'] as const) assert.ok(!part.includes(canary.toString(code)))
    }
    assert.ok(!/\b4821[34]\b/.test(text))
  }
})
