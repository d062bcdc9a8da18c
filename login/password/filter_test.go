package password

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

func build(t *testing.T, list string, atLeast int64) (*Filter, Built) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "passwords.filter")
	built, err := CreateFilter(strings.NewReader(list), path, atLeast)
	if err != nil {
		t.Fatal(err)
	}
	f, err := OpenFilter(path)
	if err != nil {
		t.Fatal(err)
	}
	return f, built
}

func TestFilterHasWhatWasListed(t *testing.T) {
	// The first hash is the one that Have I Been Pwned gives as its example: of "password".
	list := "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10437277\r\n" +
		"7c4a8d09ca3762af61e59520943dc26494f8941b:2\n" + // of 123456, seen twice
		"kapper-lantaarn-molen\r\nkapper-lantaarn-molen\n\n cafe\u0301 \n" + strings.Repeat("x", 10_000) + "\nlast line, without an end"
	f, built := build(t, list, 3)
	if built != (Built{Lines: 8, Skipped: 3, Records: 4}) || f.Count() != 4 {
		t.Errorf("%+v, %d records", built, f.Count())
	}
	for password, want := range map[string]bool{
		"password": true, "123456": false, "kapper-lantaarn-molen": true, "kapper-lantaarn-molen\r": false, "": false, " caf\u00e9 ": true,
		"caf\u00e9": false, "last line, without an end": true, "Password": false, strings.Repeat("x", 10_000): false, strings.Repeat("x", longestLine): false,
	} {
		if got, err := f.Has(password); got != want || err != nil {
			t.Errorf("%.30q: %t %v", password, got, err)
		}
	}
	var none *Filter
	if got, err := none.Has("password"); got || err != nil {
		t.Errorf("no filter: %t %v", got, err)
	}
}

func TestRuleAsksTheFilter(t *testing.T) {
	f, _ := build(t, "kapper-lantaarn-molen-zeehond\ncaf\u00e9 met appeltaart en slagroom\n", 1)
	for password, want := range map[string]Mistake{
		"kapper-lantaarn-molen-zeehond": Leaked, "cafe\u0301 met appeltaart en slagroom": Leaked, "kapper-lantaarn-molen-zeehonden": None,
	} {
		if got, err := (Rule{Filter: f}).Check(platform.DefaultPolicy().Password, password, nil); got != want || err != nil {
			t.Errorf("%q: %q %v", password, got, err)
		}
	}
}

// A list that does not fit into memory is sorted in parts: the result is the same, and no part is left.
func TestFilterIsTheSameFromParts(t *testing.T) {
	var list strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&list, "password %d\n", i*7919%5000) // each twice, in no order
	}
	var files [][]byte
	for _, atOnce := range []int{7, 1000, 5000, 10_000, 1 << 20} {
		dir := t.TempDir()
		out, err := os.Create(filepath.Join(dir, "out"))
		if err != nil {
			t.Fatal(err)
		}
		built, err := buildFilter(strings.NewReader(list.String()), out, dir, 1, atOnce)
		if err != nil || built.Records != 5000 {
			t.Fatalf("%d at once: %+v %v", atOnce, built, err)
		}
		_ = out.Close() // its content is compared
		left, _ := os.ReadDir(dir)
		if len(left) != 1 {
			t.Errorf("%d at once: %d files are left", atOnce, len(left))
		}
		content, err := os.ReadFile(out.Name())
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, content)
		if !bytes.Equal(content, files[0]) {
			t.Errorf("%d at once: another file", atOnce)
		}
		f, err := newFilter(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5000 {
			if known, err := f.Has(fmt.Sprintf("password %d", i)); !known || err != nil {
				t.Fatalf("%d at once: %d is missing: %v", atOnce, i, err)
			}
		}
	}
}

func TestDamagedFilterIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passwords.filter")
	if _, err := CreateFilter(strings.NewReader("a\nb\nc\n"), path, 1); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	empty := append(header(0, 0), []byte(nil)...)
	if f, err := newFilter(bytes.NewReader(empty), int64(len(empty))); err != nil || f.Count() != 0 {
		t.Errorf("an empty list: %v", err)
	}
	refused := map[string][]byte{
		"empty": {}, "short": good[:10], "another file": []byte(strings.Repeat("SQLite format 3\x00", 10)), "cut": good[:len(good)-6], "cut in a record": good[:len(good)-1],
		"longer": append(bytes.Clone(good), good[headerLen:]...),
	}
	for i := range good {
		flipped := bytes.Clone(good)
		flipped[i] ^= 1
		refused[fmt.Sprintf("byte %d", i)] = flipped
	}
	for name, content := range refused {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := OpenFilter(path)
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "build-filter") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := OpenFilter(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// A build that fails leaves the old file as it was, and nothing else.
func TestFailedBuildKeepsTheOldFilter(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "passwords.filter")
	if _, err := CreateFilter(strings.NewReader("a\n"), path, 1); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the disk is gone")
	if _, err := CreateFilter(failing{broken}, path, 1); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	f, err := OpenFilter(path)
	if err != nil {
		t.Fatal(err)
	}
	if known, _ := f.Has("a"); !known {
		t.Error("the old list is gone")
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%d files are left", len(left))
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestParseLine(t *testing.T) {
	sum := "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8"
	for line, want := range map[string]record{
		sum: recordOf("password"), strings.ToUpper(sum) + ":3": recordOf("password"), sum + ":x": recordOf(sum + ":x"), sum[1:]: recordOf(sum[1:]),
		"a:b": recordOf("a:b"), sum + sum: recordOf(sum + sum),
	} {
		if got, ok := parseLine(line, 1); got != want || !ok {
			t.Errorf("%q: %s %t", line, hex.EncodeToString(got[:]), ok)
		}
	}
}

// FuzzFilter opens what an operator may have named by mistake.
func FuzzFilter(f *testing.F) {
	r := recordOf("x")
	good := append(header(1, crc32.Checksum(r[:], crcTable)), r[:]...)
	f.Add(good)
	f.Add(append(header(1<<62, 0), r[:]...))
	f.Add(header(0, 0))
	f.Fuzz(func(t *testing.T, content []byte) {
		filter, err := newFilter(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return
		}
		if _, err := filter.Has("x"); err != nil {
			t.Errorf("it was accepted: %v", err)
		}
	})
}
