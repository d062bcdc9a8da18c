//go:build clients

package clients_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/minddistrict/idp/test/chromium"
)

// singlePageHTML is a single-page application around the module of the document. It shows who is signed in, or what went
// wrong, in #who. A bundler does what the import map does here.
const singlePageHTML = `<!doctype html><html lang="en"><title>app</title><link rel="icon" href="data:,">
<p id="who" hidden></p>
<script type="importmap">{"imports": {"oidc-client-ts": "/oidc-client-ts.js", "jwt-decode": "/jwt-decode.js"}}</script>
<script type="module">
import { manager, person } from '/app.js'
function show(user) {
  const p = document.getElementById('who')
  p.textContent = user ? user.profile.email : 'nobody'
  p.hidden = false
}
window.manager = manager
window.about = user => JSON.stringify({ access: user.access_token, refresh: user.refresh_token, email: user.profile.email, family: user.profile.family_name, sub: user.profile.sub })
person().then(show, e => show({ profile: { email: e.error ?? String(e) } }))
</script>`

// holder is what the application holds.
type holder struct{ Access, Refresh, Email, Family, Sub string }

func singlePage(t *testing.T, h *house) {
	version := npmVersion(t, "oidc-client-ts")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	origin := "http://localhost:" + port
	const section = "oidc-client-ts"
	h.registers(t, section, 0, origin)
	serveSinglePage(t, l, h.documented(t, section, "js", 0, origin))
	ctx := openChromium(t, h)
	c := client{t, "oidc-client-ts in Chromium", version}
	var first holder
	c.check("sign-in by redirect: discovery, token and userinfo across origins (CORS)", func(t *testing.T) {
		do(t, ctx, "signing in", chromedp.Navigate(origin+"/"), visible("#who"), run(`void manager.signinRedirect(); true`), visible("#email"),
			chromedp.SendKeys(chromedp.CSS("#email"), annasEmail), chromedp.SendKeys(chromedp.CSS("#password"), annasWords),
			chromedp.Click(chromedp.CSS("button[value=continue]")), visible("#who"))
		if who := read(t, ctx, "#who"); who != annasEmail {
			t.Fatalf("signed in: %s", who)
		}
		if first = hold(t, ctx, `manager.getUser()`); first.Family != "Bakker" {
			t.Errorf("%+v", first)
		}
	})
	c.check("renewal by refresh token, three times, with rotation", func(t *testing.T) {
		last := first
		for range 3 {
			next := hold(t, ctx, `manager.signinSilent()`)
			if next.Access == last.Access || next.Refresh == last.Refresh || next.Sub != first.Sub || next.Email != annasEmail {
				t.Fatalf("renewed %+v into %+v", last, next)
			}
			last = next
		}
	})
	c.check("single sign-on by prompt=none", func(t *testing.T) {
		do(t, ctx, "signing in silently", run(`void manager.signinRedirect({ prompt: 'none' }); document.body.remove(); true`), visible("#who"))
		if who := read(t, ctx, "#who"); who != annasEmail {
			t.Errorf("signed in: %s", who)
		}
	})
	c.check("revocation of the tokens", func(t *testing.T) {
		before := hold(t, ctx, `manager.getUser()`)
		status, err := chromedp.Run(ctx, chromedp.Evaluate[int](
			`manager.revokeTokens(['refresh_token']).then(() => fetch(`+fmt.Sprintf("%q", h.issuer+"/userinfo")+`, { headers: { Authorization: 'Bearer `+before.Access+`' } })).then(r => r.status)`,
			chromedp.EvalAwaitPromise))
		if err != nil || status != http.StatusUnauthorized {
			t.Errorf("userinfo afterwards: %d, %v", status, err)
		}
	})
	c.check("logout, and nobody is signed in any more", func(t *testing.T) {
		do(t, ctx, "signing out", run(`void manager.signoutRedirect({ state: 'x' }); document.body.remove(); true`), visible("#who"))
		if at, err := chromedp.Run(ctx, chromedp.Location()); err != nil || !strings.HasPrefix(at, origin+"/bye") {
			t.Fatalf("at %s, %v", at, err)
		}
		do(t, ctx, "asking who is there", run(`void manager.signinRedirect({ prompt: 'none' }); document.body.remove(); true`), visible("#who"))
		if who := read(t, ctx, "#who"); who != "login_required" {
			t.Errorf("signed in: %s", who)
		}
	})
}

// serveSinglePage serves the application with its libraries until the test ends.
func serveSinglePage(t *testing.T, l net.Listener, app string) {
	t.Helper()
	mux := http.NewServeMux()
	module := func(path, content string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = io.WriteString(w, content) // the browser is gone, then
		})
	}
	module("/app.js", app)
	module("/oidc-client-ts.js", readFile(t, filepath.Join(tools, "node_modules", "oidc-client-ts", "dist", "esm", "oidc-client-ts.js")))
	module("/jwt-decode.js", readFile(t, filepath.Join(tools, "node_modules", "jwt-decode", "build", "esm", "index.js")))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, singlePageHTML) // as above
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }() // ends with the test
	t.Cleanup(func() { _ = server.Close() })
}

// openChromium starts Chromium with an empty profile. It believes the certificate of the server; userinfo is refused on
// purpose.
func openChromium(t *testing.T, h *house) context.Context {
	t.Helper()
	return chromium.Start(t, "status of 401",
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("ignore-certificate-errors-spki-list", fingerprint(t, h.Chain)))
}

// fingerprint is what Chromium names the key of a certificate by.
func fingerprint(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(content)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// hold waits for a user of the library.
func hold(t *testing.T, ctx context.Context, promise string) (got holder) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	answer, err := chromedp.Run(ctx, chromedp.Evaluate[string](promise+".then(about)", chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", promise, err)
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil || got.Access == "" || got.Refresh == "" {
		t.Fatalf("%s: %v, %s", promise, err, answer)
	}
	return got
}

var do, read, visible = chromium.Do, chromium.Read, chromium.Visible

// run runs a script that leads away.
func run(script string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script))
		return err
	})
}
