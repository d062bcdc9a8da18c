package idptest

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/minddistrict/idp/test/browser"
	"golang.org/x/net/html"
)

// QRCode is what the QR code on the page of a browser says, read from the drawing as a camera does: there is no other way to it.
func QRCode(b *Browser) (string, error) {
	for n := range b.Doc.Descendants() {
		if n.Data != "svg" || browser.Attr(n, "class") != "qr" {
			continue
		}
		for path := range n.Descendants() {
			if path.Type == html.ElementNode && browser.Attr(path, "fill") == "#000" {
				return readQR(browser.Attr(path, "d"))
			}
		}
	}
	return "", fmt.Errorf("no QR code on %s", b.URL)
}

// qrBlocks are, for the versions from 1 of error correction M, how many codewords of data each block has (ISO/IEC 18004
// table 9).
var qrBlocks = [][]int{
	{16}, {28}, {44}, {32, 32}, {43, 43}, {27, 27, 27, 27}, {31, 31, 31, 31}, {38, 38, 39, 39}, {36, 36, 36, 37, 37},
	{43, 43, 43, 43, 44},
}

// qrAligned are the rows and columns in which alignment patterns of these versions have their middle (annex E).
var qrAligned = [][]int{
	{}, {6, 18}, {6, 22}, {6, 26}, {6, 30}, {6, 34}, {6, 22, 38}, {6, 24, 42}, {6, 26, 46}, {6, 28, 50},
}

// qrFormat is where the format stands, its first bit first (section 7.9.1).
var qrFormat = [15][2]int{
	{0, 8}, {1, 8}, {2, 8}, {3, 8}, {4, 8}, {5, 8}, {7, 8}, {8, 8}, {8, 7}, {8, 5}, {8, 4}, {8, 3}, {8, 2}, {8, 1}, {8, 0},
}

// qrMasks invert modules (table 10).
var qrMasks = []func(x, y int) bool{
	func(x, y int) bool { return (x+y)%2 == 0 },
	func(_, y int) bool { return y%2 == 0 },
	func(x, _ int) bool { return x%3 == 0 },
	func(x, y int) bool { return (x+y)%3 == 0 },
	func(x, y int) bool { return (x/3+y/2)%2 == 0 },
	func(x, y int) bool { return x*y%2+x*y%3 == 0 },
	func(x, y int) bool { return (x*y%2+x*y%3)%2 == 0 },
	func(x, y int) bool { return ((x+y)%2+x*y%3)%2 == 0 },
}

var qrRun = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1H\d+z`)

// qrCode are the modules of a code.
type qrCode struct {
	dark    map[[2]int]bool // by column and row
	size    int             // modules on each side
	version int             // from 1
}

// readQR reads the path of a drawing. It needs no correction: nothing dirties a page.
func readQR(path string) (string, error) {
	c := qrCode{dark: map[[2]int]bool{}}
	for _, m := range qrRun.FindAllStringSubmatch(path, -1) {
		x, _ := strconv.Atoi(m[1]) // digits, as the others
		y, _ := strconv.Atoi(m[2])
		width, _ := strconv.Atoi(m[3])
		for i := range width {
			c.dark[[2]int{x + i, y}] = true
		}
		c.size = max(c.size, x+width, y+1)
	}
	c.version = (c.size - 17) / 4
	if c.size%4 != 1 || c.version < 1 || c.version > len(qrBlocks) {
		return "", fmt.Errorf("a QR code of %d modules on each side", c.size)
	}
	format := 0
	for i, at := range qrFormat {
		if c.dark[at] {
			format |= 1 << (14 - i)
		}
	}
	format = (format ^ 0x5412) >> 10 // level and mask
	if level := format >> 3; level != 0 {
		return "", fmt.Errorf("a QR code of level %d, want M", level)
	}
	return c.text(c.codewords(qrMasks[format&7]))
}

// placed reports whether a module is part of a pattern and of no codeword.
func (c qrCode) placed(x, y int) bool {
	end := c.size - 8
	switch {
	case x == 6, y == 6, x < 9 && y < 9, x >= end && y < 9, x < 9 && y >= end:
		return true
	case c.version >= 7 && (x >= end-3 && y < 6 || y >= end-3 && x < 6):
		return true
	}
	middles := qrAligned[c.version-1]
	for _, mx := range middles {
		for _, my := range middles {
			last := c.size - 7
			corner := mx == 6 && my == 6 || mx == 6 && my == last || mx == last && my == 6
			if !corner && max(mx-x, x-mx) <= 2 && max(my-y, y-my) <= 2 {
				return true
			}
		}
	}
	return false
}

// codewords goes up and down through the columns, two by two from the right (section 7.7.3).
func (c qrCode) codewords(mask func(x, y int) bool) (all []byte) {
	bits, up := 0, true
	var next byte
	for right := c.size - 1; right > 0; right -= 2 {
		if right == 6 {
			right-- // the timing pattern
		}
		for i := range c.size {
			y := i
			if up {
				y = c.size - 1 - i
			}
			for _, x := range []int{right, right - 1} {
				if c.placed(x, y) {
					continue
				}
				next <<= 1
				if c.dark[[2]int{x, y}] != mask(x, y) {
					next |= 1
				}
				if bits++; bits%8 == 0 {
					all = append(all, next)
				}
			}
		}
		up = !up
	}
	return all
}

// text is what the codewords say, whose blocks take turns (sections 7.6 and 7.4.5). It is in bytes, as internal/qr
// writes.
func (c qrCode) text(all []byte) (string, error) {
	sizes := qrBlocks[c.version-1]
	blocks := make([][]byte, len(sizes))
	for i := range sizes[len(sizes)-1] {
		for b, size := range sizes {
			if i < size {
				blocks[b], all = append(blocks[b], all[0]), all[1:]
			}
		}
	}
	var data []byte
	for _, block := range blocks {
		data = append(data, block...)
	}
	half := func(i int) int { return int(data[i/2]>>(4*(1-i%2))) & 15 }
	if mode := half(0); mode != 4 {
		return "", fmt.Errorf("a QR code in mode %d, want bytes", mode)
	}
	length, from := half(1)<<4|half(2), 3
	if c.version > 9 {
		length, from = length<<8|half(3)<<4|half(4), 5
	}
	if from+2*length > 2*len(data) {
		return "", fmt.Errorf("a QR code of %d bytes, of which %d are there", length, len(data))
	}
	text := make([]byte, length)
	for i := range text {
		text[i] = byte(half(from+2*i)<<4 | half(from+2*i+1))
	}
	return string(text), nil
}
