// A client of the mobile app's protocol in another language, written from docs/app.md and docs/app/vectors.json alone:
// WebCrypto and jose, nothing of this repository. It is the phone in tests, and shows that the page says enough.
import { SignJWT, calculateJwkThumbprint, createLocalJWKSet, decodeJwt, exportJWK, jwtVerify } from 'jose'

export type Config = {
  client_id: string
  redirect_uri: string
  scope: string
  issuers: string[]
  device_name?: string
  fetch?: typeof fetch
  now?: () => number // milliseconds; the phone's clock, which may be wrong
  wait?: (milliseconds: number) => Promise<unknown>
}

// Failure is an answer that is no success. code is the error of the protocol, 'no_answer', 'bad_answer', or our own.
export class Failure extends Error {
  code: string
  status: number
  details: Record<string, unknown>
  retryAfter: number // seconds
  constructor(code: string, status = 0, details: Record<string, unknown> = {}, retryAfter = 0) {
    super(`${code} (${status})`)
    Object.assign(this, { code, status, details, retryAfter })
  }
  get passing() { return this.code === 'no_answer' || this.status >= 500 || this.status === 429 }
}

const utf8 = new TextEncoder()
export const base64url = (bytes: ArrayBuffer | Uint8Array) => Buffer.from(bytes as Uint8Array).toString('base64url')
export const sha256 = async (text: string) => base64url(await crypto.subtle.digest('SHA-256', utf8.encode(text)))
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)))

type Text = string | Uint8Array // bytes are for tests, which change single bits

// joined are the parts with a zero byte between them.
const joined = (...parts: Text[]) =>
  Buffer.concat(parts.flatMap((p, i) => [Buffer.alloc(i ? 1 : 0), typeof p === 'string' ? utf8.encode(p) : p]))

// hmacKey makes a key that WebCrypto computes with and gives to nobody.
export const hmacKey = (raw: Uint8Array) =>
  crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
const hmac = async (key: CryptoKey, message: Uint8Array) =>
  new Uint8Array(await crypto.subtle.sign('HMAC', key, message))

export const pinKey = (secret: CryptoKey, issuer: Text, jkt: Text, pin: Text) =>
  hmac(secret, joined('minddistrict pin v1', issuer, jkt, pin))
export const pinProof = async (key: Uint8Array, jti: Text, nonce: Text) => hmac(await hmacKey(key), joined(jti, nonce))

export function checkPIN(pin: string): 'ok' | 'weak' | 'not a PIN' {
  if (!/^[0-9]{5}$/.test(pin)) return 'not a PIN'
  const digits = [...pin].map(Number)
  const everywhere = (rule: (i: number) => boolean) => [1, 2, 3, 4].every(rule)
  const up = everywhere((i) => digits[i] === (digits[i - 1] + 1) % 10)
  const down = everywhere((i) => digits[i] === (digits[i - 1] + 9) % 10)
  const pair = everywhere((i) => i < 2 || digits[i] === digits[i - 2]) // equal digits are such a pair
  return up || down || pair ? 'weak' : 'ok'
}

export function parseQR(text: string, issuers: string[]): { issuer: string, reference: string } | undefined {
  const at = text.indexOf('#')
  const reference = text.slice(at + 1)
  const issuer = issuers.find((i) => at >= 0 && text.slice(0, at) === `${i}/app`)
  return issuer !== undefined && /^[A-Za-z0-9_-]{43}$/.test(reference) ? { issuer, reference } : undefined
}

export type Claims = { htm: string, htu: string, jti: string, nonce?: string, access_token?: string, iat: number }

export async function signProof({ access_token, ...claims }: Claims, key: CryptoKeyPair): Promise<string> {
  const jwk = await publicJWK(key)
  const payload = { ...claims, ...(access_token !== undefined && { ath: await sha256(access_token) }) }
  return new SignJWT(payload).setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk }).sign(key.privateKey)
}

async function publicJWK(key: CryptoKeyPair) {
  const { kty, crv, x, y } = await exportJWK(key.publicKey)
  return { kty, crv, x, y }
}

// What the phone keeps at rest, by issuer: a device key, and a PIN secret once a PIN was chosen.
export type Stored = { key?: CryptoKeyPair, secret?: CryptoKey }
export type Tokens = {
  access_token: string
  refresh_token?: string
  id_token?: string
  scope?: string
  wrong_before?: number
  claims?: Record<string, unknown> // of the ID token, which was verified
}

// Form is a body that may hang on the proof beside it; what is undefined is left out.
type Fields = Record<string, string | undefined>
export type Claimed = { match_number: number, organisation: string, account: string, expires_in: number, interval: number }
type Form = (jti: string, nonce: string) => Fields | Promise<Fields>

