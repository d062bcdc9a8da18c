package oidc_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minddistrict/idp/federation"
)

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

// Bodies that do not end, or not soon, end at our bounds: at each endpoint, whatever it is.
func TestAnswersAreBounded(t *testing.T) {
	endless := func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"access_token":"`))
		for block := []byte(strings.Repeat("a", 32<<10)); r.Context().Err() == nil; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
	slow := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" "))
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	broken := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5000")
		_, _ = w.Write([]byte("{"))
	}
	for path, endpoint := range map[string]string{
		"/.well-known/openid-configuration": "discovery", "/token": "token_endpoint", "/keys": "jwks_uri",
		"/userinfo": "userinfo_endpoint",
	} {
		for name, row := range map[string]struct {
			answer http.HandlerFunc
			why    federation.Reason
			words  string
		}{
			"endless": {endless, federation.BadForm, "more than 262144 bytes"}, "slow": {slow, federation.Unreachable,
				"no answer in time"},
			"silent": {silent, federation.Unreachable, "no answer in time"}, "broken off": {broken, federation.Unreachable,
				"no connection"},
		} {
			t.Run(endpoint+" "+name, func(t *testing.T) {
				p := newProvider(t)
				delete(p.claims, "email") // so that the UserInfo endpoint is asked
				p.instead[path] = row.answer
				c, u := p.connection(), p.upstream()
				u.Impatient(300 * time.Millisecond)
				begun := time.Now()
				_, err := p.answer(u, c, p.request(c, false))
				if published := path == "/.well-known/openid-configuration" || path == "/keys"; published && name == "endless" {
					row.why = federation.Misconfigured // what is there is none of theirs
				}
				refused(t, err, row.why, row.words, endpoint)
				if took := time.Since(begun); took > 5*time.Second {
					t.Errorf("took %s", took)
				}
			})
		}
	}
}

// A redirect may lead into our own network, and would take the code and the secret along.
func TestNoRedirectIsFollowed(t *testing.T) {
	for _, path := range []string{"/token", "/keys", "/userinfo"} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			p := newProvider(t)
			delete(p.claims, "email")
			p.instead[path] = func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, p.URL+"/elsewhere", status)
			}
			c, u := p.connection(), p.upstream()
			if _, err := p.answer(u, c, p.request(c, false)); federation.ReasonOf(err) == "" || p.count("/elsewhere") != 0 {
				t.Errorf("%s, %d: %v, called %d times", path, status, err, p.count("/elsewhere"))
			}
		}
	}
}

// Metadata names addresses, and the guard looks at each: with the exception that an operator makes, the attack passes.
func TestMetadataLeadsNowhereInside(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	var hits atomic.Int64
	inside := &httptest.Server{Listener: listener,
		Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			hits.Add(1)
			w.WriteHeader(500)
		})}}
	inside.Start()
	defer inside.Close()
	for name, reads := range map[string]string{"token_endpoint": "127.0.0.2", "jwks_uri": "127.0.0.2",
		"userinfo_endpoint": "127.0.0.2"} {
		for _, allowed := range []bool{false, true} {
			hits.Store(0)
			p := newProvider(t)
			delete(p.claims, "email")
			p.says[name] = inside.URL + "/secrets"
			c, u := p.connection(), p.upstream()
			if allowed {
				u = p.upstream("127.0.0.0/8")
			}
			_, err := p.answer(u, c, p.request(c, false))
			if allowed {
				refused(t, err, federation.Unreachable, name, "500")
				if hits.Load() == 0 {
					t.Errorf("%s: allowed, and not called: the test shows nothing", name)
				}
				continue
			}
			refused(t, err, federation.Unreachable, name, reads, "no public address")
			if hits.Load() != 0 {
				t.Errorf("%s: called inside", name)
			}
		}
	}
}

// A name that leads inside says so to the log, and to the organisation only that it is not public.
func TestADetailNamesNoAddressOfOurs(t *testing.T) {
	p := newProvider(t)
	p.says["token_endpoint"] = strings.Replace(p.URL, "127.0.0.1", "localhost", 1) + "/token"
	p.says["issuer"] = p.URL
	c := p.connection()
	_, err := p.answer(p.upstream("127.0.0.9/32", "127.0.0.1/32"), c, p.request(c, false))
	if err != nil {
		t.Fatalf("allowed: %v", err)
	}
	u := p.upstream("127.0.0.9/32")
	_, err = p.answer(u, c, p.request(c, false))
	refused(t, err, federation.Unreachable, "no public address")
	if strings.Contains(err.Error(), "allow") || !strings.Contains(p.log.String(), "endpoint=discovery") {
		t.Errorf("%v; log: %s", err, &p.log)
	}
}
