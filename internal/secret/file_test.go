package secret

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/fault"
)

func TestFileOfEverybodyIsNotRead(t *testing.T) {
	for mode, want := range map[os.FileMode]string{
		0o600: "", 0o400: "", 0o640: "", 0o440: "", 0o660: "",
		0o644: "may be used by everybody (mode 0644): chmod 0600", 0o604: "mode 0604", 0o602: "mode 0602", 0o601: "mode 0601", 0o777: "mode 0777",
	} {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte("hunter2\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // beside the umask
			t.Fatal(err)
		}
		link := path + "-link" // what counts is the file
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{path, link} {
			text, err := ReadFile(name)
			if want == "" && (err != nil || text != "hunter2\n" || Private(name) != nil) {
				t.Errorf("%04o: %q, %v, %v", mode, text, err, Private(name))
			}
			if want != "" && (text != "" || !strings.Contains(fmt.Sprint(err), want) || !errors.Is(err, fault.Refused) || !errors.Is(Private(name), fault.Refused)) {
				t.Errorf("%04o: %q, %v, want %s", mode, text, err, want)
			}
		}
	}
	long := filepath.Join(t.TempDir(), "long")
	if err := os.WriteFile(long, make([]byte, longestFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(long); err == nil {
		t.Error("a file of any length is read")
	}
	if _, err := ReadFile(long + "-not"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