const handoffGrant = 'urn:minddistrict:params:oauth:grant-type:handoff'
const pinGrant = 'urn:minddistrict:params:oauth:grant-type:pin'

export class Phone {
  config: Config
  stored = new Map<string, Stored>()
  #nonces = new Map<string, string>()
  #metadata = new Map<string, Record<string, string>>()
  // in memory, for the issuer that the person is at
  #issuer?: string
  #browser?: { issuer: string, state: string, verifier: string }
  #scanned?: { issuer: string, reference: string }
  #handoff?: { issuer: string, id: string, verifier: string, interval: number, until: number }
  #pinToken?: string
  #tokens?: Tokens
  #awayAt?: number

  constructor(config: Config) { this.config = config }

  get issuer() { return this.#issuer }
  get tokens() { return this.#tokens }

  // restart is the app ended and started: only what is at rest remains.
  restart() {
    const next = new Phone(this.config)
    next.stored = this.stored
    next.#issuer = this.#issuer
    return next
  }

  hasPIN(issuer = this.#issuer): boolean {
    const { key, secret } = this.stored.get(issuer ?? '') ?? {}
    return key !== undefined && secret !== undefined
  }

  #now() { return (this.config.now ?? Date.now)() }

  async #key(issuer: string): Promise<CryptoKeyPair> {
    const found = this.stored.get(issuer)?.key
    if (found) return found
    const key = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
    this.stored.set(issuer, { key }) // a secret without its key goes
    return key
  }

  async #send(issuer: string, url: string, init: RequestInit): Promise<Response> {
    let response
    try {
      const options: RequestInit = { redirect: 'manual', signal: AbortSignal.timeout(10_000), ...init }
      response = await (this.config.fetch ?? fetch)(url, options)
    } catch {
      throw new Failure('no_answer')
    }
    const nonce = response.headers.get('DPoP-Nonce')
    if (nonce) this.#nonces.set(issuer, nonce)
    return response
  }

