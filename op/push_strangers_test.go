package op_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/internal/wire"
)

// pushFrom pushes a request of a party from a network address and returns status and answer.
func pushFrom(s *idptest.Scene, address, party string) (int, http.Header) {
	s.Helper()
	r, err := http.NewRequest(http.MethodPost, s.Issuer+"/par", strings.NewReader(idptest.AuthorizeQuery(party, nil).Encode()))
	if err != nil {
		s.Fatal(err)
	}
	if party != "spa" {
		r.Header = idptest.Basic(party)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := s.At(address).RoundTrip(r)
	if err != nil {
		s.Fatal(err)
	}
	return res.StatusCode, res.Header
}

// Anybody can push in the name of a party that proves nothing. One source fills neither the room that such a party has,
// so that nobody logs in there any more, nor the database; what is answered waits no more.
func TestStrangersDoNotFillTheRoomOfAPublicParty(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		s.Rebuild(func(o *wire.Options) { o.Arrival = web.Rate{AtOnce: 5, PerSecond: 1} })
		const flood, person = "198.51.100.7", "192.0.2.1"
		for i := range 20 {
			status, header := pushFrom(s, flood, "spa")
			if want := i < 5; (status == http.StatusCreated) != want || !want && (status != http.StatusTooManyRequests || header.Get("Retry-After") == "") {
				t.Fatalf("push %d: %d %v", i, status, header)
			}
		}
		if n := s.Count("pushed_requests"); n != 5 {
			s.Errorf("%d requests wait", n)
		}
		for _, party := range []string{"spa", "web"} {
			if status, _ := pushFrom(s, person, party); status != http.StatusCreated {
				s.Errorf("%s from elsewhere: %d", party, status)
			}
		}
		for range 10 { // a party that proves itself is bounded by itself
			if status, _ := pushFrom(s, flood, "web"); status != http.StatusCreated {
				s.Fatalf("web: %d", status)
			}
		}
		v := s.Visitor()
		v.SignIn("web", "anna@example.org")
		s.Clock.Later(10e9)
		for i := range 20 { // single sign-on by push costs its source nothing
			if a := v.Open(pushed(s, "spa", nil)); a.Param("code") == "" {
				s.Fatalf("login %d: %d %s", i, a.Status, a.To)
			}
		}
	})
}

// pushed is the address by which a request that a party pushed is brought.
func pushed(s *idptest.Scene, party string, change func(url.Values)) string {
	s.Helper()
	a := s.Post("/par", idptest.AuthorizeQuery(party, change), idptest.Basic(party))
	var answer struct {
		URI string `json:"request_uri"`
	}
	if err := json.Unmarshal([]byte(a.Body), &answer); err != nil || answer.URI == "" {
		s.Fatalf("pushed: %d %s", a.Status, a.Body)
	}
	return s.Issuer + "/authorize?" + url.Values{"client_id": {party}, "request_uri": {answer.URI}}.Encode()
}

// bringPushed begins the login of a pushed request and returns the identifier of its journey.
func bringPushed(v *idptest.Visitor, address string) string {
	v.Helper()
	a := v.Open(address)
	id, ok := strings.CutPrefix(a.To.String(), v.Issuer+"/login/")
	if !ok {
		v.Fatalf("a pushed request leads to %q (%d), want a login", a.To, a.Status)
	}
	id, _, _ = strings.Cut(id, "/")
	return id
}

