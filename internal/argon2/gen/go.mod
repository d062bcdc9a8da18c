// The generator of the kernel is a module of its own: what it needs is no part of the program.
module github.com/minddistrict/idp/internal/argon2/gen

go 1.26

require github.com/mmcloughlin/avo v0.6.0

require (
	golang.org/x/mod v0.29.0 // indirect
	golang.org/x/sync v0.17.0 // indirect
	golang.org/x/tools v0.38.0 // indirect
)
