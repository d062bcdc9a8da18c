// Package argon2 makes Argon2id hashes (RFC 9106, version 0x13) as golang.org/x/crypto/argon2 does, in half the time on
// processors with AVX2 and in memory that is used again. The kernel is written by the generator in gen; on other
// processors, and where the kernel does not compute what x/crypto does, x/crypto makes the hashes.
package argon2

//go:generate go -C gen run . -out ../mix_amd64.s -stubs ../mix_amd64.go -pkg argon2
