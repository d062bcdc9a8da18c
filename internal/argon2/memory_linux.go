package argon2

import "golang.org/x/sys/unix"

// reserve is memory beside Go's heap, or nil: the collector would count it as live and keep half as much again in garbage.
// It is in no core dump, and in large pages where the system has them: hashing jumps through all of it.
func reserve(bytes int) []byte {
	m, err := unix.Mmap(-1, 0, bytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil
	}
	_ = unix.Madvise(m, unix.MADV_HUGEPAGE) // works as well without
	_ = unix.Madvise(m, unix.MADV_DONTDUMP)
	return m
}

// release gives reserved memory back to the system.
func release(m []byte) {
	if err := unix.Munmap(m); err != nil {
		panic("argon2: " + err.Error()) // it was not reserved
	}
}
