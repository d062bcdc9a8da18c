package qr_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
)

// sheet is the page of one handoff in a browser whose cookies a test has.
type sheet struct {
	*screen
	id      string
	cookies string
}

// sheet is the page of a handoff as a browser of hers has it.
func (d *screen) sheet(b *idptest.Browser, id string) *sheet {
	d.Helper()
	at, err := url.Parse(idptest.HostIssuer)
	if err != nil {
		d.Fatal(err)
	}
	var cookies []string
	for _, c := range b.Jar.Cookies(at) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	return &sheet{d, id, strings.Join(cookies, "; ")}
}

func (p *sheet) address() string { return idptest.HostIssuer + "/settings/app/" + p.id }

// posts sends the form of the page at a node: one tab, or another one of the same browser, has nothing else to say.
func (p *sheet) posts(node int, form url.Values) idptest.Answer {
	p.Helper()
	header := http.Header{"Cookie": {p.cookies}, "Origin": {idptest.HostIssuer}, "Sec-Fetch-Site": {"same-origin"}}
	return p.nodes[node].Send(http.MethodPost, p.address(), form.Encode(), header)
}

// state is what the script of the page is told.
func (p *sheet) state(node int) string {
	p.Helper()
	a := p.nodes[node].Send(http.MethodGet, p.address()+"/state", "", http.Header{"Cookie": {p.cookies}})
	if a.Status != http.StatusOK {
		p.Fatalf("the state: %d %s", a.Status, a.Body)
	}
	return a.Body
}

func typed(number int) url.Values {
	return url.Values{"match": {strconv.Itoa(number)}, "do": {"continue"}}
}

// recorded counts the events of a kind.
func (d *screen) recorded(kind, reason string) int {
	d.Helper()
	return d.nodes[0].Count("events WHERE kind = '" + kind + "' AND reason = '" + reason + "'")
}

// other is a number that a phone does not show, another one for each i below 89.
func (a told) other(i int) int { return 10 + (a.Number-9+i)%90 }

// TestNumberTypedManyTimesAtOnce: 32 forms of two tabs at two nodes. Right numbers confirm once; of wrong ones two are
// compared and end it; of both either happens, and never both. Stop beside the right number is obeyed as long as the
// phone has nothing.
func TestNumberTypedManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		d := m.shows()
		h := m.blank(idptest.HostIssuer)
		stop := url.Values{"do": {"stop"}}
		for name, row := range map[string]struct {
			form func(claimed told, i int) url.Values
			ends []string // the states that may be
		}{
			"right": {func(c told, _ int) url.Values { return typed(c.Number) }, []string{"confirmed"}},
			"wrong": {func(c told, i int) url.Values { return typed(c.other(i)) }, []string{"wrong"}},
			"both": {func(c told, i int) url.Values {
				if i%4 == 0 {
					return typed(c.Number)
				}
				return typed(c.other(i))
			}, []string{"confirmed", "wrong"}},
			"right, and stop": {func(c told, i int) url.Values {
				if i%4 == 0 {
					return stop
				}
				return typed(c.Number)
			}, []string{"stopped"}},
		} {
			for round := range appRounds(m, 3) {
				_, reference := d.code()
				claimed := h.claim(round%2, reference)
				if claimed.Handoff == "" {
					m.Fatalf("%s: claimed: %d %s", name, claimed.Status, claimed.Body)
				}
				page := d.sheet(d.b, claimed.Handoff)
				rights, wrongs := d.recorded("handoff.confirm", ""), d.recorded("handoff.refuse", "wrong")
				answers := make([]idptest.Answer, phones)
				idptest.AtOnce(phones, func(i int) { answers[i] = page.posts(i%2, row.form(claimed, i)) })
				for _, a := range answers {
					if a.Status != http.StatusSeeOther || a.To.String() != page.address() {
						m.Errorf("%s, round %d: answered %d %s %s", name, round, a.Status, a.To, a.Body)
					}
				}
				end := page.state(0)
				if other := page.state(1); end != other || !slices.Contains(row.ends, end) {
					m.Fatalf("%s, round %d: it is %s, and %s at the other node, want one of %v", name, round, end, other, row.ends)
				}
				rights, wrongs = d.recorded("handoff.confirm", "")-rights, d.recorded("handoff.refuse", "wrong")-wrongs
				want := map[string]bool{
					"confirmed": rights == 1 && wrongs < grant.MaxNumbers, "wrong": rights == 0 && wrongs == grant.MaxNumbers,
					"stopped": rights <= 1 && wrongs == 0,
				}[end]
				if name == "right" && wrongs != 0 || !want {
					m.Errorf("%s, round %d: %s after %d right numbers and %d wrong ones", name, round, end, rights, wrongs)
				}
				m.later(grant.PollEvery)
				a := h.poll(round%2, claimed.Handoff)
				if got := a.Access != "" && a.Scope == "app-pin"; got != (end == "confirmed") || !got && !a.is("access_denied") {
					m.Errorf("%s, round %d: %s, and the phone hears %d %s", name, round, end, a.Status, a.Body)
				}
				// the right number, when all is over
				page.posts(0, typed(claimed.Number))
				if again := page.state(1); end != "confirmed" && again != end || end == "confirmed" && again != "done" {
					m.Errorf("%s, round %d: it was %s, and is %s", name, round, end, again)
				}
			}
		}
		if n := m.nodes[0].Count("app_devices WHERE ended_at IS NULL"); n != 1 {
			m.Errorf("%d devices of one key", n)
		}
	})
}

