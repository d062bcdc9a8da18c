package qr_test

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
)

// screen is a house with somebody who is signed in in a browser, and shows codes.
type screen struct {
	*mobile
	who     *account.Account
	session authn.Session
	b       *idptest.Browser
}

// shows signs Anna in in a browser, at the settings of the platform with a host of its own.
func (m *mobile) shows() *screen {
	m.Helper()
	s := m.nodes[0]
	s.Site("linde.test", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	d := &screen{mobile: m, b: idptest.NewBrowser(s.Server, "en")}
	d.signIn(d.b)
	var err error
	if d.who, err = s.DB.AccountByEmail(m.Context(), "linde", "anna@example.org"); err != nil {
		m.Fatal(err)
	}
	all, err := s.DB.Sessions(m.Context(), "linde", d.who.ID, s.Clock.Now())
	for _, s := range all {
		if s.Channel == authn.Browser {
			d.session = s
		}
	}
	if err != nil || d.session.ID == "" {
		m.Fatalf("%d sessions: %v", len(all), err)
	}
	return d
}

func (d *screen) signIn(b *idptest.Browser) {
	d.Helper()
	idptest.LogIn(d, b, idptest.HostIssuer+"/settings/app", "anna@example.org")
}

// code makes a handoff as the page does, however many there were this hour.
func (d *screen) code() (grant.Handoff, string) {
	d.Helper()
	s := d.nodes[0]
	h, reference := grant.NewHandoff(&d.session, d.session.Proofs, "", s.Clock.Now())
	h.Reference = s.Sealer.Seal([]byte(reference), h.ReferenceBinding())
	if err := s.DB.MakeHandoff(d.Context(), grant.Make{Handoff: h, Hash: secret.Hash(reference), Follows: authn.Change{Platform: "linde"}}, s.Clock.Now()); err != nil {
		d.Fatal(err)
	}
	return h, reference
}

// claim scans a code with a phone.
func (h *handset) claim(node int, reference string) told {
	h.Helper()
	return h.send(node, "/app/handoff", h.proof(node, http.MethodPost, "/app/handoff", ""), claimForm(reference))
}

// poll asks for the answer.
func (h *handset) poll(node int, id string) told {
	h.Helper()
	return h.send(node, "/token", h.proof(node, http.MethodPost, "/token", ""), url.Values{
		"grant_type": {handoffGrant}, "client_id": {"app"}, "handoff_id": {id}, "code_verifier": {idptest.Verifier},
	})
}

// types gives a number to the storage of a node, as the page does.
func (d *screen) types(node int, id, sid, number string) (right bool, err error) {
	s := d.nodes[node]
	of := grant.HandoffID(id)
	right, _, err = s.DB.ConfirmHandoff(d.Context(), grant.Confirming{
		Platform: "linde", ID: of, Account: d.who.ID, Session: sid, Now: s.Clock.Now(),
		Right: func(sealed []byte) (bool, error) {
			is, err := s.Sealer.Open(sealed, of.NumberBinding())
			return string(is) == number, err
		},
		Events: func(bool, grant.HandoffEnd) []audit.Event { return nil },
	})
	return right, err
}

// TestOneOfManyPhonesHasTheCode: 32 phones scan a code at once at two nodes, and one has it. 32 tabs send its number, and one
// confirms. The phone asks 32 times, and has one answer.
func TestOneOfManyPhonesHasTheCode(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		d := m.shows()
		crowd := make([]*handset, phones)
		for i := range crowd {
			crowd[i] = m.blank(idptest.HostIssuer)
		}
		for round := range appRounds(m, 3) {
			_, reference := d.code()
			answers := make([]told, phones)
			idptest.AtOnce(phones, func(i int) { answers[i] = crowd[i].claim(i%2, reference) })
			var mine *handset
			var won told
			for i, a := range answers {
				switch {
				case a.Handoff != "" && mine == nil:
					mine, won = crowd[i], a
				case !a.is("invalid_grant") || a.Handoff != "":
					m.Fatalf("round %d: scanned: %d %s", round, a.Status, a.Body)
				}
			}
			if mine == nil {
				m.Fatalf("round %d: nobody has the code", round)
			}
			confirmed, errs := make([]bool, phones), make([]error, phones)
			idptest.AtOnce(phones, func(i int) { confirmed[i], errs[i] = d.types(i%2, won.Handoff, d.session.ID, strconv.Itoa(won.Number)) })
			n := 0
			for i, right := range confirmed {
				if right && errs[i] == nil {
					n++
				}
			}
			if n != 1 {
				m.Fatalf("round %d: confirmed %d times: %v", round, n, errs)
			}
			m.later(grant.PollEvery)
			idptest.AtOnce(phones, func(i int) { answers[i] = mine.poll(i%2, won.Handoff) })
			n = 0
			for _, a := range answers {
				switch {
				case a.Access != "" && a.Scope == "app-pin" && a.Refresh == "" && a.ID == "":
					n++
				case !a.is("invalid_grant"):
					m.Fatalf("round %d: polled: %d %s", round, a.Status, a.Body)
				}
			}
			if n != 1 {
				m.Fatalf("round %d: %d answers", round, n)
			}
			if n := m.nodes[0].Count("app_devices WHERE ended_at IS NULL"); n != 1 {
				m.Fatalf("round %d: %d devices", round, n)
			}
			m.nodes[0].Exec("UPDATE app_devices SET ended_at = 1") // room for the next one
		}
	})
}

