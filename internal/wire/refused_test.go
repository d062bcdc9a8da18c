package wire_test

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/wire"
)

// Whatever is refused has an error and a reason on its line, and a route, which is none for what is no address of ours.
// Browsers get a page in their language where there is no platform to speak for, programs a line.
func TestRefusalsSayWhyInTheLog(t *testing.T) {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Declare(idptest.Demo{})
	var log strings.Builder
	s.House = s.Another(func(o *wire.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	const issuer, nobody = "https://login.linde.test", "not found"
	for says, row := range map[string]struct {
		method, address, body, accept, language string
		status                                  int
		line, shows                             string
	}{
		"unknown host, Dutch":   {"GET", "https://nobody.test/x", "", "text/html", "nl", 404, `error=not_found reason="no platform has this host and path"`, `lang="nl"`},
		"unknown host, English": {"GET", "https://nobody.test/login/x", "", "text/html,*/*", "en-GB", 404, `error=not_found`, "This page does not exist"},
		"unknown host, program": {"GET", "https://nobody.test/x", "", "*/*", "", 404, `error=not_found`, "404 page not found\n"},
		"not over https":        {"GET", strings.Replace(issuer, "https", "http", 1) + "/login", "", "text/html", "", 400, `error=insecure reason="not over https`, "trusted_proxies"},
		"form of another site":  {"POST", issuer + "/forgot", "a=b", "text/html", "", 403, `error=cross_origin reason="a form of another site"`, "403"},
		"no such party":         {"GET", issuer + "/authorize?client_id=x", "", "text/html", "", 400, `error=unauthorized_client reason="unknown client" parameter=client_id`, "html"},
		"no such request":       {"GET", issuer + "/authorize/continue?request=" + strings.Repeat("a", 26), "", "", "", 400, `error=stale reason="` + nobody + `"`, "html"},
	} {
		log.Reset()
		r, err := http.NewRequest(row.method, row.address, strings.NewReader(row.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", row.accept)
		r.Header.Set("Accept-Language", row.language)
		if row.body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if row.status == http.StatusForbidden {
			r.Header.Set("Origin", "https://evil.test")
		}
		res, err := s.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != row.status || !strings.Contains(string(body), row.shows) {
			t.Errorf("%s: %d %s", says, res.StatusCode, body)
		}
		if !strings.Contains(log.String(), row.line) || strings.Contains(log.String(), `route=""`) {
			t.Errorf("%s: want %s in the log: %s", says, row.line, log.String())
		}
		if strings.HasPrefix(says, "unknown host") && !strings.Contains(log.String(), " route=none path=… ") {
			t.Errorf("%s: %s", says, log.String())
		}
	}
}
