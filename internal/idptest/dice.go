package idptest

import (
	"crypto/sha256"
	"encoding/binary"
	"os"
	"strconv"
	"testing"
)

// Dice are reproducible: SHA-256 of seed and count. Tests need no better generator, and the module has no other.
type Dice struct {
	seed  [32]byte
	count uint64
	left  []byte
}

// NewDice throws the same for the same seed and the same number of the request.
func NewDice(seed, number uint64) *Dice {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], seed)
	binary.BigEndian.PutUint64(b[8:], number)
	return &Dice{seed: sha256.Sum256(b[:])}
}

// N is from 0 to n-1; that low numbers come a little more often does not matter here.
func (d *Dice) N(n int) int {
	if len(d.left) < 4 {
		d.count++
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(d.seed[:], d.count))
		d.left = sum[:]
	}
	v := binary.BigEndian.Uint32(d.left)
	d.left = d.left[4:]
	return int(v) % n
}

// In reports whether a throw of n sides shows the one that it is about.
func (d *Dice) In(n int) bool { return d.N(n) == 0 }

// Pick is one of them all.
func Pick[T any](d *Dice, all ...T) T { return all[d.N(len(all))] }

// Number is a number of the environment, for tests that a release runs longer.
func Number(t testing.TB, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q: a number", variable, text)
	}
	return n
}
