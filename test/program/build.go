package program

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// path is that of the built program.
var path string

// Path is where Main put the built program.
func Path() string { return path }

// Main builds the program with flags of `go build`, runs the tests, and returns what TestMain exits with.
func Main(m *testing.M, flags ...string) int {
	dir, err := os.MkdirTemp("", "idp")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // left behind, it harms nobody
	path = filepath.Join(dir, "idp")
	args := slices.Concat([]string{"build"}, flags, []string{"-o", path, "github.com/minddistrict/idp/cmd/idp"})
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building idp: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
