// Drives the relying party on openid-client that docs/clients.md shows: the module `app` is its blocks.
import { serve } from './lines.mjs'

const app = await import(JSON.parse(process.env.PARTY).app)
let pending // of the request under way
let got // at the last arrival

await serve({
  async start({ parameters }) {
    const { url, ...rest } = await app.begin(parameters ?? {})
    pending = rest.pending
    return { url: url.href }
  },
  async finish({ url }) {
    got = await app.finish(pending, new URL(url))
    return got.tokens.claims()
  },
  person: () => got.person,
  async refresh() {
    const next = await app.refresh(got.tokens)
    Object.assign(got.tokens, next)
    return next.claims()
  },
  introspect: ({ kind }) => app.describe(got.tokens[kind]),
  logout: async () => ({ url: (await app.signOut(got.tokens)).href }),
}, (e) => e.error ?? `${e} (${e.cause ?? e.code})`)
