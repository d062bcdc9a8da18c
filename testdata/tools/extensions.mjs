// AppAuth's modules import each other without an extension, which bundlers accept and Node does not: it is added here.
import { registerHooks } from 'node:module'

registerHooks({
  resolve(specifier, context, next) {
    const bare = specifier.startsWith('.') && !specifier.endsWith('js') && context.parentURL?.includes('/@openid/appauth/')
    return next(bare ? specifier + '.js' : specifier, context)
  },
})
