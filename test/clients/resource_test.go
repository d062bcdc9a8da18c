//go:build clients

package clients_test

import (
	"crypto"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/minddistrict/idp/internal/phone"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/test/program"
)

const (
	resourceSection = "Resource servers"
	journalApp      = "http://localhost/journal" // the address of the client that calls the API: no server answers there
)

// registerJournal declares the document's API and the client that calls it, and beside them one whose tokens are for
// nobody else, and one whose tokens are opaque.
func registerJournal(t *testing.T, h *house) {
	t.Helper()
	h.registers(t, resourceSection, 0, journalApp)
	block := h.documented(t, resourceSection, "yaml", 0, journalApp)
	for id, line := range map[string]string{"journal-other": "        audience: [journal-api]\n", "journal-opaque": "        access_token: jwt\n"} {
		without := strings.NewReplacer("journal-app", id, line, "").Replace(block)
		if strings.Count(without, "\n") != strings.Count(block, "\n")-1 {
			t.Fatalf("the registration has no line %q", line)
		}
		h.applied(t, without)
	}
}

// caller is the client that calls an API on behalf of Anna.
type caller struct {
	*goParty
	h     *house
	key   crypto.Signer // which its tokens are bound to; nil: to none
	token *oauth2.Token
	id    *oidc.IDToken
}

func newCaller(t *testing.T, h *house, id string, key crypto.Signer, scopes ...string) *caller {
	t.Helper()
	c := &caller{goParty: newGoParty(t, h, id, secretText, journalApp+"/callback", scopes...), h: h, key: key}
	if key != nil {
		c.ctx = oidc.ClientContext(t.Context(), &http.Client{Transport: proving{h.http.Transport, key}})
	}
	_, c.token, c.id = c.signIn(t, h)
	return c
}

// proving sends a proof of a key with each request, as a client of the token endpoint does (RFC 9449 section 5).
type proving struct {
	http.RoundTripper
	key crypto.Signer
}

func (p proving) RoundTrip(r *http.Request) (*http.Response, error) {
	proof, err := newProof(r.Method, r.URL, "").Sign(p.key)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("DPoP", proof)
	return p.RoundTripper.RoundTrip(r)
}

func newProof(method string, address *url.URL, token string) phone.Proof {
	return phone.Proof{Method: method, URL: address.Scheme + "://" + address.Host + address.Path, ID: secret.Token(), At: time.Now(), Token: token}
}

// call asks an API for something. with is the header Authorization; proof may be empty.
func (h *house) call(t *testing.T, api, with, proof string) (status int, body string) {
	t.Helper()
	r := get(t, api)
	r.Header.Set("Authorization", with)
	if proof != "" {
		r.Header.Set("DPoP", proof)
	}
	res, err := h.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // it was read
	content, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(content)
}

// proven calls with a token that is bound to a key, and a proof by that key, or by another.
func (c *caller) proven(t *testing.T, api string, key crypto.Signer, change func(*phone.Proof)) (status int, proof string) {
	t.Helper()
	r := get(t, api)
	said := newProof(r.Method, r.URL, c.token.AccessToken)
	if change != nil {
		change(&said)
	}
	proof, err := said.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	status, _ = c.h.call(t, api, "DPoP "+c.token.AccessToken, proof)
	return status, proof
}

// journal is an API of the document that runs.
type journal struct {
	address    string
	introspect bool // it asks us about each token: takes opaque ones, and knows at once of a revocation
	proofs     bool // it checks proofs; otherwise it refuses tokens that are bound to a key
}

