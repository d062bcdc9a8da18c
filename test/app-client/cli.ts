// The client as a program of tests: a line of JSON in ({"do":"pin","pin":"48213"}), a line of JSON out ({"result":{…}},
// or {"error":"invalid_grant","details":{"tries_left":4}}). What is built into the app comes in the variable PARTY, as
// {"client_id","redirect_uri","scope","issuers":[…],"device_name"}. README.md beside this file lists the verbs.
import { createInterface } from 'node:readline'
import { Failure, Phone } from './client.ts'

let offset = 0 // of the phone's clock, milliseconds
const party = JSON.parse(process.env.PARTY!)
let phone = new Phone({ ...party, issuers: party.issuers ?? [party.issuer], now: () => Date.now() + offset })

type Line = Record<string, any>
const verbs: Record<string, (line: Line) => unknown> = {
  async sign_in({ issuer = phone.config.issuers[0], parameters }) { return { url: await phone.signIn(issuer, parameters) } },
  async opened({ url }) { await phone.opened(url) },
  scan: ({ text }) => ({ host: phone.scan(text) }),
  claim: () => phone.claim(),
  async poll() { await phone.poll() },
  async confirmed() { await phone.confirmed() },
  async stop() { await phone.stop() },
  async set_pin({ pin }) { await phone.setPIN(pin) },
  async pin({ pin, scope }) { return shown(await phone.enterPIN(pin, scope)) },
  async refresh() { return shown(await phone.refresh()) },
  userinfo: () => phone.userinfo(),
  async log_out() { await phone.logOut() },
  has_pin: () => ({ has_pin: phone.hasPIN() }),
  leave: () => phone.leave(),
  back: () => ({ goes_on: phone.back() }),
  clock({ seconds }) { offset = seconds * 1000 },
  restart() { phone = phone.restart() },
  // restored is a phone whose backup has the secret and not the key
  restored() {
    for (const [issuer, { secret }] of phone.stored) phone.stored.set(issuer, { secret })
    phone = phone.restart()
  },
  tokens: () => ({ ...phone.tokens }), // for a test that steals them
}

const shown = ({ claims, scope, wrong_before }: Line) => ({ ...claims, scope, wrong_before })

for await (const text of createInterface({ input: process.stdin })) {
  const line = JSON.parse(text)
  let answer
  try {
    answer = { result: (await verbs[line.do](line)) ?? {} }
  } catch (e) {
    answer = e instanceof Failure ? { error: e.code, details: e.details } : { error: String(e) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
