package password_test

import (
	"fmt"
	"maps"
	"math/bits"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/test/browser"
)

// besieged is the owner's account, and one of the attacker's own.
var besieged = idptest.Demo{
	Policy: "self_sign_up: true", Parties: []string{"client_id: web"},
	Accounts: []string{"email: anna@example.org, name: { given: Anna, family: Bakker }"},
}

const (
	anna = "anna@example.org"

	promised    = 50               // guesses that are verified in any 24 hours, at most
	sources     = 1000             // addresses of the attacker
	ownersLimit = 3 * time.Hour    // the owner gives up after so long
	ownersPause = 8 * time.Minute  // … and tries again after so long
	unread      = time.Second      // between two requests
	tick        = 16 * time.Minute // between two acts of an attacker who is alone
)

// siegeDays is how long the siege lasts: IDP_SIEGE_DAYS=100 is what was promised, and takes minutes.
func siegeDays(t testing.TB) int {
	days, err := strconv.Atoi(os.Getenv("IDP_SIEGE_DAYS"))
	if err != nil && os.Getenv("IDP_SIEGE_DAYS") != "" {
		t.Fatal(err)
	}
	return max(days, len(strategies)+1)
}

// TestOwnerEntersEveryDayUnderSiege: somebody with a thousand addresses guesses the owner's password and has mails sent
// between every two of her requests, and all day, in the way that harms her most. She comes once a day, in a browser
// that nobody knows, at an hour that the attacker knows, opens the newest mail and tries again: she is in within three
// hours. Of the guesses at most fifty are verified in any 24 hours (CVE-2024-1722).
func TestOwnerEntersEveryDayUnderSiege(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		s = s.AtIssuer(idptest.HostIssuer)
		s.Rebuild(func(o *wire.Options) { o.Proxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
		s.Declare(besieged)
		w := &siege{Scene: s, password: idptest.Password, seed: 1}
		w.party = idptest.NewParty(s.Server, "web.linde.test", idptest.HostIssuer, "web", idptest.PartySecret)
		days := siegeDays(s)
		for day := range days {
			w.day(day)
		}
		w.report(days)
	})
}

// siege is the attacker and the owner.
type siege struct {
	*idptest.Scene
	party    *idptest.Party
	password string // the owner's
	strategy *strategy
	phase    phase
	comes    time.Time // when the owner comes today
	seed     uint64
	source   int
	rest     bool // the attacker is at work: what it sends is nobody's gap
	gaps     int
	harm     map[string]time.Duration // the longest that the owner took, by strategy
	how      map[string]int           // how she entered
}

// phase is what the owner is about to do, as far as an attacker can know.
type phase string

const (
	away    phase = "away"
	signing phase = "signing in"
	reading phase = "reading mail"
	pressed phase = "on the page of a mail" // opened, and about to send its form
)

// strategy is what an attacker does in a gap. All of them guess whenever a guess is verified, unless they say
// otherwise.
type strategy struct {
	name  string
	guess func(*siege) bool
	mails func(*siege) []string // forms that it has mails sent by: forgot, unblock, sign-up
}

var strategies = []strategy{
	{"burns whatever it can, always", always, func(*siege) []string { return []string{"forgot", "unblock", "sign-up"} }},
	{"burns all mails so that they have just expired when she comes and no new one is due for as long as can be", always, func(w *siege) []string {
		if left := w.until(); w.phase == away && (left <= time.Hour || left > time.Hour+tick) {
			return []string{"unblock"}
		}
		return []string{"unblock", "forgot", "forgot", "forgot"}
	}},
	{"keeps its mails for the moment between her opening a mail and sending its form", always, func(w *siege) []string {
		if w.phase == pressed {
			return []string{"unblock", "forgot"}
		}
		return []string{"unblock"}
	}},
	{"keeps its guesses until she comes, to fill each row right after it starts again", func(w *siege) bool { return w.phase != away }, func(*siege) []string { return []string{"unblock", "forgot"} }},
	{"uses all guesses up as a day ends and as the next begins", func(w *siege) bool {
		return w.phase != away || w.until() < 2*time.Hour || w.Clock.Now().Hour() >= 22 || w.Clock.Now().Hour() < 2
	}, func(w *siege) []string {
		if w.phase == away {
			return []string{"unblock"}
		}
		return []string{"forgot", "unblock"}
	}},
	{"does anything at random", (*siege).often, func(w *siege) (forms []string) {
		for _, form := range []string{"forgot", "unblock", "sign-up"} {
			if w.toss() {
				forms = append(forms, form)
			}
		}
		return forms
	}},
}

