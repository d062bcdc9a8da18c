// Packages of npm are where the other tests have theirs: node --import ./tools.mjs …
import { registerHooks } from 'node:module'

const tools = new URL('../../testdata/tools/package.json', import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) => next(specifier, specifier === 'jose' ? { ...context, parentURL: tools } : context),
})
