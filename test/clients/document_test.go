//go:build clients

package clients_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// guide is docs/clients.md: what the tests of the clients run are its fenced blocks.
var guide document

type document struct {
	once   sync.Once
	err    error
	text   string
	mu     sync.Mutex // guards taken of the blocks
	blocks []*fence
}

// fence is a fenced block: under which heading of the second level, in which language, what it says.
type fence struct {
	section, language, text string
	line                    int // of the document, where it begins
	taken                   bool
}

// read reads the document once: the same for all clients of a run. IDP_CLIENTS_DOCUMENT names another copy of it, by
// which a change to a block can be tried.
func (d *document) read(t *testing.T) {
	t.Helper()
	d.once.Do(func() {
		path := os.Getenv("IDP_CLIENTS_DOCUMENT")
		if path == "" {
			path = "../../docs/clients.md"
		}
		var content []byte
		if content, d.err = os.ReadFile(path); d.err == nil {
			d.text = string(content)
			d.blocks = fences(d.text)
		}
	})
	if d.err != nil {
		t.Fatal(d.err)
	}
}

func fences(text string) (all []*fence) {
	var section string
	var open *fence
	for i, line := range strings.Split(text, "\n") {
		language, fenced := strings.CutPrefix(line, "```")
		switch {
		case fenced && open == nil:
			open = &fence{section: section, language: language, line: i + 1}
		case fenced:
			all = append(all, open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		default:
			if heading, is := strings.CutPrefix(line, "## "); is {
				section = heading
			}
		}
	}
	return all
}

// block is the text of a block: the n-th, from 0, of its language below its heading.
func (d *document) block(t *testing.T, section, language string, n int) string {
	t.Helper()
	d.read(t)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range d.blocks {
		if b.section != section || b.language != language {
			continue
		}
		if n == 0 {
			b.taken = true
			return b.text
		}
		n--
	}
	t.Fatalf("docs/clients.md has no such block: %q, %s", section, language)
	return ""
}

// untaken are the blocks that nobody ran.
func (d *document) untaken(t *testing.T) (left []*fence) {
	t.Helper()
	d.read(t)
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(d.blocks), func(b *fence) bool { return b.taken })
}

// placeholder is what the blocks have where a reader puts something of their own.
type placeholder struct {
	text  string
	means func(h *house, app string) string // nil: the test of the client says it
}

// placeholders are all that is replaced in a block before it runs. The document explains the same ones in its table.
var placeholders = []placeholder{
	{"https://login.example.org", func(h *house, _ string) string { return h.issuer }},
	{"https://app.example.org", func(_ *house, app string) string { return app }},
	{"login.example.org", func(h *house, _ string) string { return h.host() }},
	{"the-secret-of-this-client", func(*house, string) string { return secretText }},
	{"the-secret-of-the-api", func(*house, string) string { return secretText }},
	{"a-random-text-of-your-own", func(*house, string) string { return secretText }},
	{"the-x-of-your-key", nil}, {"the-y-of-your-key", nil}, // known to the tests of these clients
	{"localhost:8080", nil},
}

// shorter are times of the blocks for which a test does not wait: the same setting with a time that passes at once.
var shorter = []string{
	"max_age=300", "max_age=1",
	"OIDCRefreshAccessTokenBeforeExpiry 600", "OIDCRefreshAccessTokenBeforeExpiry 900",
	`cookie_refresh = "10m"`, `cookie_refresh = "1s"`,
}

// documented is a block as a reader has it: with an issuer, the address of an application and secrets of their own, and
// with more that only one client has.
func (h *house) documented(t *testing.T, section, language string, n int, app string, more ...string) string {
	t.Helper()
	pairs := append(slices.Clone(more), shorter...)
	for _, p := range placeholders {
		if p.means != nil {
			pairs = append(pairs, p.text, p.means(h, app))
		}
	}
	return strings.NewReplacer(pairs...).Replace(guide.block(t, section, language, n))
}

// registers has `idp apply` read a block that registers a client, and waits until the server knows it.
func (h *house) registers(t *testing.T, section string, n int, app string, more ...string) {
	t.Helper()
	h.applied(t, h.documented(t, section, "yaml", n, app, more...))
}