func always(*siege) bool { return true }

// toss is a coin of a small generator of our own, so that each run is the same.
func (w *siege) toss() bool {
	w.seed = w.seed*6364136223846793005 + 1442695040888963407
	return bits.OnesCount64(w.seed>>33)%2 == 0
}

func (w *siege) often() bool {
	first := w.toss()
	return w.toss() || first
}

func (w *siege) until() time.Duration { return w.comes.Sub(w.Clock.Now()) }

// choose takes each strategy once, then the one that harmed most, and every third day another one.
func (w *siege) choose(day int) *strategy {
	if day < len(strategies) || day%3 == 0 {
		return &strategies[day%len(strategies)]
	}
	worst := slices.MaxFunc(slices.Sorted(maps.Keys(w.harm)), func(a, b string) int { return int(w.harm[a] - w.harm[b]) })
	return &strategies[slices.IndexFunc(strategies, func(s strategy) bool { return s.name == worst })]
}

// day goes on until 24 hours after the day before ended.
func (w *siege) day(day int) {
	if day == 0 {
		w.harm, w.how = map[string]time.Duration{}, map[string]int{}
	}
	w.strategy, w.phase = w.choose(day), away
	began := w.Clock.Now()
	w.comes = began.Add(time.Duration(day*7%20) * time.Hour)
	w.idle(w.comes)
	took, how := w.comesIn()
	if took > ownersLimit {
		w.Fatalf("day %d, an attacker who %s: the owner did not enter: %s", day, w.strategy.name, how)
	}
	w.harm[w.strategy.name] = max(w.harm[w.strategy.name], took)
	w.how[how]++
	w.phase, w.comes = away, began.Add(24*time.Hour)
	w.idle(w.comes)
	if _, err := w.DB.CleanUp(w.Context(), w.Clock.Now(), 10_000); err != nil {
		w.Fatal(err)
	}
}

// idle lets the attacker act alone, whenever something may have become possible.
func (w *siege) idle(until time.Time) {
	for w.Clock.Now().Before(until) {
		w.attack()
		w.Clock.Later(min(tick, until.Sub(w.Clock.Now())))
	}
}

// RoundTrip is the owner's way to the house: the attacker acts before each of her requests.
func (w *siege) RoundTrip(r *http.Request) (*http.Response, error) {
	w.gaps++
	w.Clock.Later(unread)
	w.attack()
	return w.Server.RoundTrip(r)
}

// comesIn is a day's visit of the owner: how long it took until she was in, and by what.
func (w *siege) comesIn() (time.Duration, string) {
	began := w.Clock.Now()
	b := browser.New(w, "en")
	b.More = map[string]string{"X-Forwarded-For": "198.51.100.7"}
	opened := map[string]bool{}
	last := ""
	for w.Clock.Now().Sub(began) <= ownersLimit {
		w.phase = signing
		if w.signsIn(b) {
			return w.Clock.Now().Sub(began), "her password"
		}
		if b.Button("Send me an email to log in sooner") != nil {
			b.MustPress(w, "Send me an email to log in sooner")
		}
		for _, ask := range []bool{false, true} {
			if ask {
				w.asksForPassword(b)
			}
			w.phase = reading
			// The newest mail again, while she gets on by it: a newer one may have taken the place of the one she opened.
			for m, ok := w.newest(opened); ok; m, ok = w.newest(opened) {
				opened[m.Link] = true
				if last = w.reads(b, m.Link); last != "" {
					return w.Clock.Now().Sub(began), last
				}
			}
		}
		w.Clock.Later(ownersPause)
	}
	return ownersLimit + 1, fmt.Sprintf("at %s:\n%s", b.URL, idptest.Visible(b.Doc))
}

func (w *siege) signsIn(b *idptest.Browser) bool {
	w.party.Last = idptest.Arrival{}
	b.MustOpen(w, w.party.Start(nil))
	if w.party.Last.Claims != nil {
		return true // she is signed in here
	}
	idptest.TryPassword(w, b, anna, w.password)
	return w.party.Last.Claims != nil
}

func (w *siege) asksForPassword(b *idptest.Browser) {
	w.phase = signing
	b.MustOpen(w, w.Issuer+"/forgot")
	b.MustFill(w, "Email address", anna)
	b.MustPress(w, "Send the email")
}

type mail struct{ Link string }