func (j journal) checks(c client, h *house) {
	refuses := func(t *testing.T, what, with string) {
		t.Helper()
		if status, body := h.call(t, j.address, with, ""); status != http.StatusUnauthorized && status != http.StatusForbidden {
			t.Errorf("%s: %d\n%s", what, status, body)
		}
	}
	var app *caller
	c.check("access token of a client that names the API in audience", func(t *testing.T) {
		app = newCaller(t, h, "journal-app", nil, "journal.write")
		if status, body := h.call(t, j.address, "Bearer "+app.token.AccessToken, ""); status != http.StatusOK || !strings.Contains(body, app.id.Subject) {
			t.Errorf("%d, want the person %s:\n%s", status, app.id.Subject, body)
		}
		if status, _ := h.call(t, j.address, "Bearer "+newCaller(t, h, "journal-opaque", nil, "journal.write").token.AccessToken, ""); (status == http.StatusOK) != j.introspect {
			t.Errorf("an opaque one: %d", status)
		}
	})
	c.check("refused: no token, ID token, without the scope, for another audience, changed", func(t *testing.T) {
		id, _ := app.token.Extra("id_token").(string)
		refuses(t, "no token", "")
		refuses(t, "an ID token", "Bearer "+id)
		refuses(t, "another scope", "Bearer "+newCaller(t, h, "journal-app", nil, "profile").token.AccessToken)
		refuses(t, "another audience", "Bearer "+newCaller(t, h, "journal-other", nil, "journal.write").token.AccessToken)
		refuses(t, "changed", "Bearer "+app.token.AccessToken[:len(app.token.AccessToken)-6]+"AAAAAA")
	})
	c.check("bound token (DPoP)", func(t *testing.T) {
		key, foreign := program.NewKey(t), program.NewKey(t)
		bound := newCaller(t, h, "journal-app", key, "journal.write")
		refuses(t, "without its key", "Bearer "+bound.token.AccessToken)
		if !j.proofs {
			if status, _ := bound.proven(t, j.address, key, nil); status != http.StatusUnauthorized {
				t.Errorf("with a proof that nobody checks: %d", status)
			}
			return
		}
		status, proof := bound.proven(t, j.address, key, nil)
		if status != http.StatusOK {
			t.Errorf("with its key: %d", status)
		}
		if status, _ := h.call(t, j.address, "DPoP "+bound.token.AccessToken, proof); status != http.StatusUnauthorized {
			t.Errorf("the same proof again: %d", status)
		}
		if status, _ := bound.proven(t, j.address, foreign, nil); status != http.StatusUnauthorized {
			t.Errorf("with another key: %d", status)
		}
		for what, change := range map[string]func(*phone.Proof){
			"another method": func(p *phone.Proof) { p.Method = http.MethodPost }, "another address": func(p *phone.Proof) { p.URL += "/2" },
			"another token": func(p *phone.Proof) { p.Token = app.token.AccessToken }, "an old one": func(p *phone.Proof) { p.At = p.At.Add(-10 * time.Minute) },
		} {
			if status, _ := bound.proven(t, j.address, key, change); status != http.StatusUnauthorized {
				t.Errorf("a proof of %s: %d", what, status)
			}
		}
	})
	c.check("after a revocation", func(t *testing.T) {
		form := url.Values{"token": {app.token.AccessToken}, "client_id": {"journal-app"}, "client_secret": {secretText}}
		res, err := h.http.PostForm(h.issuer+"/revoke", form)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close() // only the status matters
		if status, _ := h.call(t, j.address, "Bearer "+app.token.AccessToken, ""); res.StatusCode != http.StatusOK || (status == http.StatusOK) == j.introspect {
			t.Errorf("%d after %d", status, res.StatusCode)
		}
	})
}

// resourceServers runs the document's APIs in Go, which reads JWTs, and on Node, which asks us.
func resourceServers(t *testing.T, h *house) {
	address := program.FreeAddress(t)
	built := goProgram(t, h.documented(t, resourceSection, "go", 0, journalApp, "localhost:8080", address))
	api := "http://" + address + "/api/journal"
	serving := start(t, "the API in Go", exec.Command(built), []string{"SSL_CERT_FILE=" + h.Authority}, func() error { return h.answers(api) })
	serving.simple = true
	c := client{t, "resource server: go-oidc", moduleVersion(t, "github.com/coreos/go-oidc/v3")}
	journal{address: api}.checks(c, h)
	c.check("says why it refuses", func(t *testing.T) {
		for authorization, want := range map[string]string{
			"Bearer x": "401 Unauthorized invalid_token",
			"Bearer " + newCaller(t, h, "journal-app", nil, "profile").token.AccessToken: "403 Forbidden insufficient_scope",
		} {
			r := get(t, api)
			r.Header.Set("Authorization", authorization)
			res, err := h.http.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			_ = res.Body.Close() // it was read
			word := strings.TrimSpace(string(body))
			if got := res.Status + " " + word; err != nil || got != want || res.Header.Get("WWW-Authenticate") != `Bearer error="`+word+`"` {
				t.Errorf("%s %v, want %s", got, res.Header, want)
			}
		}
	})

	_, port, _ := strings.Cut(program.FreeAddress(t), ":")
	dir := nodeFolder(t, map[string]string{"api.mjs": h.documented(t, resourceSection, "js", 0, journalApp) + h.documented(t, resourceSection, "js", 1, journalApp)})
	p := h.startNode(t, "journal.mjs", "", map[string]string{"api": dir + "/api.mjs", "port": port})
	p.do(t, "listen", nil)
	c = client{t, "resource server: openid-client, jose", npmVersion(t, "openid-client") + ", " + npmVersion(t, "jose")}
	journal{address: "http://localhost:" + port + "/api/journal", introspect: true, proofs: true}.checks(c, h)
}

// goProgram builds a program of the document, in a module that requires what ours does.
func goProgram(t *testing.T, source string) (path string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"main.go": source, "go.sum": readFile(t, "../../go.sum"),
		"go.mod": strings.Replace(readFile(t, "../../go.mod"), "module github.com/minddistrict/idp", "module example", 1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path = filepath.Join(dir, "program")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building a program of docs/clients.md: %v\n%s", err, out)
	}
	return path
}
