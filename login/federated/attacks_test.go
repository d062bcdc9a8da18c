package federated_test

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// connected is a house of two nodes to which an organisation's own sign-in is connected.
type connected struct {
	*idptest.Scene
	nodes [2]*idptest.Scene
	org   *idptest.Organisation
	c     federation.Connection
}

const (
	lindehof = "https://lindehof.test"
	crowd    = 32 // browsers at once
)

// connect connects one that speaks OpenID Connect, whose people get accounts when they come for the first time.
func connect(s *idptest.Scene) *connected {
	s.Helper()
	return connectTo(s, idptest.NewOrganisation(lindehof, "idp", s.Issuer+"/federation/lindehof/callback", s.Clock.Now))
}

// kinds connects one of each kind in turn.
func kinds(s *idptest.Scene, test func(kind federation.Kind, k *connected)) {
	s.Helper()
	k := connect(s)
	test(federation.OIDC, k)
	s.Exec("DELETE FROM connections")
	k = connectTo(s, idptest.NewSAMLOrganisation(lindehof, s.Clock.Now, idptest.SAMLOptions{Read: s.Read}))
	test(federation.SAML, k)
}

func connectTo(s *idptest.Scene, org *idptest.Organisation) *connected {
	s.Helper()
	k := &connected{Scene: s, nodes: [2]*idptest.Scene{s, s.Node()}, org: org}
	k.c = federation.Connection{
		Platform: s.Platform(), ID: "lindehof", Names: map[string]string{"nl": "Lindehof"},
		Roles:  []platform.Role{platform.Client, platform.Professional, platform.Manager},
		Access: federation.Access{JIT: federation.JITCreate, Role: platform.Professional},
	}
	if err := org.Connect(&k.c, idptest.Sealer(s), true, false); err != nil {
		s.Fatal(err)
	}
	for _, n := range k.nodes {
		n.Site("lindehof.test", k.org)
	}
	k.declare(false)
	return k
}

// declare opens or closes the connection, at both nodes.
func (k *connected) declare(disabled bool) {
	k.Helper()
	k.c.Disabled = disabled
	if err := k.DB.Declare(k.Context(), storage.Setup{Connections: []federation.Connection{k.c}}, k.Clock.Now()); err != nil {
		k.Fatal(err)
	}
	for _, n := range k.nodes {
		if err := n.Refresh(n.Context()); err != nil {
			k.Fatal(err)
		}
	}
}

// leave begins a login in a browser and goes to the organisation; it is the journey and the address there.
func (k *connected) leave(v *idptest.Visitor) (journey string, there *url.URL) {
	k.Helper()
	journey = v.Begin("web", nil)
	a := v.Open(v.Issuer + "/login/" + journey + "/sso/to/lindehof")
	if a.To.Host != "lindehof.test" {
		k.Fatalf("the button leads to %q (%d)", a.To, a.Status)
	}
	return journey, a.To
}

// told is the address with which the organisation sends a browser back where somebody signs in.
func (k *connected) told(there *url.URL, who string) string {
	k.Helper()
	form := url.Values{"account": {who}, "do": {"in"}}
	a := k.Send(http.MethodPost, there.String(), form.Encode(), nil)
	if !strings.HasPrefix(a.To.String(), k.Issuer+"/federation/lindehof/callback?") {
		k.Fatalf("the organisation leads to %q (%d): %s", a.To, a.Status, a.Body)
	}
	return a.To.String()
}

// brought is what a browser brings from the organisation.
type brought struct{ method, address, body string }

// says is what the organisation gives a browser to bring where somebody signs in, each time another.
func (k *connected) says(there *url.URL, who string) brought {
	k.Helper()
	if k.c.Kind == federation.OIDC {
		return brought{http.MethodGet, k.told(there, who), ""}
	}
	page := k.Get(there.String())
	form := url.Values{"account": {who}, "do": {"in"}}
	desk := lindehof + html.UnescapeString(between(page.Body, `action="`, `"`))
	page = k.Send(http.MethodPost, desk, form.Encode(), nil)
	to, values := between(page.Body, `action="`, `"`), url.Values{}
	for _, name := range []string{"SAMLResponse", "RelayState"} {
		values.Set(name, html.UnescapeString(between(page.Body, `name="`+name+`" value="`, `"`)))
	}
	if to != k.Issuer+"/federation/lindehof/acs" || values.Get("SAMLResponse") == "" {
		k.Fatalf("the organisation leads to %q (%d): %s", to, page.Status, page.Body)
	}
	return brought{http.MethodPost, to, values.Encode()}
}