// newest is the newest mail with a button, if she did not open it before.
func (w *siege) newest(opened map[string]bool) (mail, bool) {
	w.attack()
	idptest.Deliver(w, w)
	for _, m := range slices.Backward(w.Mails.Sent()) {
		if m.To == anna && (m.Kind == outbox.PasswordReset || m.Kind == outbox.Unblock) {
			return mail{m.Link}, !opened[m.Link]
		}
	}
	return mail{}, false
}

// reads opens a mail and does what its page says; it is how she entered, or empty.
func (w *siege) reads(b *idptest.Browser, link string) string {
	b.MustOpen(w, link)
	w.phase = pressed
	switch {
	case b.Button("Allow login again") != nil:
		b.MustPress(w, "Allow login again")
		w.phase = signing
		if w.signsIn(b) {
			return "the button of a mail"
		}
	case strings.HasSuffix(b.URL.Path, "/new-password"):
		next := map[string]string{idptest.Password: idptest.NewPassword, idptest.NewPassword: idptest.Password}[w.password]
		b.MustFill(w, "Create a password", next)
		b.MustPress(w, "Save password")
		if strings.Contains(idptest.Visible(b.Doc), "There is a newer email") {
			break
		}
		w.password = next
		w.phase = signing
		if w.signsIn(b) {
			return "a new password"
		}
	}
	w.phase = reading
	return ""
}

// attack is what the attacker does in a gap.
func (w *siege) attack() {
	if w.rest {
		return
	}
	w.rest = true
	defer func() { w.rest = false }()
	forms, guess := w.strategy.mails(w), w.strategy.guess(w)
	if len(forms) == 0 && !guess {
		return
	}
	b := w.intruder()
	journey := strings.TrimSuffix(b.URL.String(), "/password")
	w.guesses(b, guess, slices.Contains(forms, "unblock"))
	for _, form := range forms {
		if form != "unblock" {
			b.MustOpen(w, journey+"/"+form)
			w.asks(b, form)
		}
	}
}

// intruder is a browser of the attacker at a login page, from the next of its addresses.
func (w *siege) intruder() *idptest.Browser {
	w.source++
	b := idptest.NewBrowser(w.Server, "en")
	b.More = map[string]string{"X-Forwarded-For": fmt.Sprintf("203.0.%d.%d", 113+w.source%sources/250, 1+w.source%250)}
	b.MustOpen(w, w.party.Start(url.Values{"prompt": {"login"}}))
	return b
}

// guesses as often as the house takes it, and has the mail sent that lets the owner in sooner.
func (w *siege) guesses(b *idptest.Browser, guess, mail bool) {
	for i := 0; guess && i < 2*authn.PerDay && b.Button("Log in") != nil; i++ {
		idptest.TryPassword(w, b, anna, fmt.Sprintf("guess %d of siege", w.source))
	}
	if button := "Send me an email to log in sooner"; mail && b.Button(button) != nil {
		b.MustPress(w, button)
	}
}

// asks has a mail sent by a form beside the login.
func (w *siege) asks(b *idptest.Browser, form string) {
	if other := "Enter another email address"; b.Button(other) != nil {
		b.MustPress(w, other)
	}
	b.MustFill(w, "Email address", anna)
	if form == "forgot" {
		b.MustPress(w, "Send the email")
		return
	}
	b.MustFill(w, "First name", "Eva")
	b.MustFill(w, "Last name", "Vreemd")
	b.MustPress(w, "Create account")
}

// report holds what was promised of the guesses, and says how it went.
func (w *siege) report(days int) {
	rows, err := w.DB.SQL().QueryContext(w.Context(), "SELECT at FROM events WHERE kind = 'password.refuse' AND reason = 'wrong' ORDER BY at")
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // read to its end
	var at []int64
	for rows.Next() {
		var one int64
		if err := rows.Scan(&one); err != nil {
			w.Fatal(err)
		}
		at = append(at, one)
	}
	most, first := 0, 0
	for last := range at {
		for at[last]-at[first] > (24 * time.Hour).Milliseconds() {
			first++
		}
		most = max(most, last-first+1)
	}
	if most > promised || most < promised-1 {
		w.Errorf("%d guesses verified in 24 hours, want at most %d, and a siege that gets about as many", most, promised)
	}
	w.Logf("%d days, %d gaps, %d guesses verified, at most %d in any 24 hours; entered by %v", days, w.gaps, len(at), most, w.how)
	for _, name := range slices.Sorted(maps.Keys(w.harm)) {
		w.Logf("%12s at most with an attacker who %s", w.harm[name].Round(time.Second), name)
	}
}
