package staff

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What an act touches, shown by two that are there: the table, its function and its method here; the constant of its
// event, the row of its mail; and the door that offers it. The act that a test makes up touches its test.
func TestFilesThatAnActTouches(t *testing.T) {
	for name, row := range map[string]struct {
		words string
		want  []string
	}{
		"reset two-step authentication": {
			`audit\.TwoStepReset\b|\bTwoStepReset +Kind\b|\bResetTwoStep\(`,
			[]string{
				"audit/audit.go", "cmd/idp/account_reset.go", "login/admin/deeds.go", "outbox/kind.go", // its mail
				"staff/account.go", "staff/acts.go", "staff/guard.go", "staff/pending.go", // it may wait
				"staff/pending_test.go", "staff/persons_test.go", "staff/referral.go", "staff/referral_test.go",
				"staff/staff_test.go", "staff/waiting_test.go",
			},
		},
		"end sessions, which the command line does not offer": {
			`\bEndSessions\(`,
			[]string{"login/admin/deeds.go", "staff/account.go", "staff/acts.go", "staff/waiting_test.go"},
		},
		"disable a party": {
			`\bDisableParty\(|\.DisableParty\b`,
			[]string{"cmd/idp/party.go", "staff/settings.go", "staff/staff_test.go"},
		},
		"praise": {`account\.praise`, []string{"staff/staff_test.go"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := naming(t, regexp.MustCompile(row.words)); !slices.Equal(got, row.want) {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

// naming lists the Go files of the module in which a pattern is found, without tests of others and their tools.
func naming(t *testing.T, words *regexp.Regexp) (files []string) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path = filepath.ToSlash(path)[len(".."):]
		path = strings.TrimPrefix(path, "/")
		hidden := strings.HasPrefix(d.Name(), ".") && path != ""
		if d.IsDir() && (hidden || slices.Contains([]string{"var", "testdata", "internal/idptest"}, path)) {
			return filepath.SkipDir
		}
		ours := strings.HasPrefix(path, "staff/") && path != "staff/touched_test.go"
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") && !ours {
			return nil
		}
		text, err := os.ReadFile(filepath.Join("..", path))
		if err == nil && words.Match(text) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
