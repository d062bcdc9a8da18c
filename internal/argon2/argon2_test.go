package argon2

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"

	"golang.org/x/crypto/argon2"

	"github.com/minddistrict/idp/internal/secret"
)

// RFC 9106 section 5.3 has a secret and associated data, which IDKey has not: the steps are the same.
func TestVectorOfTheRFC(t *testing.T) {
	if mix == nil {
		t.Logf("made by %s", Kernel())
		return
	}
	repeat := func(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }
	h0 := start(repeat(1, 32), repeat(2, 16), repeat(3, 8), repeat(4, 12), 3, 32, 4, 32)
	key := new(Memory).derive(h0, 3, 32, 4, 32)
	if got, want := hex.EncodeToString(key), "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

func TestSameAsXCrypto(t *testing.T) {
	var m Memory
	for _, lanes := range []uint8{1, 2, 3, 4, 7} {
		for _, passes := range []uint32{1, 2, 3} {
			for _, kib := range []uint32{0, 8, 31, 64, 1000, 4096} {
				for _, size := range []uint32{1, 4, 32, 64, 65, 100, 128} {
					same(t, &m, []byte("password"), []byte("somesalt"), passes, kib, lanes, size)
				}
			}
		}
	}
	same(t, &m, nil, nil, 1, 8, 1, 32)
	same(t, &m, bytes.Repeat([]byte("x"), 1000), bytes.Repeat([]byte("y"), 1000), 2, 19*1024, 1, 32)
}

func same(t *testing.T, m *Memory, password, salt []byte, passes, kib uint32, lanes uint8, size uint32) {
	t.Helper()
	ours, theirs := m.IDKey(password, salt, passes, kib, lanes, size), argon2.IDKey(password, salt, passes, kib, lanes, size)
	if !bytes.Equal(ours, theirs) {
		t.Fatalf("%d lanes, %d passes, %d KiB, %d bytes of %x and %x: %x, not %x", lanes, passes, kib, size, password, salt, ours, theirs)
	}
}

// FuzzIDKey holds ours to x/crypto, in memory that has the last hash in it. For ten minutes of a processor:
//
//	go test -fuzz FuzzIDKey -fuzztime 10m -parallel 1 ./internal/argon2
func FuzzIDKey(f *testing.F) {
	f.Add([]byte("password"), []byte("0123456789abcdef"), uint8(2), uint16(64), uint8(1), uint8(32))
	f.Add([]byte{}, []byte{}, uint8(1), uint16(0), uint8(3), uint8(65))
	var m Memory
	f.Fuzz(func(t *testing.T, password, salt []byte, passes uint8, kib uint16, lanes, size uint8) {
		same(t, &m, password, salt, uint32(passes%4)+1, uint32(kib%2048), lanes%8+1, uint32(size)+1)
	})
}

// The kernel is G as the RFC writes it, also where the result takes the place of what it is made of.
func TestKernel(t *testing.T) {
	if mix == nil {
		t.Logf("made by %s", Kernel())
		return
	}
	for range 1000 {
		var a, b, out block
		for _, made := range []*block{&a, &b, &out} {
			for i := range made {
				made[i] = binary.LittleEndian.Uint64(secret.Bytes(8))
			}
		}
		want := g(a, b)
		for name, at := range map[string]func() (*block, *block, *block){
			"apart": func() (*block, *block, *block) { o, x, y := out, a, b; return &o, &x, &y },
			"in a":  func() (*block, *block, *block) { x, y := a, b; return &x, &x, &y },
			"in b":  func() (*block, *block, *block) { x, y := a, b; return &y, &x, &y },
		} {
			o, x, y := at()
			was := *o
			mix(o, x, y)
			if *o != want {
				t.Fatalf("%s: %x, not %x", name, *o, want)
			}
			o, x, y = at()
			mixXOR(o, x, y)
			for i := range was {
				if o[i] != was[i]^want[i] {
					t.Fatalf("%s, added: word %d is %x, not %x", name, i, o[i], was[i]^want[i])
				}
			}
		}
	}
}

// g is the compression function (RFC 9106 section 3.5).
func g(a, b block) block {
	var r block
	for i := range r {
		r[i] = a[i] ^ b[i]
	}
	z := r
	for row := range 8 {
		var at [16]int
		for i := range at {
			at[i] = 16*row + i
		}
		permute(&z, at)
	}
	for column := range 8 {
		var at [16]int
		for i := range at {
			at[i] = 16*(i/2) + 2*column + i%2
		}
		permute(&z, at)
	}
	for i := range z {
		z[i] ^= r[i]
	}
	return z
}

// permute is P on the words at these places (section 3.6).
func permute(z *block, at [16]int) {
	for _, q := range [8][4]int{
		{0, 4, 8, 12}, {1, 5, 9, 13}, {2, 6, 10, 14}, {3, 7, 11, 15}, {0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13}, {3, 4, 9, 14},
	} {
		a, b, c, d := &z[at[q[0]]], &z[at[q[1]]], &z[at[q[2]]], &z[at[q[3]]]
		for _, by := range [2][2]int{{32, 24}, {16, 63}} {
			*a += *b + 2*uint64(uint32(*a))*uint64(uint32(*b))
			*d = rotated(*d^*a, by[0])
			*c += *d + 2*uint64(uint32(*c))*uint64(uint32(*d))
			*b = rotated(*b^*c, by[1])
		}
	}
}

func rotated(word uint64, by int) uint64 { return word>>by | word<<(64-by) }

// A kernel with one wrong constant is noticed at the start, and hashes are right nevertheless.
func TestCheckFindsAWrongKernel(t *testing.T) {
	was, wasXOR := mix, mixXOR
	t.Cleanup(func() { mix, mixXOR = was, wasXOR })
	right := func(out, a, b *block) { *out = g(*a, *b) }
	add := func(out, a, b *block) {
		for i, word := range g(*a, *b) {
			out[i] ^= word
		}
	}
	for name, kernel := range map[string][2]func(out, a, b *block){
		"the first pass":   {func(out, a, b *block) { right(out, a, b); out[127] = rotated(out[127], 1) }, add},
		"the others":       {right, func(out, a, b *block) { right(out, a, b) }},
		"sometimes, a bit": {right, func(out, a, b *block) { add(out, a, b); out[3] ^= out[5] >> 60 & 1 }},
	} {
		mix, mixXOR = kernel[0], kernel[1]
		if err := check(); err == nil || Kernel() != "x/crypto" {
			t.Errorf("%s: %v, hashes are made by %s", name, err, Kernel())
		}
		same(t, new(Memory), []byte("password"), []byte("somesalt"), 2, 64, 1, 32)
	}
	if mix, mixXOR = right, add; check() != nil || Kernel() == "x/crypto" {
		t.Error("a right kernel is refused")
	}
}

func TestMemoryIsUsedAgainAndCleared(t *testing.T) {
	if mix == nil {
		t.Logf("made by %s", Kernel())
		return
	}
	var m Memory
	m.IDKey([]byte("password"), []byte("somesalt"), 1, 64, 1, 32)
	held := m.blocks
	m.IDKey([]byte("password"), []byte("somesalt"), 1, 32, 1, 32)
	if &held[0] != &m.blocks[0] || m.Bytes() != 64<<10 {
		t.Errorf("other memory, of %d bytes", m.Bytes())
	}
	m.wipe()
	for i, b := range held {
		if b != (block{}) {
			t.Fatalf("block %d is not cleared", i)
		}
	}
	m.Clear()
	if m.Bytes() != 0 {
		t.Errorf("%d bytes are held", m.Bytes())
	}
}

func BenchmarkIDKey(b *testing.B) {
	salt := []byte("0123456789abcdef")
	for _, kib := range []uint32{64, 19 * 1024} {
		b.Run(fmt.Sprintf("%d KiB/ours", kib), func(b *testing.B) {
			var m Memory
			for b.Loop() {
				m.IDKey([]byte("password"), salt, 2, kib, 1, 32)
			}
		})
		b.Run(fmt.Sprintf("%d KiB/x-crypto", kib), func(b *testing.B) {
			for b.Loop() {
				argon2.IDKey([]byte("password"), salt, 2, kib, 1, 32)
			}
		})
	}
}
