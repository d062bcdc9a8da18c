package attack

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/internal/wire"
)

// pushFrom pushes a request of a party from a network address and returns status and answer.
func (s *scene) pushFrom(address, party string) (int, http.Header) {
	s.Helper()
	r, err := http.NewRequest(http.MethodPost, s.issuer+"/par", strings.NewReader(query(party, nil).Encode()))
	if err != nil {
		s.Fatal(err)
	}
	if party != "spa" {
		r.Header = basic(party)
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
	issuers(t, func(s *scene) {
		s.rebuild(func(o *wire.Options) { o.Arrival = web.Rate{AtOnce: 5, PerSecond: 1} })
		const flood, person = "198.51.100.7", "192.0.2.1"
		for i := range 20 {
			status, header := s.pushFrom(flood, "spa")
			if want := i < 5; (status == http.StatusCreated) != want || !want && (status != http.StatusTooManyRequests || header.Get("Retry-After") == "") {
				t.Fatalf("push %d: %d %v", i, status, header)
			}
		}
		if n := s.count("pushed_requests"); n != 5 {
			s.Errorf("%d requests wait", n)
		}
		for _, party := range []string{"spa", "web"} {
			if status, _ := s.pushFrom(person, party); status != http.StatusCreated {
				s.Errorf("%s from elsewhere: %d", party, status)
			}
		}
		for range 10 { // a party that proves itself is bounded by itself
			if status, _ := s.pushFrom(flood, "web"); status != http.StatusCreated {
				s.Fatalf("web: %d", status)
			}
		}
		v := s.visitor()
		v.signIn("web", "anna@example.org")
		s.Clock.Later(10e9)
		for i := range 20 { // single sign-on by push costs its source nothing
			if a := v.open(s.pushed("spa", nil)); a.param("code") == "" {
				s.Fatalf("login %d: %d %s", i, a.Status, a.To)
			}
		}
	})
}

// pushed is the address by which a request that a party pushed is brought.
func (s *scene) pushed(party string, change func(url.Values)) string {
	s.Helper()
	a := s.post("/par", query(party, change), basic(party))
	var answer struct {
		URI string `json:"request_uri"`
	}
	if err := json.Unmarshal([]byte(a.Body), &answer); err != nil || answer.URI == "" {
		s.Fatalf("pushed: %d %s", a.Status, a.Body)
	}
	return s.issuer + "/authorize?" + url.Values{"client_id": {party}, "request_uri": {answer.URI}}.Encode()
}

// brought begins the login of a pushed request and returns the identifier of its journey.
func (v *visitor) brought(address string) string {
	v.Helper()
	a := v.open(address)
	id, ok := strings.CutPrefix(a.To.String(), v.issuer+"/login/")
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
	databases(t, func(s *scene) {
		bram := s.visitor()
		bram.signIn("web", "bram@example.org")
		gone := func(says string, a answer) {
			s.Helper()
			if a.To.Query().Has("code") || a.To.Query().Has("error") || a.Status >= 500 {
				s.Errorf("%s: %d %s", says, a.Status, a.To)
			}
		}
		// His own answer, and the owner's journey is over, whatever was shown on it.
		for says, change := range map[string]func(url.Values){
			"plain": nil, "max_age": set("max_age", "3600"), "select_account": set("prompt", "select_account"),
			"login": set("prompt", "login"), "max_age=0": set("max_age", "0"),
		} {
			address, owner, none := s.pushed("web", change), s.visitor(), s.visitor()
			id := owner.brought(address)
			callback := owner.prove(id, "anna@example.org").To.String()
			for _, path := range []string{"/authorize/callback?request=", "/authorize/continue?request=", "/login/"} {
				for _, v := range []*visitor{bram, none} {
					gone(says+" "+path, v.open(s.issuer+path+id))
				}
			}
			if other := none.brought(address); other == id {
				s.Errorf("%s: another browser is led into the same journey", says)
			}
			a := bram.open(address)
			if fresh := says != "plain" && says != "max_age"; fresh == a.To.Query().Has("code") {
				s.Errorf("%s: who is signed in as somebody else: %d %s", says, a.Status, a.To)
			} else if fresh {
				if a := owner.open(callback); !a.To.Query().Has("code") {
					s.Errorf("%s: nobody else was answered, and the owner: %d %s", says, a.Status, a.To)
				}
				gone(says+", after it was answered", bram.open(address))
				continue
			}
			gone(says+", after it was answered", owner.open(callback))
			gone(says+", brought again", owner.open(address))
		}
		// What was shown for one pushed request counts for no other, and bringing it again answers nothing by itself.
		anna := s.visitor()
		first, second := s.pushed("web", set("prompt", "login")), s.pushed("web", set("prompt", "login"))
		callback := anna.prove(anna.brought(first), "anna@example.org").To.String()
		gone("brought again after the password", anna.open(first))
		gone("another one, after the password for the first", anna.open(second))
		if a := anna.open(callback); !a.To.Query().Has("code") {
			s.Errorf("its own: %d %s", a.Status, a.To)
		}
		// prompt=none answers with an error, which is the answer.
		silent := s.pushed("web", set("prompt", "none"))
		if a := s.visitor().open(silent); a.param("error") != "login_required" {
			s.Errorf("prompt=none: %d %s", a.Status, a.To)
		}
		gone("prompt=none, answered", bram.open(silent))
		// A third party: allowed in one browser, refused in another.
		guest := s.pushed("guest", nil)
		here, there := s.visitor(), s.visitor()
		ids := map[*visitor]string{here: here.brought(guest), there: there.brought(guest)}
		for v, id := range ids {
			gone("before the consent", v.prove(id, "anna@example.org"))
			gone("before the consent", v.open(s.issuer+"/authorize/callback?request="+id))
			gone("before the consent, brought again", v.open(guest))
		}
		page := func(v *visitor) string { return s.issuer + "/login/" + ids[v] + "/consent" }
		here.open(page(here))
		denied := here.visit(http.MethodPost, page(here), url.Values{"do": {"cancel"}})
		if denied = here.open(denied.To.String()); denied.param("error") != "access_denied" {
			s.Errorf("denied: %d %s", denied.Status, denied.To)
		}
		there.open(page(there))
		allowed := there.visit(http.MethodPost, page(there), url.Values{"do": {"continue"}})
		if allowed.To.Path != "" {
			allowed = there.open(allowed.To.String())
		}
		gone("allowed after it was denied elsewhere", allowed)
	})
}

// A browser that lost the cookie of its journey brings the request anew, and gets one answer, like any other: it is not taken
// for the request of the journey that it cannot go on with.
func TestPushedRequestWithoutItsJourneyIsAnsweredOnce(t *testing.T) {
	databases(t, func(s *scene) {
		for says, change := range map[string]func(url.Values){"code": nil, "error": set("acr_values", "urn:none")} {
			address, v := s.pushed("web", change), s.visitor()
			id := v.brought(address)
			v.prove(id, "anna@example.org")
			for name := range v.jar {
				if strings.Contains(name, "-journey-") {
					delete(v.jar, name)
				}
			}
			if a := v.open(address); a.param(says) == "" {
				s.Errorf("%s: %d %s", says, a.Status, a.To)
			}
			if a := v.open(address); a.Status != http.StatusBadRequest || a.To.String() != "" {
				s.Errorf("%s, again: %d %s", says, a.Status, a.To)
			}
		}
	})
}