// between is what stands between two texts for the first time.
func between(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}

// bring brings it to a node, without cookies: the address at which the browser shows its own, where it counts.
func (k *connected) bring(node int, b brought) (handle string) {
	to := k.nodes[node%2].Send(b.method, b.address, b.body, nil).To
	if !strings.Contains(to.Path, "/sso/back/") || strings.Contains(to.Path, "/refused.") {
		return ""
	}
	return to.String()
}

// bringAll brings many at once, to both nodes in turn: where they count.
func (k *connected) bringAll(all []brought) (handles []string) {
	got := make([]string, len(all))
	idptest.AtOnce(len(all), func(i int) { got[i] = k.bring(i+1, all[i]) })
	return slices.DeleteFunc(got, func(handle string) bool { return handle == "" })
}

// saysMany are as many good answers to one visit as browsers come at once, each with a code or an assertion of its own.
func (k *connected) saysMany(there *url.URL, who string) (all []brought) {
	for range crowd {
		all = append(all, k.says(there, who))
	}
	return all
}

// at is a copy of a browser, in front of one of the nodes.
func (k *connected) at(v *idptest.Visitor, node int) *idptest.Visitor {
	return &idptest.Visitor{Scene: k.nodes[node%2], Jar: maps.Clone(v.Jar)}
}

// sessions counts those that live.
func (k *connected) sessions() int { return k.Count("sessions WHERE ended_at IS NULL") }

// TestAnswerOfAnOrganisationCountsOnce: a visit begins at one node; 32 answers to it, each with a code or an assertion of
// its own, come to both, and one is kept. 32 browsers with the same cookies bring it; one session comes of it. All of it
// again at both nodes is nothing.
func TestAnswerOfAnOrganisationCountsOnce(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		kinds(s, func(kind federation.Kind, k *connected) {
			for round := range idptest.Number(t, "IDP_APP_RACES", 5) {
				v := s.Visitor()
				_, there := k.leave(v)
				answers := k.saysMany(there, "jan")
				before, exchanged := k.sessions(), k.org.TokenRequests()
				kept := k.bringAll(answers)
				if len(kept) != 1 {
					t.Fatalf("%s, round %d: %d of %d answers count: %q", kind, round, len(kept), crowd, kept)
				}
				if n := k.org.TokenRequests() - exchanged; kind == federation.OIDC && n != 1 {
					t.Fatalf("round %d: %d codes went to the organisation", round, n)
				}
				won := make([]bool, crowd)
				idptest.AtOnce(crowd, func(i int) {
					a := k.at(v, i).Open(kept[0])
					won[i] = strings.HasSuffix(a.To.Path, "/authorize/callback") && len(a.Cookies) > 0
				})
				if n := k.sessions() - before; n != 1 {
					t.Fatalf("%s, round %d: %d sessions: %v", kind, round, n, won)
				}
				if again := k.bringAll(answers); len(again) != 0 {
					t.Errorf("%s, round %d: answers count again: %q", kind, round, again)
				}
				for node := range k.nodes {
					if a := k.at(v, node).Open(kept[0]); len(a.Cookies) > 0 {
						t.Errorf("%s, round %d: it counts again at node %d: %v", kind, round, node, a.Cookies)
					}
				}
			}
			if n := k.Count("accounts WHERE email_key = 'jan@lindehof.test'"); n != 1 {
				t.Errorf("%s: %d accounts were made", kind, n)
			}
			s.Exec("DELETE FROM credentials WHERE external IS NOT NULL", "DELETE FROM sessions", "DELETE FROM accounts WHERE email_key = 'jan@lindehof.test'")
		})
	})
}

// TestOneAnswerManyTimesCountsOnce: the same code, or the same assertion, 32 times at two nodes.
func TestOneAnswerManyTimesCountsOnce(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		kinds(s, func(kind federation.Kind, k *connected) {
			for round := range idptest.Number(t, "IDP_APP_RACES", 5) {
				_, there := k.leave(s.Visitor())
				same := slices.Repeat([]brought{k.says(there, "jan")}, crowd)
				if kept := k.bringAll(same); len(kept) != 1 {
					t.Fatalf("%s, round %d: it counts %d times: %q", kind, round, len(kept), kept)
				}
				if again := k.bringAll(same[:2]); len(again) != 0 {
					t.Errorf("%s, round %d: it counts again: %q", kind, round, again)
				}
			}
		})
	})
}

