package web_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/web"
)

// From the moment that the server leaves no connection is used again, over HTTP/1.1 and HTTP/2.
func TestLeavingServerEndsTheConnectionOfItsAnswers(t *testing.T) {
	for name, newer := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(name, func(t *testing.T) {
			var leaves atomic.Bool
			server := httptest.NewUnstartedServer(web.CloseConnections(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, "an answer") // the caller reads it
			}), leaves.Load))
			server.EnableHTTP2 = newer
			server.StartTLS()
			t.Cleanup(server.Close)
			ask := func() (reused bool) {
				t.Helper()
				trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused }}
				r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet, server.URL, nil)
				if err != nil {
					t.Fatal(err)
				}
				res, err := server.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(res.Body)
				_ = res.Body.Close() // read to its end
				if err != nil || string(body) != "an answer" || res.Proto != name {
					t.Fatalf("%s: %q, %v", res.Proto, body, err)
				}
				time.Sleep(100 * time.Millisecond) // GOAWAY comes after the answer
				return reused
			}
			if ask() {
				t.Error("a connection that was never used")
			}
			if !ask() {
				t.Error("the connection was not kept")
			}
			leaves.Store(true)
			if !ask() {
				t.Error("a kept connection was not served")
			}
			for range 2 {
				if ask() {
					t.Error("a connection is used again")
				}
			}
		})
	}
}

// A request that runs when the server begins to leave is answered so, too, whether its handler writes or not.
func TestAnswerThatBeganBeforeTheServerLeavesEndsItsConnection(t *testing.T) {
	for name, write := range map[string]func(http.ResponseWriter){
		"a status": func(w http.ResponseWriter) { w.WriteHeader(http.StatusSeeOther) },
		"a text":   func(w http.ResponseWriter) { _, _ = io.WriteString(w, "text") },
		"nothing":  func(http.ResponseWriter) {},
	} {
		for _, leaves := range []bool{false, true} {
			leaving := false
			w := httptest.NewRecorder()
			web.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { leaving = leaves; write(w) }), web.Options{
				Log: slog.New(slog.DiscardHandler), Now: time.Now, Leaves: func() bool { return leaving },
			}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
			if got := w.Result().Header.Get("Connection"); (got == "close") != leaves {
				t.Errorf("%s, leaving %t: Connection %q", name, leaves, got)
			}
		}
	}
}
