//go:build clients

package clients_test

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/test/program"
)

const (
	annasEmail = "anna@example.org"
	annasWords = idptest.Password
)

// house is `idp serve` with a database, a certificate and a platform of its own. Its issuer has a path.
type house struct {
	*program.Install
	program.Certificate
	t        *testing.T
	issuer   string
	operator string // address of the operator's listener
	http     *http.Client
}

// newHouse sets a platform with one account up and serves it until the test ends.
func newHouse(t *testing.T, dsn string) *house {
	t.Helper()
	h := &house{Install: program.NewInstall(t, dsn), t: t, operator: program.FreeAddress(t)}
	address := program.FreeAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	h.issuer = "https://localhost:" + port + "/p/linde"
	h.Certificate = h.Certify()
	h.http = &http.Client{Transport: h.Transport, Timeout: 20 * time.Second}
	h.Env = append(h.Env,
		"IDP_LISTEN="+address, "IDP_OPERATOR_LISTEN="+h.operator, "IDP_LOG__LEVEL=warn",
		"IDP_OUTBOUND__ALLOW=127.0.0.0/8,::1/128", "SSL_CERT_FILE="+h.Authority, // parties that are told of logouts
		"IDP_TLS__CERT_FILE="+h.Chain, "IDP_TLS__KEY_FILE="+h.Key)
	h.OK("migrate")
	h.apply(t, "accounts", `
      - email: `+annasEmail+`
        role: client
        name: { given: Anna, middle: van der, family: Bakker }
        password: "`+annasWords+`"
`)
	h.serve()
	return h
}

// apply says to `idp apply` that the platform has these parties or accounts.
func (h *house) apply(t *testing.T, section, entries string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "apply.yaml")
	err := os.WriteFile(file, []byte(`platforms:
  - name: linde
    issuer: `+h.issuer+`
    organisation: GGZ De Linde
    home_url: https://linde.example.net
    locale: en
    policy: { second_factor: { client: off, staff: off } }
    `+section+":"+entries), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	h.OK("apply", "--weaken", file) // the first mobile app protects less than none
}

// register adds parties to the platform while it is served, and waits until the server knows the last of them.
func (h *house) register(t *testing.T, entries string) {
	t.Helper()
	h.apply(t, "parties", entries)
	h.known(t, entries)
}

// known waits until the server knows the last party that was declared.
func (h *house) known(t *testing.T, entries string) {
	t.Helper()
	_, last, _ := cutLast(entries, "client_id: ")
	id, rest, _ := strings.Cut(last, "\n")
	_, redirect, _ := strings.Cut(rest, "redirect_uris: [")
	redirect = strings.Trim(redirect[:strings.IndexAny(redirect, ",]")], `"`)
	// Without a challenge the answer is an error for the party; that of an unknown one is our own page.
	probe := h.issuer + "/authorize?" + url.Values{"client_id": {id}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid"}}.Encode()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		res, err := h.http.Transport.RoundTrip(get(t, probe))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close() // only the status matters
		if res.StatusCode == http.StatusSeeOther || res.StatusCode == http.StatusFound {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("party %s is not known to the server: %d at %s", id, res.StatusCode, probe)
		}
	}
}

// settled waits until the server knows what changed of a party that it knew.
func (h *house) settled(t *testing.T) {
	t.Helper()
	program.SettingsCount(t, h.operator)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func get(t *testing.T, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// serve starts the program, waits until it answers, and stops it with the test: it must end by itself, without having
// had anything to warn of.
func (h *house) serve() {
	h.t.Helper()
	p := start(h.t, "idp serve", exec.Command(program.Path(), "serve"), h.Env, func() error { return h.answers(h.issuer + "/.well-known/openid-configuration") })
	h.t.Cleanup(func() {
		p.stop()
		for line := range strings.Lines(p.Log.String()) {
			unsent := strings.Contains(line, "wait until they expire") || strings.Contains(line, `"error":"unavailable: no mail server"`)
			if !unsent { // mails and texts, for which nothing is configured
				h.t.Errorf("idp serve warns: %s", line)
			}
		}
	})
}

// host is that of the issuer.
func (h *house) host() string {
	return strings.TrimSuffix(strings.TrimPrefix(h.issuer, "https://"), "/p/linde")
}

// answers reports whether an address can be had.
func (h *house) answers(address string) error {
	res, err := h.http.Get(address)
	if err != nil {
		return err
	}
	_ = res.Body.Close() // only the status matters
	if res.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("%s: %s", address, res.Status)
	}
	return nil
}