// TestConnectionClosedInBetween: of an answer that was kept nothing comes when the connection is closed before the browser
// shows its cookie, at whatever node; nor of those that come then.
func TestConnectionClosedInBetween(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		kinds(s, func(kind federation.Kind, k *connected) {
			for round := range idptest.Number(t, "IDP_APP_RACES", 3) {
				v := s.Visitor()
				_, there := k.leave(v)
				answers := k.saysMany(there, "jan")
				kept := k.bringAll(answers[:2])
				if len(kept) != 1 {
					t.Fatalf("%s, round %d: %d answers count", kind, round, len(kept))
				}
				k.declare(true)
				idptest.AtOnce(crowd, func(i int) { k.at(v, i).Open(kept[0]) })
				later := k.bringAll(answers)
				idptest.AtOnce(len(later), func(i int) { k.at(v, i).Open(later[i]) })
				if n := k.sessions() + k.Count("accounts WHERE email_key = 'jan@lindehof.test'"); n != 0 {
					t.Fatalf("%s, round %d: %d sessions and accounts", kind, round, n)
				}
				k.declare(false)
			}
		})
	})
}

// TestCodesAreExchangedOnce: whoever has one state presents it with codes of their own making, and the organisation is
// asked of the first. A page says that this visit is over, and the way on begins another one.
func TestCodesAreExchangedOnce(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		k := connect(s)
		v := s.Visitor()
		journey, there := k.leave(v)
		state := there.Query().Get("state")
		var last idptest.Answer
		for i := range 10 {
			code := url.Values{"state": {state}, "iss": {lindehof}, "code": {"guess" + strconv.Itoa(i)}}
			last = k.nodes[i%2].Get(k.Issuer + "/federation/lindehof/callback?" + code.Encode())
			if !strings.Contains(last.To.Path, "/sso/back/refused.") {
				t.Fatalf("%d: it leads to %q (%d)", i, last.To, last.Status)
			}
		}
		if n := k.org.TokenRequests(); n != 1 {
			t.Errorf("%d codes went to the organisation", n)
		}
		page := v.Open(last.To.String())
		for page.To.Host != "" {
			page = v.Open(page.To.String())
		}
		if page.Status != http.StatusOK || !strings.Contains(page.Body, "/sso/to/lindehof") {
			t.Fatalf("the page: %d %s", page.Status, page.Body)
		}
		again := v.Open(s.Issuer + "/login/" + journey + "/sso/to/lindehof")
		v.Open(s.Get(k.told(again.To, "jan")).To.String())
		if k.sessions() != 1 {
			t.Errorf("the next visit: %d sessions", k.sessions())
		}
	})
}

// TestAnswerOfAnOrganisationIsTheBrowsersThatLeft: login CSRF. An answer that is good, in the browser of somebody else, at
// another platform or of another connection, signs nobody in (RFC 9700 section 4.7, CVE-2025-46815).
func TestAnswerOfAnOrganisationIsTheBrowsersThatLeft(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		k := connect(s)
		v := s.Visitor()
		journey, there := k.leave(v)
		victim := s.Visitor()
		own := victim.Begin("web", nil)
		back := s.Get(k.told(there, "jan")).To.String()
		for name, attack := range map[string]func() idptest.Answer{
			"another browser":                func() idptest.Answer { return victim.Open(back) },
			"no browser":                     func() idptest.Answer { return s.Get(back) },
			"another journey of that victim": func() idptest.Answer { return victim.Open(strings.Replace(back, journey, own, 1)) },
			"another platform": func() idptest.Answer {
				f := s.Foreign()
				return f.Visitor().Open(strings.Replace(back, s.Issuer, f.Issuer, 1))
			},
			"a handle of the attacker's": func() idptest.Answer { return victim.Open(s.Issuer + "/login/" + own + "/sso/back/refused.AAAA") },
		} {
			a := attack()
			if n := k.sessions(); n != 0 || strings.Contains(a.To.Path, "/authorize/callback") {
				t.Errorf("%s: %d sessions, and it leads to %q", name, n, a.To)
			}
		}
		if a := v.Open(back); !strings.HasSuffix(a.To.Path, "/authorize/callback") || k.sessions() != 1 {
			t.Errorf("the browser that left: %d at %q, %d sessions", a.Status, a.To, k.sessions())
		}
	})
}