// TestNumberIsTakenInItsSessionAlone: in another session of the same person, in that of somebody else, in none and from
// another site the form does not exist or is refused, with the right number and many times at once, while the session
// in which the code was made goes on. What they send counts nothing.
func TestNumberIsTakenInItsSessionAlone(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		d := m.shows()
		h := m.blank(idptest.HostIssuer)
		second, bram := idptest.NewBrowser(m.nodes[1].Server, "en"), idptest.NewBrowser(m.nodes[0].Server, "en")
		d.signIn(second)
		idptest.LogIn(m, bram, idptest.HostIssuer+"/settings/app", "bram@example.org")
		stranger := idptest.NewBrowser(m.nodes[0].Server, "en")
		for round := range appRounds(m, 3) {
			_, reference := d.code()
			claimed := h.claim(0, reference)
			mine := d.sheet(d.b, claimed.Handoff)
			others := []*sheet{
				d.sheet(second, claimed.Handoff), d.sheet(bram, claimed.Handoff), d.sheet(stranger, claimed.Handoff),
			}
			if others[0].cookies == "" || others[0].cookies == mine.cookies {
				m.Fatal("no other session")
			}
			wrongs := d.recorded("handoff.refuse", "wrong") + d.recorded("handoff.refuse", "stopped")
			answers := make([]idptest.Answer, phones)
			idptest.AtOnce(phones, func(i int) {
				form := typed(claimed.other(i))
				switch i % 3 {
				case 1:
					form = typed(claimed.Number)
				case 2:
					form = url.Values{"do": {"stop"}}
				}
				answers[i] = others[i%len(others)].posts(i%2, form)
			})
			for i, a := range answers {
				if a.Status != http.StatusNotFound || a.To.String() != "" {
					m.Errorf("round %d: session %d is answered %d %s", round, i%len(others), a.Status, a.To)
				}
			}
			for site, header := range map[string]http.Header{
				"another site": {"Origin": {"https://evil.test"}, "Sec-Fetch-Site": {"cross-site"}},
				"no origin":    {"Origin": {"null"}},
			} {
				header.Set("Cookie", mine.cookies)
				a := m.nodes[0].Send(http.MethodPost, mine.address(), typed(claimed.Number).Encode(), header)
				if a.Status != http.StatusForbidden {
					m.Errorf("round %d: from %s: %d %s", round, site, a.Status, a.To)
				}
			}
			if got := mine.state(0); got != "claimed" {
				m.Fatalf("round %d: it is %s", round, got)
			}
			if n := d.recorded("handoff.refuse", "wrong") + d.recorded("handoff.refuse", "stopped") - wrongs; n != 0 {
				m.Errorf("round %d: %d counted", round, n)
			}
			// all at once: hers is the one that counts
			everybody := slices.Concat(others, []*sheet{mine})
			idptest.AtOnce(phones, func(i int) {
				if page := everybody[i%4]; i%4 == 3 {
					answers[i] = page.posts(i%2, typed(claimed.Number))
				} else {
					answers[i] = page.posts(i%2, typed(claimed.other(i)))
				}
			})
			for i, a := range answers {
				if want := map[bool]int{true: http.StatusSeeOther, false: http.StatusNotFound}[i%4 == 3]; a.Status != want {
					m.Errorf("round %d: session %d is answered %d, want %d", round, i%4, a.Status, want)
				}
			}
			if got := mine.state(1); got != "confirmed" {
				m.Errorf("round %d: it is %s", round, got)
			}
			m.later(grant.PollEvery)
			if a := h.poll(1, claimed.Handoff); a.Access == "" {
				m.Errorf("round %d: the phone hears %d %s", round, a.Status, a.Body)
			}
		}
	})
}
