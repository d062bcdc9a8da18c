//go:build !amd64

package argon2

// mix and mixXOR are the kernel; nil: there is none for this kind of processor.
var mix, mixXOR func(out, a, b *block)
