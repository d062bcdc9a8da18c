package argon2

import (
	"encoding/binary"
	"errors"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/blake2b"
)

// Version is that of every hash: 1.3 (RFC 9106 section 3.1).
const Version = argon2.Version

const (
	kind       = 2   // Argon2id
	blockWords = 128 // words of 8 bytes in a block of 1 KiB
	slices     = 4   // of a pass; lanes do not read each other's current one
)

type block = [blockWords]uint64

// Memory is what hashes are made in, one after another: it is not to be shared by two at a time. The zero value is ready; it
// grows to what a hash asks for, and holds what was derived from the last password until it is used again or cleared.
type Memory struct {
	blocks  []block
	beside  []byte          // what blocks is, where that is not of Go's heap
	dropped runtime.Cleanup // gives it back if nobody clears it
}

// Bytes is how much is held.
func (m *Memory) Bytes() int { return cap(m.blocks) * blockWords * 8 }

// Clear overwrites what is held and lets it go.
func (m *Memory) Clear() {
	m.wipe()
	m.blocks = nil
	if m.beside != nil {
		m.dropped.Stop()
		release(m.beside)
		m.beside = nil
	}
}

func (m *Memory) wipe() { clear(m.blocks[:cap(m.blocks)]) }

// IDKey derives a key of size bytes from a password with Argon2id (RFC 9106): passes over kib KiB of memory, at least 8 for
// each lane. Lanes are worked on one after another, so that a hash takes one core whatever it asks for. It panics when
// passes, lanes or size are zero, as x/crypto does or divides by it.
func (m *Memory) IDKey(password, salt []byte, passes, kib uint32, lanes uint8, size uint32) []byte {
	if mix == nil {
		return argon2.IDKey(password, salt, passes, kib, lanes, size)
	}
	if passes < 1 || lanes < 1 || size < 1 {
		panic("argon2: passes, lanes and size are at least 1")
	}
	return m.derive(start(password, salt, nil, nil, passes, kib, uint32(lanes), size), passes, kib, uint32(lanes), size)
}

// derive is steps 2 to 8 (RFC 9106 section 3.2).
func (m *Memory) derive(h0 [blake2b.Size]byte, passes, kib, lanes, size uint32) []byte {
	f := filling{passes: passes, lanes: lanes, segment: max(kib/(slices*lanes), 2)}
	f.lane = f.segment * slices
	f.total = f.lane * f.lanes
	f.blocks = m.room(int(f.total))
	f.first(h0)
	for pass := range passes {
		for slice := range uint32(slices) {
			for lane := range f.lanes {
				f.fill(pass, slice, lane)
			}
		}
	}
	return f.key(size)
}

// room is so many blocks, with whatever was left in them: the first pass writes each before it is read.
func (m *Memory) room(blocks int) []block {
	if cap(m.blocks) < blocks {
		m.Clear()
		m.hold(blocks)
	}
	m.blocks = m.blocks[:blocks]
	return m.blocks
}

// hold takes new memory, for at least one block.
func (m *Memory) hold(blocks int) {
	if m.beside = reserve(blocks * blockWords * 8); m.beside == nil {
		m.blocks = make([]block, blocks)
		return
	}
	m.blocks = unsafe.Slice((*block)(unsafe.Pointer(unsafe.SliceData(m.beside))), blocks)
	m.dropped = runtime.AddCleanup(m, release, m.beside)
}

// start is H_0 (RFC 9106 section 3.2, step 1). Hashes of passwords have neither a secret nor associated data.
func start(password, salt, key, data []byte, passes, kib, lanes, size uint32) [blake2b.Size]byte {
	var in []byte
	for _, n := range []uint32{lanes, size, kib, passes, Version, kind} {
		in = binary.LittleEndian.AppendUint32(in, n)
	}
	for _, part := range [][]byte{password, salt, key, data} {
		in = binary.LittleEndian.AppendUint32(in, uint32(len(part)))
		in = append(in, part...)
	}
	sum := blake2b.Sum512(in)
	clear(in)
	return sum
}

// filling is one hash on its way.
type filling struct {
	blocks  []block
	passes  uint32
	lanes   uint32
	segment uint32 // blocks of a lane in one slice
	lane    uint32 // blocks of a lane
	total   uint32 // blocks
}

// first makes the first two blocks of each lane (steps 3 and 4).
func (f *filling) first(h0 [blake2b.Size]byte) {
	var bytes [blockWords * 8]byte
	for lane := range f.lanes {
		for i := range uint32(2) {
			in := binary.LittleEndian.AppendUint32(h0[:], i)
			in = binary.LittleEndian.AppendUint32(in, lane)
			stretch(bytes[:], in)
			b := &f.blocks[lane*f.lane+i]
			for word := range b {
				b[word] = binary.LittleEndian.Uint64(bytes[word*8:])
			}
		}
	}
}