// TestConnectionClosedMeanwhile: who is on the way when an organisation's sign-in is closed does not come in
// (CVE-2025-64717), wherever on the way.
func TestConnectionClosedMeanwhile(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		kinds(s, func(kind federation.Kind, k *connected) {
			for name, closed := range map[string]int{"before the answer": 0, "before the browser comes": 1} {
				v := s.Visitor()
				_, there := k.leave(v)
				answer := k.says(there, "jan")
				if closed == 0 {
					k.declare(true)
				}
				back := k.bring(0, answer)
				k.declare(true)
				if back != "" {
					v.Open(back)
				}
				if n := k.sessions() + k.Count("accounts WHERE email_key = 'jan@lindehof.test'"); n != 0 {
					t.Errorf("%s, %s: %d sessions and accounts", kind, name, n)
				}
				k.declare(false)
			}
		})
	})
}

// TestStateOfAnotherConnection: the state of one connection, or of nobody, brought to another's address is refused, and its
// code is never sent there (mix-up, RFC 9700 section 4.4).
func TestStateOfAnotherConnection(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		k := connect(s)
		other := k.c
		other.ID = "iep"
		if err := s.DB.Declare(s.Context(), storage.Setup{Connections: []federation.Connection{other}}, s.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		if err := s.Refresh(s.Context()); err != nil {
			t.Fatal(err)
		}
		_, there := k.leave(s.Visitor())
		answer, err := url.Parse(k.told(there, "jan"))
		if err != nil {
			t.Fatal(err)
		}
		state := answer.Query().Get("state")
		for name, address := range map[string]string{
			"another connection": strings.Replace(answer.String(), "/lindehof/", "/iep/", 1),
			"no state":           strings.Replace(answer.String(), "state=", "other=", 1),
			"a changed state":    strings.Replace(answer.String(), state, state[:len(state)-1]+"A", 1),
			"two states":         answer.String() + "&state=" + state,
			"no connection":      strings.Replace(answer.String(), "/lindehof/", "/nobody/", 1),
		} {
			if name == "a changed state" && strings.HasSuffix(state, "A") {
				address = strings.Replace(answer.String(), state, state[:len(state)-1]+"B", 1)
			}
			s.Refused(name, s.Get(address))
		}
		if n := k.Count("upstream_answers"); n != 0 {
			t.Errorf("%d answers are kept", n)
		}
		if back := s.Get(answer.String()).To.Path; !strings.Contains(back, "/sso/back/") {
			t.Errorf("the code was used up: it leads to %q", back)
		}
	})
}

// TestAddressOfAnOrganisationIsNoAccount: whoever an organisation says has somebody's address is not that person, unless
// the organisation verified it, in JSON, and the domain is proven to be its own; and never where the account helps others
// (CVE-2023-3128, nOAuth, CVE-2026-55075). Who proves the account is asked for the password all the same.
func TestAddressOfAnOrganisationIsNoAccount(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		k := connect(s)
		s.Exec("UPDATE accounts SET role = 'manager' WHERE email_key = 'bram@example.org'")
		proven := []federation.Domain{{Name: "example.org", Proven: true, Vouched: true}}
		for _, row := range []struct {
			says     string
			domains  []federation.Domain
			verified any
			email    string
			want     int
		}{
			{"not said", proven, nil, "anna@example.org", 0},
			{"not verified", proven, false, "anna@example.org", 0},
			{"a text", proven, "true", "anna@example.org", 0},
			{"another text", proven, "false", "anna@example.org", 0},
			{"a number", proven, 1, "anna@example.org", 0},
			{"a list", proven, []bool{true}, "anna@example.org", 0},
			{"a domain that nobody proved", []federation.Domain{{Name: "example.org"}}, true, "anna@example.org", 0},
			{"a domain of somebody else", []federation.Domain{{Name: "lindehof.test", Proven: true}}, true, "anna@example.org", 0},
			{"a manager", proven, true, "bram@example.org", 0},
			{"verified, and the domain is theirs", proven, true, "anna@example.org", 1},
		} {
			k.c.Domains = row.domains
			k.declare(false)
			k.org.People = map[string]map[string]any{"eve": {"email": row.email, "email_verified": row.verified}}
			v := s.Visitor()
			_, there := k.leave(v)
			v.Open(s.Get(k.told(there, "eve")).To.String())
			if n := k.sessions(); n != row.want {
				t.Errorf("%s: %d sessions, want %d", row.says, n, row.want)
			}
			if n := k.Count("credentials WHERE external IS NOT NULL"); n != row.want {
				t.Errorf("%s: %d links, want %d", row.says, n, row.want)
			}
		}
	})
}
