//go:build clients

package clients_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/keys"
)

const (
	annasEmail = "anna@example.org"
	annasWords = "zeven paarse regenjassen drogen!"
)

// house is `idp serve` with a database, a certificate and a platform of its own. Its issuer has a path.
type house struct {
	t      *testing.T
	dir    string
	issuer string
	env    []string // of its commands: nothing of ours leaks in
	http   *http.Client

	authority, certificate, key string // PEM files; the authority signed the certificate, for localhost
}

// newHouse sets a platform with one account up and serves it until the test ends.
func newHouse(t *testing.T, dsn string) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir()}
	address := freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	h.issuer = "https://localhost:" + port + "/p/linde"
	h.certify()
	h.env = []string{
		"IDP_DATABASE=" + dsn, "IDP_MASTER_KEYS_FILE=" + h.file("master-keys", []byte(keys.NewMaster()+"\n")),
		"IDP_LISTEN=" + address, "IDP_OPERATOR_LISTEN=" + freeAddress(t),
		"IDP_OUTBOUND__ALLOW=127.0.0.0/8,::1/128", "SSL_CERT_FILE=" + h.authority, // parties that are told of logouts
		"IDP_TLS__CERT_FILE=" + h.certificate, "IDP_TLS__KEY_FILE=" + h.key, "IDP_LOG__LEVEL=warn",
	}
	h.command(t, "migrate")
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
	h.command(t, "apply", "--weaken", file) // the first mobile app protects less than none
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

// newsIsOut waits until the server knows what changed of a party that it knew: it looks twice a second.
func (h *house) newsIsOut() { time.Sleep(1200 * time.Millisecond) }

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

// file writes a file that only its owner may read.
func (h *house) file(name string, content []byte) string {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		h.t.Fatal(err)
	}
	return path
}

// certify makes an authority and a certificate for localhost, and an HTTP client that believes that authority only.
func (h *house) certify() {
	h.t.Helper()
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Tests of the clients"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: root.NotBefore, NotAfter: root.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	rootKey, leafKey := newKey(h.t), newKey(h.t)
	sign := func(name string, template *x509.Certificate, public any) string {
		der, err := x509.CreateCertificate(rand.Reader, template, root, public, rootKey)
		if err != nil {
			h.t.Fatal(err)
		}
		return h.file(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	h.authority = sign("authority.pem", root, rootKey.Public())
	h.certificate = sign("certificate.pem", leaf, leafKey.Public())
	pkcs8, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		h.t.Fatal(err)
	}
	h.key = h.file("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	authority, err := os.ReadFile(h.authority)
	if err != nil {
		h.t.Fatal(err)
	}
	believed := x509.NewCertPool()
	believed.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: believed}, ForceAttemptHTTP2: true}
	h.t.Cleanup(transport.CloseIdleConnections)
	h.http = &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// command runs a command of the program to its end.
func (h *house) command(t *testing.T, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), binary, args...)
	c.Env, c.Dir = h.env, h.dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("idp %v: %v\n%s", args, err, out)
	}
}

// serve starts the program, waits until it answers, and stops it with the test: it must end by itself, without having
// had anything to warn of.
func (h *house) serve() {
	h.t.Helper()
	p := start(h.t, "idp serve", exec.Command(binary, "serve"), h.env, func() error { return h.answers(h.issuer + "/.well-known/openid-configuration") })
	h.t.Cleanup(func() {
		p.stop()
		for line := range strings.Lines(p.log.String()) {
			unsent := strings.Contains(line, "wait until they expire") || strings.Contains(line, `"error":"unavailable: no mail server"`)
			if !unsent { // letters and texts, for which nothing is configured
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

// freeAddress is an address on loopback that nobody listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // it only reserved the number
	return l.Addr().String()
}
