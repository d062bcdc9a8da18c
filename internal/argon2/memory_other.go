//go:build !linux

package argon2

// reserve is nil: here hashes are made in memory of Go's heap.
func reserve(int) []byte { return nil }

func release([]byte) {}
