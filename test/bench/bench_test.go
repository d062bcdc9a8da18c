package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/secret"
)

func TestFormsAreSentAsABrowserSendsThem(t *testing.T) {
	page := `<form action="/search"><input name="q"></form>
<form method="post" action="/login?x=1"><input type="hidden" name="csrf" value="t&amp;1"><input name="user"><input name="pw" type="password">
<input type="checkbox" name="remember"><button name="go" value="yes">In</button><button name="go" value="no">Out</button></form>`
	f := pick(parseForms([]byte(page)), "pw")
	if f == nil || f.method != "POST" || f.action != "/login?x=1" {
		t.Fatalf("got %+v, want the form with the password", f)
	}
	if got, want := f.values.Encode(), "csrf=t%261&go=yes&pw=&user="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	outside := `<button form=step name=do value=continue></button><button form=step name=lang value=nl></button>` +
		`<form id=step method=post><input name=pw><button name=go value=forgot>Forgot</button><button name=do value=continue>In</button></form>`
	if f = pick(parseForms([]byte(outside)), "pw"); f.values.Get("do") != "continue" || f.values.Has("go") || f.values.Has("lang") {
		t.Errorf("Enter sends %v, want the first button of the form, wherever it stands", f.values)
	}
	f = pick(parseForms([]byte(`<form><input name=q></form><form method=POST><input type=hidden name=c value=1><input type=submit name=ok value=1></form>`)), "pw")
	if f == nil || f.values.Get("ok") != "1" {
		t.Errorf("got %+v, want the form with a button", f)
	}
}

func TestOnlyLoopbackIsDialled(t *testing.T) {
	for _, address := range []string{"http://192.0.2.1/", "http://example.org/", "https://127.0.0.1/"} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newBrowser().do("GET", u, "", nil); err == nil || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("%s: got %v, want a refusal", address, err)
		}
	}
}

// The ceiling passes the same checks as a provider, and a measurement counts what it did.
func TestMeasuringTheCeiling(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	password := secret.Token()
	h, err := helloHandler("http://"+l.Addr().String(), password)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	s.Start()
	defer s.Close()
	p := &provider{Name: ceiling, Issuer: s.URL, PID: os.Getpid(), Parties: map[string]party{
		roleMachineJWT: {ID: "ES256", Secret: password, Scopes: "api"}, roleMachineRSA: {ID: "RS256", Secret: password, Scopes: "api"},
		roleMachineOpaque: {ID: opaque, Secret: password, Scopes: "api"},
	}}
	if err := p.discover(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"discovery", "jwks", "machine_jwt", "machine_opaque", "machine_rs256"} {
		sc, err := scenarioOf(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := measure(t.Context(), p, sc, effort{workers: 2, lasts: 50 * time.Millisecond})
		if err != nil || r.failures != 0 || r.perSecond == 0 || r.p50 <= 0 || r.p99 < r.p50 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	p.Parties[roleMachineJWT] = party{ID: "ES256", Secret: "wrong", Scopes: "api"}
	if _, err := measure(t.Context(), p, scenario{name: "wrong", role: roleMachineJWT, do: (*worker).machine}, effort{workers: 1, lasts: 20 * time.Millisecond}); err == nil {
		t.Error("a server that refuses everything was measured")
	}
}

func TestMedian(t *testing.T) {
	for _, row := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 3}, 2.5}} {
		if got := median(row.of); got != row.want {
			t.Errorf("%v: got %v, want %v", row.of, got, row.want)
		}
	}
}

// TestMain is the ceiling where a test starts it as a process of its own.
func TestMain(m *testing.M) {
	if port := os.Getenv("BENCH_HELLO"); port != "" {
		if err := hello(context.Background(), []string{"-listen", "127.0.0.1:" + port}); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// waitFor waits until something is so, and fails if it takes half a minute.
func waitFor(t *testing.T, so func() bool) {
	t.Helper()
	for began := now(); !so(); time.Sleep(5 * time.Millisecond) {
		if now().Sub(began) > 30*time.Second {
			t.Fatal("it did not come")
		}
	}
}
