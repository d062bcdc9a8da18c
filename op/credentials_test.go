package op_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/wire"
)

// logged rebuilds the house with a log that is kept.
func (c caller) logged() *strings.Builder {
	c.Helper()
	var log strings.Builder
	c.House = c.Another(func(o *wire.Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	return &log
}

func basicOf(id, secret string) map[string]string {
	r, _ := http.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	return map[string]string{"Authorization": r.Header.Get("Authorization")}
}

// RFC 6749 section 2.3.1: the secret of a party that has one is taken from the header or the body, whichever is
// registered; not two of them, unless they are equal; an empty one is none. Record and log name the way that was used.
func TestSecretIsTakenFromHeaderOrBody(t *testing.T) {
	c := newCaller(t)
	log := c.logged()
	values := map[string]string{"right": secretText, "wrong": "another secret, of as many characters as a real one", "other": "yet another secret that nobody ever registered", "empty": ""}
	for id, registered := range map[string]string{"web": "basic", "post": "post", "spa": "none"} {
		for _, header := range []string{"absent", "right", "wrong", "empty"} {
			for _, body := range []string{"absent", "right", "wrong", "empty", "equal", "other"} {
				for _, named := range []bool{true, false} { // the body names the party, too
					if header == "absent" && (body == "equal" || !named) {
						continue
					}
					inHeader, inBody := values[header], values[body]
					if body == "equal" {
						inBody = inHeader
					}
					form := url.Values{}
					if named {
						form.Set("client_id", id)
					}
					if body != "absent" {
						form.Set("client_secret", inBody)
					}
					var authorization map[string]string
					if header != "absent" {
						authorization = basicOf(id, inHeader)
					}
					// The rule, told once more.
					shown, way := inHeader, "basic"
					if shown == "" {
						if shown, way = inBody, "post"; shown == "" {
							way = "none"
						}
					}
					proven := shown == secretText
					if registered == "none" {
						proven = shown == ""
					}
					wants := map[string]string{"/token": "invalid_grant", "/revoke": "", "/introspect": ""}
					switch {
					case inHeader != "" && inBody != "" && inHeader != inBody:
						wants = map[string]string{"/token": "invalid_request", "/revoke": "invalid_request", "/introspect": "invalid_request"}
						way = ""
					case !proven:
						wants = map[string]string{"/token": "invalid_client", "/revoke": "invalid_client", "/introspect": "invalid_client"}
					case registered == "none":
						wants["/introspect"] = "invalid_client"
					}
					for path, want := range wants {
						says := fmt.Sprintf("%s, registered %s, header %s, body %s, named %t, at %s", id, registered, header, body, named, path)
						c.Clock.Later(time.Minute) // each refusal is on record
						log.Reset()
						for name, value := range codeForm("x") {
							form[name] = value
						}
						form.Set("token", "x")
						got, before := c.send(http.MethodPost, issuer+path, form.Encode(), authorization), c.refusals()
						code := ""
						if got.StatusCode != http.StatusOK {
							code = c.said(got).code
						}
						if code != want {
							t.Errorf("%s: %q, want %q", says, code, want)
						}
						wantLine := "party=" + id + " auth=" + way
						if way == "" {
							wantLine = "route=" + path[1:]
						}
						if !strings.Contains(log.String(), wantLine) || way == "" && strings.Contains(log.String(), "auth=") {
							t.Errorf("%s: want %q in the log: %s", says, wantLine, log)
						}
						last := ""
						if len(before) > 0 && before[0].At.Equal(c.Clock.Now()) {
							last = before[0].Party + " " + before[0].Reason
						}
						wantRecord := ""
						if want == "invalid_client" && (path != "/introspect" || way != "none") { // without a secret nobody is asked there
							wantRecord = id + " not proven: " + way + " (" + wrongIs(registered, way) + ")"
						}
						if reason := strings.TrimPrefix(wantRecord, id+" "); reason != "" && !strings.Contains(log.String(), `error=invalid_client reason="`+reason+`"`) {
							t.Errorf("%s: want %q as the reason in the log: %s", says, reason, log)
						}
						if last != wantRecord {
							t.Errorf("%s: on record %q, want %q", says, last, wantRecord)
						}
						for _, value := range values {
							if value != "" && strings.Contains(log.String(), value) {
								t.Errorf("%s: a secret is in the log", says)
							}
						}
					}
				}
			}
		}
	}
}

// wrongIs is what is wrong with what came in a way.
func wrongIs(registered, way string) string {
	switch {
	case way == "none":
		return "no secret came, registered is " + registered
	case registered == "none":
		return "a secret came in the " + map[string]string{"basic": "header", "post": "body"}[way] + ", registered is none"
	}
	return "wrong secret"
}

// refusals are the events of parties that did not prove themselves, the newest first.
func (c caller) refusals() []audit.Event { return c.events(audit.PartyRefused) }

// events are those of some kinds on record, the newest first; of all kinds without any.
func (c caller) events(kinds ...audit.Kind) []audit.Event {
	c.Helper()
	all, err := c.DB.Events(c.Context(), "linde", 1000)
	if err != nil {
		c.Fatal(err)
	}
	return slices.DeleteFunc(all, func(e audit.Event) bool { return len(kinds) > 0 && !slices.Contains(kinds, e.Kind) })
}

// What libraries really send: a public party by Basic with its colon and nothing behind it; a secret in the body of a
// party that is registered for the header, and the reverse.
func TestLibrariesChooseTheirWay(t *testing.T) {
	c := newCaller(t)
	b := c.signIn(issuer)
	for says, row := range map[string]struct {
		party  string
		form   url.Values
		header map[string]string
	}{
		"oidc-agent, public":  {"spa", url.Values{"redirect_uri": {"https://spa.test/cb"}}, basicOf("spa", "")},
		"passport":            {"web", url.Values{"client_id": {"web"}, "client_secret": {secretText}}, nil},
		"Auth.js":             {"post", nil, basicOf("post", secretText)},
		"an empty body too":   {"post", url.Values{"client_id": {"post"}, "client_secret": {""}}, basicOf("post", secretText)},
		"an empty header too": {"web", url.Values{"client_id": {"web"}, "client_secret": {secretText}}, basicOf("web", "")},
	} {
		form := codeForm(c.code(b, row.party, nil))
		for name, values := range row.form {
			form[name] = values
		}
		got := c.said(c.send(http.MethodPost, issuer+"/token", form.Encode(), row.header))
		if got.status != http.StatusOK {
			t.Errorf("%s: %+v", says, got)
		}
	}
}

// What proves nobody is refused as before, whatever the party is registered for.
func TestOtherWaysProveNobody(t *testing.T) {
	c := newCaller(t)
	right := "&client_secret=" + secretText
	const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	for says, row := range map[string]struct {
		more   string
		header map[string]string
		want   string
	}{
		"another scheme":                  {"&client_id=web" + right, map[string]string{"Authorization": "Bearer x"}, "invalid_client"},
		"another scheme, public":          {"&client_id=spa", map[string]string{"Authorization": "Bearer x"}, "invalid_client"},
		"Basic without a colon":           {"&client_id=web" + right, map[string]string{"Authorization": "Basic d2Vi"}, "invalid_client"},
		"Basic that is no base64":         {"&client_id=spa", map[string]string{"Authorization": "Basic %%%"}, "invalid_client"},
		"an assertion":                    {"&client_id=web&client_assertion_type=" + jwtBearer + "&client_assertion=x", nil, "invalid_client"},
		"an assertion, public":            {"&client_id=spa&client_assertion_type=" + jwtBearer + "&client_assertion=x", nil, "invalid_client"},
		"an assertion and a secret":       {"&client_id=web&client_assertion_type=" + jwtBearer + "&client_assertion=x" + right, nil, "invalid_request"},
		"an assertion of no kind":         {"&client_id=web&client_assertion=x" + right, nil, "invalid_request"},
		"a name that cannot be unescaped": {"", map[string]string{"Authorization": "Basic JXp6Ong="}, "invalid_client"},
		"… beside one in the body":        {"&client_id=web" + right, map[string]string{"Authorization": "Basic JXp6Ong="}, "invalid_request"},
		"no name in the header":           {"&client_id=web" + right, map[string]string{"Authorization": "Basic Og=="}, "invalid_request"},
		"no name anywhere":                {"", map[string]string{"Authorization": "Basic Og=="}, "invalid_client"},
		"two headers' worth":              {"&client_id=web", map[string]string{"Authorization": "Basic d2ViOng=, Basic d2ViOng="}, "invalid_client"},
	} {
		got := c.said(c.send(http.MethodPost, issuer+"/token", codeForm("x").Encode()+row.more, row.header))
		if got.code != row.want {
			t.Errorf("%s: %+v, want %s", says, got, row.want)
		}
	}
}