// applied has `idp apply` read a file, and waits until the server knows the last party in it that has an address.
func (h *house) applied(t *testing.T, content string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "apply.yaml")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	h.OK("apply", file)
	if strings.Contains(content, "redirect_uris:") {
		h.known(t, content)
	}
}

const (
	allauthSection = "Django with django-allauth"
	authlibSection = "Flask with Authlib"
	authjsSection  = "Express with Auth.js"
	rustSection    = "Rust with openidconnect"
)

// isLater reports whether a block is one of those that `make clients` runs and `make test` does not.
func isLater(b *fence) bool {
	return slices.Contains([]string{allauthSection, authlibSection, authjsSection, rustSection}, b.section)
}

// everyBlockRan wants each block of the document to have been run, where all clients were.
func everyBlockRan(t *testing.T) {
	if t.Failed() || flag.Lookup("test.run").Value.String() != "" || flag.Lookup("test.skip").Value.String() != "" {
		return
	}
	for _, b := range guide.untaken(t) {
		if isLater(b) {
			continue
		}
		t.Errorf("docs/clients.md:%d: nobody ran this block of %q", b.line, b.section)
	}
}

// TestDocumentNamesWhatIsTested keeps the table of docs/clients.md true. Apache's versions are those of the machine.
func TestDocumentNamesWhatIsTested(t *testing.T) {
	guide.read(t)
	for name, version := range map[string]string{
		"openid-client": npmVersion(t, "openid-client"), "oidc-client-ts": npmVersion(t, "oidc-client-ts"), "@openid/appauth": npmVersion(t, "@openid/appauth"),
		"oauth2-proxy":                      proxyVersion(t),
		"jose":                              npmVersion(t, "jose"),
		"oidc-provider":                     npmVersion(t, "oidc-provider"),
		"spring-boot-starter-oauth2-client": springBootVersion(t), "spring-boot-starter-oauth2-resource-server": springBootVersion(t),
		"github.com/coreos/go-oidc/v3": moduleVersion(t, "github.com/coreos/go-oidc/v3"), "golang.org/x/oauth2": moduleVersion(t, "golang.org/x/oauth2"),
		"github.com/zitadel/oidc/v3": moduleVersion(t, "github.com/zitadel/oidc/v3"),
	} {
		if row := "| `" + name + "` | " + version + " |"; !strings.Contains(guide.text, row) {
			t.Errorf("docs/clients.md has no row %s", row)
		}
	}
	for _, row := range []string{
		"| Express with `@auth/express` (Auth.js) | " + authjsVersion(t, "express") + " with " + authjsVersion(t, "@auth/express") + " |",
		"| Rust with `openidconnect` | " + openidconnectVersion(t) + " |",
		"| Spring Boot 4 | " + springFourVersion + " |",
	} {
		if !strings.Contains(guide.text, row) {
			t.Errorf("docs/clients.md has no row %s", row)
		}
	}
	for _, pair := range [][2]string{{"Django", "mozilla-django-oidc"}, {"Django", "django-allauth"}, {"Flask", "Authlib"}} {
		row := "| " + pair[0] + " with `" + pair[1] + "` | " + pythonVersion(t, pair[0]) + " with " + pythonVersion(t, pair[1]) + " |"
		if !strings.Contains(guide.text, row) {
			t.Errorf("docs/clients.md has no row %s", row)
		}
	}
}

// TestPlaceholdersAreExplained keeps the table of docs/clients.md that says what readers replace, and each of its rows
// used.
func TestPlaceholdersAreExplained(t *testing.T) {
	guide.read(t)
	for _, p := range placeholders {
		if row := "| `" + p.text + "` |"; !strings.Contains(guide.text, row) {
			t.Errorf("docs/clients.md does not explain %s", p.text)
		}
		if !slices.ContainsFunc(guide.blocks, func(b *fence) bool { return strings.Contains(b.text, p.text) }) {
			t.Errorf("no block of docs/clients.md has %s", p.text)
		}
	}
	for i := 0; i < len(shorter); i += 2 {
		if !slices.ContainsFunc(guide.blocks, func(b *fence) bool { return strings.Contains(b.text, shorter[i]) }) {
			t.Errorf("no block of docs/clients.md has %s", shorter[i])
		}
	}
}