// TestCodeInWrongHands: late, with another platform's app, with another key or verifier, after the session, and with wrong
// numbers.
func TestCodeInWrongHands(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		d := m.shows()
		h, thief := m.blank(idptest.HostIssuer), m.blank(idptest.HostIssuer)
		_, reference := d.code()
		if a := thief.at(idptest.PathIssuer).claim(0, reference); !a.is("invalid_grant") {
			m.Errorf("at another platform: %d %s", a.Status, a.Body)
		}
		claimed := h.claim(0, reference)
		if claimed.Handoff == "" {
			m.Fatalf("after it: %d %s", claimed.Status, claimed.Body)
		}
		if a := thief.poll(1, claimed.Handoff); !a.is("invalid_grant") {
			m.Errorf("polled with another key: %d %s", a.Status, a.Body)
		}
		if a := h.at(idptest.PathIssuer).poll(1, claimed.Handoff); !a.is("invalid_grant") {
			m.Errorf("polled at another platform: %d %s", a.Status, a.Body)
		}
		if a := h.poll(0, claimed.Handoff); !a.is("authorization_pending") {
			m.Errorf("before the number: %d %s", a.Status, a.Body)
		}
		if a := h.poll(1, claimed.Handoff); !a.is("slow_down") {
			m.Errorf("too fast: %d %s", a.Status, a.Body)
		}
		other := idptest.NewBrowser(m.nodes[0].Server, "en")
		d.signIn(other)
		all, err := m.nodes[0].DB.Sessions(m.Context(), "linde", d.who.ID, m.nodes[0].Clock.Now())
		if err != nil || len(all) != 2 {
			m.Fatalf("%d sessions: %v", len(all), err)
		}
		for _, s := range all {
			if s.ID == d.session.ID {
				continue
			}
			if right, err := d.types(1, claimed.Handoff, s.ID, strconv.Itoa(claimed.Number)); right || err == nil {
				m.Errorf("the number in another session of hers: %v %v", right, err)
			}
		}
		if err := other.Open(idptest.HostIssuer + "/settings/app/" + claimed.Handoff); err != nil || other.Status != http.StatusNotFound {
			m.Errorf("its page in another session: %d %v", other.Status, err)
		}
		wrong := strconv.Itoa(10 + (claimed.Number-9)%90)
		for node := range m.nodes {
			if right, err := d.types(node, claimed.Handoff, d.session.ID, wrong); right || err != nil {
				m.Errorf("a wrong number: %v %v", right, err)
			}
		}
		if right, err := d.types(0, claimed.Handoff, d.session.ID, strconv.Itoa(claimed.Number)); right || err == nil {
			m.Errorf("the right number after two wrong ones: %v %v", right, err)
		}
		m.later(10 * time.Second)
		if a := h.poll(0, claimed.Handoff); !a.is("access_denied") {
			m.Errorf("after two wrong numbers: %d %s", a.Status, a.Body)
		}
		_, reference = d.code()
		m.later(grant.ReferenceLife)
		if a := thief.claim(1, reference); !a.is("invalid_grant") {
			m.Errorf("after a minute: %d %s", a.Status, a.Body)
		}
		_, reference = d.code()
		claimed = h.claim(0, reference)
		if right, err := d.types(0, claimed.Handoff, d.session.ID, strconv.Itoa(claimed.Number)); !right || err != nil {
			m.Fatalf("the right number: %v %v", right, err)
		}
		if err := m.nodes[1].DB.EndSession(m.Context(), "linde", d.session.ID, audit.Event{
			At: m.nodes[1].Clock.Now(), Platform: "linde", Kind: audit.SessionEnded, Actor: string(d.who.ID), Outcome: audit.Success,
		}, m.nodes[1].Clock.Now()); err != nil {
			m.Fatal(err)
		}
		m.later(grant.PollEvery)
		if a := h.poll(0, claimed.Handoff); !a.is("access_denied") {
			m.Errorf("confirmed, and then the session ended: %d %s", a.Status, a.Body)
		}
		if n := m.nodes[0].Count("app_devices"); n != 0 {
			m.Errorf("%d devices were made", n)
		}
	})
}
