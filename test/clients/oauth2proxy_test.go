//go:build clients

package clients_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/test/program"
)

const (
	proxySection = "oauth2-proxy and other proxies"            // where the document has it
	proxyModule  = tools + "/oauth2-proxy"                     // a module of its own
	proxyProgram = tools + "/oauth2-proxy/target/oauth2-proxy" // as .ci/prepare builds it
	proxyPath    = "github.com/oauth2-proxy/oauth2-proxy/v7"   // of its module
)

func oauth2Proxy(t *testing.T, h *house) {
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s\n%s\n", r.Header.Get("X-Forwarded-Email"), r.Header.Get("X-Forwarded-Access-Token")) // the proxy waits for it
	}))
	t.Cleanup(behind.Close)
	address := program.FreeAddress(t)
	_, port, _ := strings.Cut(address, ":")
	origin := "https://localhost:" + port
	h.registers(t, proxySection, 0, origin)
	settings := filepath.Join(t.TempDir(), "oauth2-proxy.cfg")
	block := h.documented(t, proxySection, "toml", 0, origin, "localhost:8080", strings.TrimPrefix(behind.URL, "http://"))
	if err := os.WriteFile(settings, []byte(block), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(proxyProgram, "--config", settings, "--http-address", "", "--https-address", address,
		"--tls-cert-file", h.Chain, "--tls-key-file", h.Key)
	start(t, "oauth2-proxy", cmd, []string{"SSL_CERT_FILE=" + h.Authority}, func() error { return h.answers(origin + "/ping") })
	c := client{t, "oauth2-proxy", proxyVersion(t)}
	v := h.visitor("")
	// see is what the application behind the proxy is told.
	see := func(t *testing.T, v *visitor) (email, token string) {
		t.Helper()
		lines := strings.Split(v.Body, "\n")
		if v.Status != http.StatusOK || !strings.HasPrefix(v.URL.String(), origin+"/") || len(lines) != 3 {
			t.Fatalf("at %s (%d):\n%s", v.URL, v.Status, v.Body)
		}
		return lines[0], lines[1]
	}
	var first string
	c.check("login: code with PKCE, e-mail address of userinfo", func(t *testing.T) {
		v.signIn(t, origin+"/diary")
		var email string
		if email, first = see(t, v); email != annasEmail || first == "" {
			t.Errorf("%s", v.Body)
		}
	})
	c.check("refresh, in many requests at once", func(t *testing.T) {
		time.Sleep(2100 * time.Millisecond) // it counts in whole seconds
		statuses := make([]int, 10)
		var all sync.WaitGroup
		for i := range statuses {
			all.Go(func() {
				r := get(t, origin+"/diary")
				for _, cookie := range v.Jar.Cookies(r.URL) {
					r.AddCookie(cookie)
				}
				if res, err := h.http.Transport.RoundTrip(r); err == nil {
					statuses[i] = res.StatusCode
					_ = res.Body.Close() // only the status matters
				}
			})
		}
		all.Wait()
		for _, status := range statuses {
			if status != http.StatusOK {
				t.Errorf("answers %v", statuses)
				break
			}
		}
		v.visit(t, origin+"/diary")
		if _, token := see(t, v); token == first {
			t.Errorf("the same access token")
		}
	})
	c.check("logout, here too", func(t *testing.T) {
		v.visit(t, origin+"/oauth2/sign_out?rd="+url.QueryEscape(h.issuer+"/logout"))
		v.MustPress(t, idptest.Text("en", "logout.submit"))
		v.sees(t, "logout.done_title")
		v.visit(t, origin+"/diary")
		v.sees(t, "login.submit")
	})
}

var required = regexp.MustCompile(`(?m)^\s+` + regexp.QuoteMeta(proxyPath) + ` v(\S+)`)

// proxyVersion is the one that is built.
func proxyVersion(t *testing.T) string {
	t.Helper()
	found := required.FindStringSubmatch(readFile(t, proxyModule+"/go.mod"))
	if found == nil {
		t.Fatalf("no version of %s", proxyPath)
	}
	return found[1]
}
