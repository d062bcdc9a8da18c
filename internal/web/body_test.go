package web_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/web"
)

// A body is bounded for every handler, and wider for the one that says so.
func TestOneHandlerReadsMore(t *testing.T) {
	const wide = 2 << 20
	s := httptest.NewServer(wrap(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wide" {
			web.RaiseBodyLimit(r, wide)
		}
		body, err := io.ReadAll(r.Body)
		if web.TooLarge(err) {
			web.Drain(r, 64<<20)
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		} else if err != nil {
			t.Error(err)
		}
		_, _ = fmt.Fprint(w, len(body))
	}, &strings.Builder{}))
	defer s.Close()
	for _, row := range []struct {
		path   string
		size   int
		status int
		read   int
	}{
		{"/", web.MaxBody, http.StatusOK, web.MaxBody},
		{"/", web.MaxBody + 1, http.StatusRequestEntityTooLarge, web.MaxBody},
		{"/wide", wide, http.StatusOK, wide},
		{"/wide", wide + 1, http.StatusRequestEntityTooLarge, wide},
		{"/wide", 50 << 20, http.StatusRequestEntityTooLarge, wide}, // the answer arrives, though more was being sent
	} {
		res, err := http.Post(s.URL+row.path, "text/csv", strings.NewReader(strings.Repeat("x", row.size)))
		if err != nil {
			t.Errorf("%s of %d: %v", row.path, row.size, err)
			continue
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != row.status || string(text) != fmt.Sprint(row.read) {
			t.Errorf("%s of %d: %d, read %s, %v; want %d, %d", row.path, row.size, res.StatusCode, text, err, row.status, row.read)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x"))
	web.RaiseBodyLimit(r, 1)
	web.Drain(r, 1)
	if body, err := io.ReadAll(r.Body); err != nil || string(body) != "x" {
		t.Errorf("outside Wrap: %q, %v", body, err)
	}
}
