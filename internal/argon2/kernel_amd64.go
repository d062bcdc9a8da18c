package argon2

import "golang.org/x/sys/cpu"

// mix and mixXOR are the kernel; nil: this processor has none.
var mix, mixXOR = kernel()

func kernel() (mix, mixXOR func(out, a, b *block)) {
	if !cpu.X86.HasAVX2 {
		return nil, nil
	}
	return mixAVX2, mixXORAVX2
}