  async #read(response: Response): Promise<any> {
    const text = await response.text().catch(() => { throw new Failure('no_answer', response.status) })
    let body: any
    try { body = JSON.parse(text) } catch { /* below */ }
    if (response.ok) {
      if (response.status === 204) return undefined
      if (typeof body !== 'object' || body === null) throw new Failure('bad_answer', response.status)
      return body
    }
    const challenge = /\bDPoP\b.*\berror="(\w+)"/i.exec(response.headers.get('WWW-Authenticate') ?? '')?.[1]
    const { error, ...details } = typeof body === 'object' && body !== null ? body : {} as any
    const retryAfter = Number(response.headers.get('Retry-After')) || 0
    throw new Failure(error ?? challenge ?? 'bad_answer', response.status, details, retryAfter)
  }

  // #call sends a request with a proof, and once more where another nonce is wanted.
  async #call(issuer: string, htm: string, htu: string, form?: Form, access_token?: string): Promise<any> {
    const key = await this.#key(issuer)
    const once = async () => {
      const jti = random()
      const nonce = this.#nonces.get(issuer)
      const iat = Math.floor(this.#now() / 1000)
      const headers = new Headers({ Accept: 'application/json' })
      headers.set('DPoP', await signProof({ htm, htu, jti, iat, ...(nonce && { nonce }), access_token }, key))
      if (access_token) headers.set('Authorization', `DPoP ${access_token}`)
      const body = form && new URLSearchParams()
      for (const [name, value] of Object.entries(await form?.(jti, nonce ?? '') ?? {})) {
        if (value !== undefined) body!.set(name, value)
      }
      return this.#read(await this.#send(issuer, htu, { method: htm, headers, body }))
    }
    const before = this.#nonces.get(issuer)
    try {
      return await once()
    } catch (e) {
      if (!(e instanceof Failure) || e.code !== 'use_dpop_nonce' || this.#nonces.get(issuer) === before) throw e
      return once()
    }
  }

  async #discover(issuer: string): Promise<Record<string, string>> {
    if (!this.config.issuers.includes(issuer)) throw new Failure('foreign_issuer')
    const known = this.#metadata.get(issuer)
    if (known) return known
    const said = await this.#read(await this.#send(issuer, `${issuer}/.well-known/openid-configuration`, {}))
    const names = ['authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'revocation_endpoint', 'jwks_uri']
    const ours = (address: string) => URL.canParse(address) && new URL(address).origin === new URL(issuer).origin
    if (said.issuer !== issuer || !names.every((name) => ours(said[name]))) throw new Failure('bad_answer')
    this.#metadata.set(issuer, said)
    return said
  }

  // signIn returns the address for the system's browser.
  async signIn(issuer: string, more: Record<string, string> = {}): Promise<string> {
    const { authorization_endpoint } = await this.#discover(issuer)
    const key = await this.#key(issuer)
    this.#issuer = issuer
    this.#browser = { issuer, state: random(), verifier: random() }
    const url = new URL(authorization_endpoint)
    const { client_id, redirect_uri, scope } = this.config
    for (const [name, value] of Object.entries({
      response_type: 'code', client_id, redirect_uri, scope, state: this.#browser.state,
      code_challenge: await sha256(this.#browser.verifier), code_challenge_method: 'S256',
      dpop_jkt: await calculateJwkThumbprint(await publicJWK(key)), ...more,
    })) url.searchParams.set(name, value)
    return url.href
  }

  // opened takes an address with which the app was opened; 'not_answered': it is none that the app waits for.
  async opened(address: string): Promise<void> {
    const pending = this.#browser
    const [before, query = ''] = address.split('#')[0].split(/\?(.*)/s)
    const said = new URLSearchParams(query)
    const answers = before === this.config.redirect_uri && said.get('state') === pending?.state && said.get('iss') === pending?.issuer
    if (!pending || !answers) throw new Failure('not_answered')
    this.#browser = undefined
    const error = said.get('error')
    if (error) throw new Failure(error)
    await this.#redeem(pending.issuer, {
      grant_type: 'authorization_code', code: said.get('code') ?? '', redirect_uri: this.config.redirect_uri,
      code_verifier: pending.verifier, device_name: this.config.device_name,
    })
  }

  async #redeem(issuer: string, form: Fields): Promise<void> {
    const { token_endpoint } = await this.#discover(issuer)
    const said = await this.#call(issuer, 'POST', token_endpoint, () => ({ client_id: this.config.client_id, ...form }))
    if (!said?.access_token || said.token_type !== 'DPoP' || said.scope !== 'app-pin') throw new Failure('bad_answer')
    this.#issuer = issuer
    this.#pinToken = said.access_token
  }

  // scan takes what the app's own scanner read, and returns the host to ask about.
  scan(text: string): string {
    const found = parseQR(text, this.config.issuers)
    if (!found) throw new Failure('not_ours')
    this.#scanned = found
    return new URL(found.issuer).host
  }

  // claim is the person's yes.
  async claim(): Promise<Claimed> {
    const scanned = this.#scanned
    if (!scanned) throw new Failure('not_scanned')
    this.#scanned = undefined
    const verifier = random()
    const code_challenge = await sha256(verifier)
    const said = await this.#call(scanned.issuer, 'POST', `${scanned.issuer}/app/handoff`, () => ({
      client_id: this.config.client_id, reference: scanned.reference, code_challenge, code_challenge_method: 'S256',
      device_name: this.config.device_name,
    }))
    if (!said?.handoff_id || !(said.match_number >= 10 && said.match_number <= 99)) throw new Failure('bad_answer')
    const { match_number, organisation, account, expires_in, interval } = said
    const until = this.#now() + expires_in * 1000
    this.#handoff = { issuer: scanned.issuer, id: said.handoff_id, verifier, interval: interval ?? 2, until }
    return { match_number, organisation, account, expires_in, interval }
  }

  async #ask(stop?: string): Promise<void> {
    const h = this.#handoff
    if (!h) throw new Failure('not_claimed')
    await this.#redeem(h.issuer, { grant_type: handoffGrant, handoff_id: h.id, code_verifier: h.verifier, stop })
  }

  // poll asks once.
  async poll(): Promise<void> {
    try {
      await this.#ask()
    } catch (e) {
      if (e instanceof Failure && e.code === 'slow_down' && this.#handoff) this.#handoff.interval += 5
      throw e
    }
    this.#handoff = undefined
  }

  // confirmed polls until there is an answer.
  async confirmed(): Promise<void> {
    const h = this.#handoff
    if (!h) throw new Failure('not_claimed')
    for (;;) {
      await (this.config.wait ?? ((ms) => new Promise((r) => setTimeout(r, ms))))(h.interval * 1000)
      if (this.#now() >= h.until) throw new Failure('expired_token')
      try {
        return await this.poll()
      } catch (e) {
        if (!(e instanceof Failure)) throw e
        if (e.passing) h.interval = Math.max(2 * h.interval, e.retryAfter)
        else if (e.code !== 'authorization_pending' && e.code !== 'slow_down') throw e
      }
    }
  }

  async stop(): Promise<void> {
    try {
      await this.#ask('true')
      this.#pinToken = undefined // it was answered before; nothing follows from it
    } catch (e) {
      if (!(e instanceof Failure) || e.code !== 'access_denied') throw e
    } finally {
      this.#handoff = undefined
    }
  }

  async #pinKey(pin: string): Promise<Uint8Array> {
    const { key, secret } = this.stored.get(this.#issuer ?? '') ?? {}
    if (!key || !secret || !this.#issuer) throw new Failure('not_signed_in')
    return pinKey(secret, this.#issuer, await calculateJwkThumbprint(await publicJWK(key)), pin)
  }

  async setPIN(pin: string): Promise<void> {
    const choice = checkPIN(pin)
    if (choice !== 'ok') throw new Failure(choice === 'weak' ? 'weak_pin' : 'not_a_pin')
    const issuer = this.#issuer
    if (!issuer || !this.#pinToken) throw new Failure('not_signed_in')
    const stored = this.stored.get(issuer)!
    stored.secret ??= await hmacKey(crypto.getRandomValues(new Uint8Array(32)))
    const pin_key = base64url(await this.#pinKey(pin))
    this.#tokens = undefined
    try {
      await this.#call(issuer, 'PUT', `${issuer}/app/pin`, () => ({ pin_key }), this.#pinToken)
    } catch (e) {
      if (e instanceof Failure && e.code === 'invalid_token') this.#pinToken = undefined
      throw e
    }
    this.#pinToken = undefined
  }

  async enterPIN(pin: string, scope?: string): Promise<Tokens> {
    if (checkPIN(pin) === 'not a PIN') throw new Failure('not_a_pin')
    const key = await this.#pinKey(pin)
    this.#tokens = undefined
    const issuer = this.#issuer!
    try {
      return await this.#take(issuer, async (jti, nonce) => ({
        grant_type: pinGrant, client_id: this.config.client_id, scope,
        pin_proof: base64url(await pinProof(key, jti, nonce)),
      }))
    } catch (e) {
      if (e instanceof Failure && e.code === 'invalid_grant' && e.details.device_removed === true) {
        this.stored.delete(issuer)
        this.#pinToken = undefined
      }
      throw e
    }
  }

  async #take(issuer: string, form: Form): Promise<Tokens> {
    const { token_endpoint } = await this.#discover(issuer)
    const said = await this.#call(issuer, 'POST', token_endpoint, form)
    if (!said?.access_token || said.token_type !== 'DPoP') throw new Failure('bad_answer')
    const claims = said.id_token === undefined ? undefined : await this.#verify(issuer, said.id_token)
    return this.#tokens = { ...said, claims }
  }

  async #verify(issuer: string, id_token: string): Promise<Record<string, unknown>> {
    const { jwks_uri } = await this.#discover(issuer)
    const keys = createLocalJWKSet(await this.#read(await this.#send(issuer, jwks_uri, {})))
    try {
      const { iat } = decodeJwt(id_token)
      // The answer came just now, so its own time stands for that of the phone.
      const currentDate = new Date((iat ?? 0) * 1000)
      const { payload } = await jwtVerify(id_token, keys, {
        issuer, audience: this.config.client_id, algorithms: ['ES256', 'EdDSA', 'PS256', 'RS256'],
        requiredClaims: ['exp', 'iat', 'sub'], currentDate,
      })
      return payload
    } catch {
      throw new Failure('bad_answer')
    }
  }

  async refresh(): Promise<Tokens> {
    const before = this.#tokens
    if (!before?.refresh_token || !this.#issuer) throw new Failure('not_signed_in')
    const refresh_token = before.refresh_token
    let next
    try {
      const { client_id } = this.config
      next = await this.#take(this.#issuer, () => ({ grant_type: 'refresh_token', client_id, refresh_token }))
    } catch (e) {
      if (e instanceof Failure && e.code === 'invalid_grant') this.#tokens = undefined
      throw e
    }
    if (next.claims && next.claims.sub !== before.claims?.sub) {
      this.#tokens = undefined
      throw new Failure('bad_answer')
    }
    next.refresh_token ??= refresh_token
    next.claims ??= before.claims
    return next
  }

  async userinfo(): Promise<Record<string, unknown>> {
    if (!this.#tokens || !this.#issuer) throw new Failure('not_signed_in')
    const { userinfo_endpoint } = await this.#discover(this.#issuer)
    return this.#call(this.#issuer, 'GET', userinfo_endpoint, undefined, this.#tokens.access_token)
  }

  async logOut(): Promise<void> {
    const tokens = this.#tokens
    this.#tokens = undefined
    if (!tokens || !this.#issuer) return
    const { revocation_endpoint } = await this.#discover(this.#issuer)
    const token = tokens.refresh_token ?? tokens.access_token
    const body = new URLSearchParams({ client_id: this.config.client_id, token })
    const response = await this.#send(this.#issuer, revocation_endpoint, { method: 'POST', body })
    if (!response.ok) await this.#read(response)
  }

  // leave and back are the background; back reports whether the app goes on without the PIN.
  leave() { this.#awayAt = this.#now() }
  back(): boolean {
    const away = this.#now() - (this.#awayAt ?? this.#now())
    if (away < 0 || away >= 5 * 60_000) this.#tokens = undefined
    return this.#tokens !== undefined
  }
}