// fill makes the blocks of a lane in one slice of a pass (steps 5 and 6).
func (f *filling) fill(pass, slice, lane uint32) {
	var addresses, counted, zero block
	// Which block is read does not depend on the password in the first half of the first pass (section 3.4.1.2).
	independent := pass == 0 && slice < slices/2
	counted = block{uint64(pass), uint64(lane), uint64(slice), uint64(f.total), uint64(f.passes), kind}
	next := func() {
		counted[6]++
		mix(&addresses, &counted, &zero)
		mix(&addresses, &addresses, &zero)
	}
	first := uint32(0)
	if pass == 0 && slice == 0 {
		first = 2
		next()
	}
	for i := first; i < f.segment; i++ {
		at := lane*f.lane + slice*f.segment + i
		previous := at - 1
		if slice == 0 && i == 0 {
			previous += f.lane
		}
		random := f.blocks[previous][0]
		if independent {
			if i%blockWords == 0 {
				next()
			}
			random = addresses[i%blockWords]
		}
		from := &f.blocks[f.reference(random, pass, slice, lane, i)]
		if pass == 0 {
			mix(&f.blocks[at], &f.blocks[previous], from)
		} else {
			mixXOR(&f.blocks[at], &f.blocks[previous], from)
		}
	}
}

// reference is the block that a pseudo-random word points at (section 3.4.2).
func (f *filling) reference(random uint64, pass, slice, lane, i uint32) uint32 {
	of := uint32(random>>32) % f.lanes
	if pass == 0 && slice == 0 {
		of = lane
	}
	size, begin := (slices-1)*f.segment, (slice+1)%slices*f.segment
	if pass == 0 {
		size, begin = slice*f.segment, 0
	}
	if of == lane {
		size += i
	}
	if i == 0 || of == lane {
		size--
	}
	x := random & 0xffffffff
	x = x * x >> 32
	x = uint64(size) * x >> 32
	return of*f.lane + uint32((uint64(begin)+uint64(size)-1-x)%uint64(f.lane))
}

// key is the tag: the last blocks of all lanes together, stretched (steps 7 and 8).
func (f *filling) key(size uint32) []byte {
	last := f.blocks[f.lane-1]
	for lane := uint32(1); lane < f.lanes; lane++ {
		for i, word := range f.blocks[lane*f.lane+f.lane-1] {
			last[i] ^= word
		}
	}
	var bytes [blockWords * 8]byte
	for i, word := range last {
		binary.LittleEndian.PutUint64(bytes[i*8:], word)
	}
	key := make([]byte, size)
	stretch(key, bytes[:])
	return key
}

// stretch is H', a hash of any length (section 3.3).
func stretch(out, in []byte) {
	sized := binary.LittleEndian.AppendUint32(make([]byte, 0, 4+len(in)), uint32(len(out)))
	sized = append(sized, in...)
	if len(out) <= blake2b.Size {
		h, err := blake2b.New(len(out), nil)
		if err != nil {
			panic(err) // a size of 1 to 64 bytes is none
		}
		_, _ = h.Write(sized) // never fails
		h.Sum(out[:0])
		return
	}
	v := blake2b.Sum512(sized)
	for len(out) > blake2b.Size {
		n := copy(out, v[:blake2b.Size/2])
		out = out[n:]
		if len(out) <= blake2b.Size {
			break
		}
		v = blake2b.Sum512(v[:])
	}
	h, err := blake2b.New(len(out), nil)
	if err != nil {
		panic(err)
	}
	_, _ = h.Write(v[:])
	h.Sum(out[:0])
}

// errWrong is why the kernel is not used.
var errWrong = errors.New("the kernel for Argon2id computes something else than golang.org/x/crypto: that is used, at half the speed")

// Check compares the kernel with x/crypto, once, in less than a millisecond. Where they differ x/crypto makes the hashes from
// then on, and the error says so. The first call is to be made before any hash.
var Check = sync.OnceValue(check)

func check() error {
	var m Memory
	password, salt := []byte("correct horse battery staple"), []byte("0123456789abcdef")
	for _, lanes := range []uint8{1, 2} {
		ours, theirs := m.IDKey(password, salt, 2, 64, lanes, 32), argon2.IDKey(password, salt, 2, 64, lanes, 32)
		if string(ours) != string(theirs) {
			mix, mixXOR = nil, nil
			return errWrong
		}
	}
	return nil
}

// Kernel names what makes the hashes.
func Kernel() string {
	if mix == nil {
		return "x/crypto"
	}
	return "avx2"
}