// The address of a pushed request is no secret: it is in the history, in the log of a proxy. Who knows it, signed in or not,
// before and after its owner has shown the password, gets a login of their own or none, never the owner's; and the party one
// answer, whoever is first, also with prompt=login, max_age=0, a consent, and an error.
func TestWhoKnowsAPushedRequest(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		bram := s.Visitor()
		bram.SignIn("web", "bram@example.org")
		gone := func(says string, a idptest.Answer) {
			s.Helper()
			if a.To.Query().Has("code") || a.To.Query().Has("error") || a.Status >= 500 {
				s.Errorf("%s: %d %s", says, a.Status, a.To)
			}
		}
		// His own answer, and the owner's journey is over, whatever was shown on it.
		for says, change := range map[string]func(url.Values){
			"plain": nil, "max_age": idptest.Set("max_age", "3600"), "select_account": idptest.Set("prompt", "select_account"),
			"login": idptest.Set("prompt", "login"), "max_age=0": idptest.Set("max_age", "0"),
		} {
			address, owner, none := pushed(s, "web", change), s.Visitor(), s.Visitor()
			id := bringPushed(owner, address)
			callback := owner.Prove(id, "anna@example.org").To.String()
			for _, path := range []string{"/authorize/callback?request=", "/authorize/continue?request=", "/login/"} {
				for _, v := range []*idptest.Visitor{bram, none} {
					gone(says+" "+path, v.Open(s.Issuer+path+id))
				}
			}
			if other := bringPushed(none, address); other == id {
				s.Errorf("%s: another browser is led into the same journey", says)
			}
			a := bram.Open(address)
			if fresh := says != "plain" && says != "max_age"; fresh == a.To.Query().Has("code") {
				s.Errorf("%s: who is signed in as somebody else: %d %s", says, a.Status, a.To)
			} else if fresh {
				if a := owner.Open(callback); !a.To.Query().Has("code") {
					s.Errorf("%s: nobody else was answered, and the owner: %d %s", says, a.Status, a.To)
				}
				gone(says+", after it was answered", bram.Open(address))
				continue
			}
			gone(says+", after it was answered", owner.Open(callback))
			gone(says+", brought again", owner.Open(address))
		}
		// What was shown for one pushed request counts for no other, and bringing it again answers nothing by itself.
		anna := s.Visitor()
		first, second := pushed(s, "web", idptest.Set("prompt", "login")), pushed(s, "web", idptest.Set("prompt", "login"))
		callback := anna.Prove(bringPushed(anna, first), "anna@example.org").To.String()
		gone("brought again after the password", anna.Open(first))
		gone("another one, after the password for the first", anna.Open(second))
		if a := anna.Open(callback); !a.To.Query().Has("code") {
			s.Errorf("its own: %d %s", a.Status, a.To)
		}
		// prompt=none answers with an error, which is the answer.
		silent := pushed(s, "web", idptest.Set("prompt", "none"))
		if a := s.Visitor().Open(silent); a.Param("error") != "login_required" {
			s.Errorf("prompt=none: %d %s", a.Status, a.To)
		}
		gone("prompt=none, answered", bram.Open(silent))
		// A third party: allowed in one browser, refused in another.
		guest := pushed(s, "guest", nil)
		here, there := s.Visitor(), s.Visitor()
		ids := map[*idptest.Visitor]string{here: bringPushed(here, guest), there: bringPushed(there, guest)}
		for v, id := range ids {
			gone("before the consent", v.Prove(id, "anna@example.org"))
			gone("before the consent", v.Open(s.Issuer+"/authorize/callback?request="+id))
			gone("before the consent, brought again", v.Open(guest))
		}
		page := func(v *idptest.Visitor) string { return s.Issuer + "/login/" + ids[v] + "/consent" }
		here.Open(page(here))
		denied := here.Visit(http.MethodPost, page(here), url.Values{"do": {"cancel"}})
		if denied = here.Open(denied.To.String()); denied.Param("error") != "access_denied" {
			s.Errorf("denied: %d %s", denied.Status, denied.To)
		}
		there.Open(page(there))
		allowed := there.Visit(http.MethodPost, page(there), url.Values{"do": {"continue"}})
		if allowed.To.Path != "" {
			allowed = there.Open(allowed.To.String())
		}
		gone("allowed after it was denied elsewhere", allowed)
	})
}

// A browser that lost the cookie of its journey brings the request anew, and gets one answer, like any other: it is not taken
// for the request of the journey that it cannot go on with.
func TestPushedRequestWithoutItsJourneyIsAnsweredOnce(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		for says, change := range map[string]func(url.Values){"code": nil, "error": idptest.Set("acr_values", "urn:none")} {
			address, v := pushed(s, "web", change), s.Visitor()
			id := bringPushed(v, address)
			v.Prove(id, "anna@example.org")
			for name := range v.Jar {
				if strings.Contains(name, "-journey-") {
					delete(v.Jar, name)
				}
			}
			if a := v.Open(address); a.Param(says) == "" {
				s.Errorf("%s: %d %s", says, a.Status, a.To)
			}
			if a := v.Open(address); a.Status != http.StatusBadRequest || a.To.String() != "" {
				s.Errorf("%s, again: %d %s", says, a.Status, a.To)
			}
		}
	})
}
