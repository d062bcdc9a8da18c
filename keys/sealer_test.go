package keys

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/fault"
)

var (
	masterA = bytes.Repeat([]byte{0xa1}, masterSize)
	masterB = bytes.Repeat([]byte{0xb2}, masterSize)
)

func newSealer(t testing.TB, masters ...[]byte) *Sealer {
	t.Helper()
	s, err := NewSealer(masters...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealedValueOpensOnlyForItsBinding(t *testing.T) {
	s := newSealer(t, masterA)
	for _, plain := range [][]byte{nil, []byte("JBSWY3DPEHPK3PXP"), bytes.Repeat([]byte("x"), 5000)} {
		sealed := s.Seal(plain, "credential/anna/totp/1")
		got, err := s.Open(sealed, "credential/anna/totp/1")
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("opening %d bytes: got %d bytes, %v", len(plain), len(got), err)
		}
		for _, other := range []string{"", "credential/anna/totp/2", "credential/bram/totp/1", "credential/anna/totp/1 "} {
			if _, err := s.Open(sealed, other); !errors.Is(err, fault.Invalid) {
				t.Errorf("opening as %q: got %v, want fault.Invalid", other, err)
			}
		}
	}
}

func TestSealedValueDoesNotOpenWhenChanged(t *testing.T) {
	s := newSealer(t, masterA)
	sealed := s.Seal([]byte("secret"), "row")
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := s.Open(changed, "row"); !errors.Is(err, fault.Invalid) {
			t.Errorf("byte %d flipped: got %v, want fault.Invalid", i, err)
		}
	}
	for i := range sealed {
		if _, err := s.Open(sealed[:i], "row"); !errors.Is(err, fault.Invalid) {
			t.Errorf("cut to %d bytes: got %v, want fault.Invalid", i, err)
		}
	}
	if _, err := s.Open(append(sealed, 0), "row"); !errors.Is(err, fault.Invalid) {
		t.Errorf("one byte more: got %v, want fault.Invalid", err)
	}
}

func TestSealingTwiceDiffers(t *testing.T) {
	s := newSealer(t, masterA)
	if a, b := s.Seal([]byte("same"), "row"), s.Seal([]byte("same"), "row"); bytes.Equal(a, b) {
		t.Errorf("two seals of one value are equal: %x", a)
	}
}

func TestMastersRotate(t *testing.T) {
	before, during, after := newSealer(t, masterA), newSealer(t, masterB, masterA), newSealer(t, masterB)
	old := before.Seal([]byte("secret"), "row")
	if plain, err := during.Open(old, "row"); err != nil || string(plain) != "secret" {
		t.Errorf("the second master opens what it sealed as first: got %q, %v", plain, err)
	}
	if _, err := after.Open(old, "row"); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "not configured") {
		t.Errorf("without the old master: got %v, want fault.Invalid that says so", err)
	}
	renewed := during.Seal([]byte("secret"), "row")
	if plain, err := after.Open(renewed, "row"); err != nil || string(plain) != "secret" {
		t.Errorf("the first master seals: got %q, %v", plain, err)
	}
	if _, err := before.Open(renewed, "row"); !errors.Is(err, fault.Invalid) {
		t.Errorf("the old master opens a new value: %v", err)
	}
}

func TestDerivedKeysAreSeparate(t *testing.T) {
	one, two := newSealer(t, masterA), newSealer(t, masterB, masterA)
	if got := two.Derive("handles"); len(got) != 2 || len(got[0]) != 32 || !bytes.Equal(got[1], one.Derive("handles")[0]) {
		t.Errorf("want one key per master, in their order: got %x", got)
	}
	seen := map[string]string{}
	for name, value := range map[string][]byte{
		"key handles":  one.Derive("handles")[0],
		"key refresh":  one.Derive("refresh")[0],
		"key of B":     two.Derive("handles")[0],
		"mac handles":  one.MAC("handles", ""),
		"mac of data":  one.MAC("handles", "data"),
		"mac refresh":  one.MAC("refresh", "data"),
		"mac under B":  two.MAC("handles", "data"),
		"mac shifted":  one.MAC("handlesd", "ata"),
		"master":       masterA,
		"sealing key":  derive(masterA, "seal"),
		"mac key":      derive(masterA, "mac/handles"),
		"mac key of B": derive(masterB, "mac/handles"),
	} {
		if other, ok := seen[string(value)]; ok {
			t.Errorf("%s equals %s", name, other)
		}
		seen[string(value)] = name
	}
	if !bytes.Equal(one.MAC("p", "d"), newSealer(t, masterA, masterB).MAC("p", "d")) {
		t.Error("a MAC depends on more than the first master")
	}
	if got := two.MACs("p", "d"); len(got) != 2 || !bytes.Equal(got[0], two.MAC("p", "d")) || !bytes.Equal(got[1], one.MAC("p", "d")) {
		t.Errorf("want one MAC per master, in their order: got %x", got)
	}
}

func TestSealerRefusesMasters(t *testing.T) {
	for name, masters := range map[string][][]byte{
		"none":  {},
		"short": {masterA[:31]},
		"long":  {append(bytes.Clone(masterA), 1)},
		"empty": {masterA, nil},
		"twice": {masterA, masterB, masterA},
	} {
		if _, err := NewSealer(masters...); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want fault.Invalid", name, err)
		}
	}
}

func TestParseMaster(t *testing.T) {
	master := make([]byte, masterSize)
	for i := range master {
		master[i] = byte(255 - i) // has - and _, + and / in base64
	}
	for name, text := range map[string]string{
		"base64":              base64.StdEncoding.EncodeToString(master),
		"base64 unpadded":     base64.RawStdEncoding.EncodeToString(master),
		"base64url":           base64.URLEncoding.EncodeToString(master),
		"base64url unpadded":  base64.RawURLEncoding.EncodeToString(master),
		"hexadecimal":         hex.EncodeToString(master),
		"HEXADECIMAL":         strings.ToUpper(hex.EncodeToString(master)),
		"with a line feed":    base64.StdEncoding.EncodeToString(master) + "\n",
		"with blanks, a tab ": "\t " + hex.EncodeToString(master) + " \r\n",
	} {
		if got, err := ParseMaster(text); err != nil || !bytes.Equal(got, master) {
			t.Errorf("%s: got %x, %v", name, got, err)
		}
	}
	for _, text := range []string{
		"", "geheim", "wachtwoord-dat-precies-32-tekens",
		base64.StdEncoding.EncodeToString(master[:31]), base64.StdEncoding.EncodeToString(append(master, 1)), hex.EncodeToString(master[:16]),
	} {
		_, err := ParseMaster(text)
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: got %v, want fault.Invalid", text, err)
		} else if text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("error shows the text: %v", err)
		}
	}
}

func TestNewMasterIsRead(t *testing.T) {
	a, b := NewMaster(), NewMaster()
	if _, err := ParseMaster(a); err != nil || a == b {
		t.Errorf("got %q and %q, %v", a, b, err)
	}
}

func FuzzOpen(f *testing.F) {
	s := newSealer(f, masterA)
	f.Add(s.Seal([]byte("secret"), "another row"))
	f.Add([]byte{version})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if plain, err := s.Open(sealed, "row"); err == nil {
			t.Errorf("opened what nobody sealed for it: %q", plain)
		}
	})
}
