// Gen writes the AVX2 kernel of Argon2 (RFC 9106 section 3.5): one function that mixes two blocks of 1 KiB into a third.
//
//	go generate ./internal/argon2
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	blockBytes  = 1024
	vector      = 32 // bytes of a register: four words
	rowVectors  = 4  // a row of the matrix is 16 words
	rowsAtATime = 2
)

func main() {
	ConstraintExpr("amd64")
	r24, r16 := bytesMask("rotr24", 3), bytesMask("rotr16", 2)
	kernel("mixAVX2", "mixAVX2 sets out to G(a, b) (RFC 9106 section 3.5). out may be a or b.", false, r24, r16)
	kernel("mixXORAVX2", "mixXORAVX2 adds G(a, b) to out by XOR, as passes after the first do.", true, r24, r16)
	Generate()
}

// kernel is G: R = a XOR b; the permutation over its rows, then over its columns; XOR R. What the rows made is on the stack,
// R is read again, because it is at hand.
func kernel(name, doc string, xor bool, mask24, mask16 Mem) {
	TEXT(name, 0, "func(out, a, b *[128]uint64)")
	Doc(doc)
	Pragma("noescape")
	out, a, b := Load(Param("out"), GP64()), Load(Param("a"), GP64()), Load(Param("b"), GP64())
	stack := AllocLocal(blockBytes)
	rot24, rot16 := YMM(), YMM()
	VBROADCASTI128(mask24, rot24)
	VBROADCASTI128(mask16, rot16)
	r := rounds{rot24, rot16}

	for rows := 0; rows < blockBytes/(rowsAtATime*rowVectors*vector); rows++ {
		v := newVectors()
		at := func(i int) int { return ((rows*rowsAtATime+i%2)*rowVectors + i/2) * vector }
		for i := range v {
			VMOVDQU(Mem{Base: a, Disp: at(i)}, v[i])
			VPXOR(Mem{Base: b, Disp: at(i)}, v[i], v[i])
		}
		r.half(v)
		turn(v, 0x39, 0x4e, 0x93)
		r.half(v)
		turn(v, 0x93, 0x4e, 0x39)
		for i := range v {
			VMOVDQU(v[i], stack.Offset(at(i)))
		}
	}
	for columns := 0; columns < rowVectors; columns++ {
		v := newVectors()
		at := func(i int) int { return (i*rowVectors + columns) * vector }
		for i := range v {
			VMOVDQU(stack.Offset(at(i)), v[i])
		}
		r.half(v)
		shift(v)
		r.half(v)
		unshift(v)
		for i := range v {
			VPXOR(Mem{Base: a, Disp: at(i)}, v[i], v[i])
			VPXOR(Mem{Base: b, Disp: at(i)}, v[i], v[i])
			if xor {
				VPXOR(Mem{Base: out, Disp: at(i)}, v[i], v[i])
			}
			VMOVDQU(v[i], Mem{Base: out, Disp: at(i)})
		}
	}
	VZEROUPPER()
	RET()
}

// vectors are two times A, B, C and D of a round: A of the first, A of the second, B of the first …
type vectors []reg.VecVirtual

func newVectors() vectors {
	v := make(vectors, 8)
	for i := range v {
		v[i] = YMM()
	}
	return v
}

// rounds has the masks that rotate each word to the right by 24 and 16 bits.
type rounds struct{ rot24, rot16 reg.VecVirtual }

// half is the quarter rounds of all columns, or of all diagonals, of both: A += B + 2·lo(A)·lo(B), D = (D XOR A) >>> 32,
// then the same of C, D and B by 24, and both again by 16 and 63 (RFC 9106 section 3.6).
func (r rounds) half(v vectors) {
	r.add(v, 0, 2)
	for k := 0; k < 2; k++ {
		VPXOR(v[0+k], v[6+k], v[6+k])
		VPSHUFD(U8(0xb1), v[6+k], v[6+k])
	}
	r.add(v, 4, 6)
	for k := 0; k < 2; k++ {
		VPXOR(v[4+k], v[2+k], v[2+k])
		VPSHUFB(r.rot24, v[2+k], v[2+k])
	}
	r.add(v, 0, 2)
	for k := 0; k < 2; k++ {
		VPXOR(v[0+k], v[6+k], v[6+k])
		VPSHUFB(r.rot16, v[6+k], v[6+k])
	}
	r.add(v, 4, 6)
	for k := 0; k < 2; k++ {
		VPXOR(v[4+k], v[2+k], v[2+k])
		double := YMM()
		VPADDQ(v[2+k], v[2+k], double)
		VPSRLQ(U8(63), v[2+k], v[2+k])
		VPXOR(double, v[2+k], v[2+k])
	}
}

// add adds, of both: x += y + 2·lo(x)·lo(y).
func (rounds) add(v vectors, x, y int) {
	for k := 0; k < 2; k++ {
		product := YMM()
		VPMULUDQ(v[x+k], v[y+k], product)
		VPADDQ(v[x+k], v[y+k], v[x+k])
		VPADDQ(product, product, product)
		VPADDQ(product, v[x+k], v[x+k])
	}
}

// turn rotates the words of B, C and D of two rows, so that diagonals stand in columns, or back.
func turn(v vectors, b, c, d uint64) {
	for k := 0; k < 2; k++ {
		VPERMQ(U8(b), v[2+k], v[2+k])
		VPERMQ(U8(c), v[4+k], v[4+k])
		VPERMQ(U8(d), v[6+k], v[6+k])
	}
}

// shift does the same for columns, whose words stand beside those of the next column: what is called the second of A, B, C
// and D has the third and fourth word of each.
func shift(v vectors) {
	b, d := YMM(), YMM()
	VPALIGNR(U8(8), v[2], v[3], b)    // words 5, 6
	VPALIGNR(U8(8), v[3], v[2], v[3]) // words 7, 4
	VPALIGNR(U8(8), v[6], v[7], d)    // words 13, 14
	VPALIGNR(U8(8), v[7], v[6], v[6]) // words 15, 12
	v[2], v[7] = b, d
	v[4], v[5] = v[5], v[4]
}

// unshift undoes shift.
func unshift(v vectors) {
	b, d := YMM(), YMM()
	VPALIGNR(U8(8), v[3], v[2], b)    // word 4 and 5 …
	VPALIGNR(U8(8), v[2], v[3], v[3]) // 6 and 7
	VPALIGNR(U8(8), v[6], v[7], d)    // 12 and 13
	VPALIGNR(U8(8), v[7], v[6], v[7]) // 14 and 15
	v[2], v[6] = b, d
	v[4], v[5] = v[5], v[4]
}

// bytesMask is the mask of VPSHUFB that rotates words of 8 bytes to the right by so many bytes.
func bytesMask(name string, by int) Mem {
	mask := GLOBL(name, RODATA|NOPTR)
	for word := 0; word < 2; word++ {
		for i := 0; i < 8; i++ {
			DATA(word*8+i, U8(word*8+(i+by)%8))
		}
	}
	return mask
}
