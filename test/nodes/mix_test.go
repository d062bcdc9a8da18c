package nodes_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/keys"
)

// mix is a load in which people do not only sign in: they sign out, parties give tokens back, somebody types wrong
// passwords, and recovery codes and links of mails are used. Each browser has accounts of its own for that.
type mix struct {
	p       *pair
	sealer  *keys.Sealer
	cycle   int
	members []*member
}

// member is what one browser has in one cycle. While there is load, only its goroutine uses it.
type member struct {
	codes    []string // recovery codes that were not used yet
	token    string   // of a link for a new password; "" when used
	words    string   // password of who gets links
	next     string   // their next one
	wrong    *guesses
	locking  string // address that one more wrong password locks; "": none
	locks    bool   // the answer said so
	accounts struct{ codes, links string }
}

// guesses are wrong passwords for one address.
type guesses struct {
	email          string
	sent, answered int
}

// freeGuesses wrong passwords in a row are answered at once (package authn).
const freeGuesses = 4

// newMix makes the accounts of so many browsers, at most 256.
func newMix(t *testing.T, p *pair, browsers int) *mix {
	t.Helper()
	master, err := keys.ParseMaster(p.Master)
	must(t, "reading the master key", err)
	m := &mix{p: p}
	m.sealer, err = keys.NewSealer(master)
	must(t, "making a sealer", err)
	file := house(p.issuer, browsers)
	for i := range browsers {
		one := &member{words: idptest.Password}
		one.accounts.codes, one.accounts.links = fmt.Sprintf("c%d@example.org", i), fmt.Sprintf("l%d@example.org", i)
		m.members = append(m.members, one)
		file.Accounts = append(file.Accounts, "email: "+one.accounts.links,
			fmt.Sprintf("email: %s, totp_secret: %s, recovery_codes: [%s]",
				one.accounts.codes, idptest.TOTPSecret, strings.Join(recoveryCodes(i), ", ")))
	}
	p.OK("apply", p.File("mix.yaml", file.File()))
	return m
}

// recoveryCodes are those of a browser's account.
func recoveryCodes(browser int) (codes []string) {
	const letters = "ABCDEFGHJKMNPQRS"
	for n := range 9 {
		codes = append(codes, fmt.Sprintf("A%c%cD-KPX%d-TRDW", letters[browser/16], letters[browser%16], n+1))
	}
	return codes
}

// begin gives everybody new codes and links, forgets all counters, and returns what people do.
func (m *mix) begin(t *testing.T) act {
	t.Helper()
	p := m.p
	m.cycle++
	p.change(t, `DELETE FROM attempts`)
	p.change(t, `UPDATE tickets SET used_at = NULL WHERE purpose = 'recovery-code'`)
	p.change(t, `DELETE FROM tickets WHERE purpose = 'reset' AND used_at IS NULL`)
	for i, one := range m.members {
		one.codes = recoveryCodes(i)[3:] // with two left, people are asked to make new ones
		one.token, one.next = secret.Token(), "zeven regenjassen, "+secret.ID()
		one.wrong = &guesses{email: fmt.Sprintf("nobody-%d-%d@example.org", m.cycle, i)}
		one.locking, one.locks = "", false
		p.change(t, `INSERT INTO tickets (platform, hash, purpose, account, party, issued_at, expires_at)
			SELECT platform, $1, 'reset', id, '', $2, $3 FROM accounts WHERE email = $4`,
			hash(one.token), time.Now().UnixMilli(), time.Now().Add(time.Hour).UnixMilli(), one.accounts.links)
	}
	m.prepareLock(t)
	return m.act
}

// prepareLock lets an address be one wrong password away from the most at once.
func (m *mix) prepareLock(t *testing.T) {
	t.Helper()
	one := m.members[m.cycle%len(m.members)]
	one.locking = fmt.Sprintf("locked-%d@example.org", m.cycle)
	v := newPerson(m.p.through(), one.locking)
	v.words = "verkeerd"
	_, err := v.ask(steady, nil)
	must(t, "opening the login page", err)
	must(t, "typing a wrong password", v.password())
	m.p.change(t, `UPDATE attempts SET full_at = since_at + $1 WHERE owner = $2`,
		((authn.AtOnce - 1) * authn.Refill).Milliseconds(), m.owner(one.locking))
	m.p.change(t, `DELETE FROM attempts WHERE owner = ''`)
}

// owner is whose the counters of an address are.
func (m *mix) owner(email string) string { return authn.PasswordOwner(m.sealer, "linde", email) }

// act is what a browser does next. In each cycle everybody begins with something else.
func (m *mix) act(l *load, browser, turn int) (fact, error) {
	one := m.members[browser]
	acts := []func() (fact, error){
		func() (fact, error) { return one.guess(l) },
		func() (fact, error) { return one.recover(l) },
		func() (fact, error) { return l.leave(email(browser)) },
		func() (fact, error) { return one.follow(l) },
		func() (fact, error) { return l.login(email(browser), steady) },
		func() (fact, error) { return l.giveBack(email(browser)) },
		func() (fact, error) { return one.guess(l) },
		func() (fact, error) { return l.login(email(browser), rotating) },
	}
	return acts[(m.cycle+2*browser+turn)%len(acts)]()
}

// ended is what was taken back, as somebody has it who copied it before.
type ended struct {
	acknowledged
	silent string // what a party gets that asks silently
}

// leave signs somebody in and out.
func (l *load) leave(email string) (fact, error) {
	a := l.try()
	held, err := a.login(newPerson(l.door, email), steady)
	if err != nil {
		return nil, err
	}
	copied := held.person.copied(l.door)
	for {
		err := held.person.open(http.MethodGet, l.door.issuer+"/logout?id_token_hint="+held.id, nil)
		if err == nil && strings.HasSuffix(held.person.page.Path, "/logout") { // a node whose settings are old trusts no hint, and asks
			err = held.person.submit(url.Values{"do": {"logout"}})
		}
		if a.again(err) {
			continue
		}
		if err == nil && !strings.HasSuffix(held.person.page.Path, "/logged-out") {
			err = fmt.Errorf("logging out led to %s (%d)", held.person.page, held.person.shown.status)
		}
		held.person = copied
		return ended{held, "login_required"}, err
	}
}

// giveBack signs somebody in, and the party revokes what it got.
func (l *load) giveBack(email string) (fact, error) {
	a := l.try()
	held, err := a.login(newPerson(l.door, email), rotating)
	if err != nil {
		return nil, err
	}
	for {
		got, err := l.door.post(held.party, "/revoke", url.Values{"token": {held.refresh}})
		if a.again(err) {
			continue
		}
		if err == nil && got.status != http.StatusOK {
			err = fmt.Errorf("revoking: %d %s", got.status, got.body)
		}
		return ended{held, "code"}, err
	}
}

func (e ended) counts(t *testing.T, p *pair, turn int) {
	t.Helper()
	for _, d := range p.twice(turn) {
		if got, err := e.person.copied(d).silently(e.party); err != nil || got != e.silent {
			t.Errorf("asking silently after what was ended: %q %v, want %q", got, err, e.silent)
		}
		if got, err := d.refresh(e.party, e.refresh); err != nil || got.Error != "invalid_grant" {
			t.Errorf("a refresh token that was ended: %d %s %v", got.status, got.body, err)
		}
		if got := d.userinfo(e.access); got != http.StatusUnauthorized {
			t.Errorf("userinfo with an access token that was ended: %d", got)
		}
	}
}

// guess types a wrong password. It is counted when it was sent, and when the answer came. Who has typed enough signs
// in.
func (one *member) guess(l *load) (fact, error) {
	if one.locking != "" && !one.locks {
		shown, err := l.mistype(one.locking)
		one.locks = shown == http.StatusTooManyRequests
		return nil, err
	}
	if one.wrong.sent == freeGuesses {
		return one.follow(l)
	}
	one.wrong.sent++
	shown, err := l.mistype(one.wrong.email)
	if shown == http.StatusOK {
		one.wrong.answered++
	}
	return nil, err
}

// mistype types a wrong password once, and returns the status of the page that followed: 0 when the answer was lost.
func (l *load) mistype(email string) (shown int, err error) {
	a := l.try()
	v := newPerson(l.door, email)
	v.words = "verkeerd"
	for {
		_, err = v.ask(steady, nil)
		if !a.again(err) {
			break
		}
	}
	if err != nil {
		return 0, err
	}
	v.shown.status = 0
	err = v.password()
	switch {
	case a.again(err):
		return 0, nil
	case v.shown.status == http.StatusTooManyRequests:
		return v.shown.status, nil
	case err == nil && !strings.Contains(v.shown.body, html.EscapeString(idptest.Text("nl", "login.error_wrong"))):
		err = fmt.Errorf("a wrong password was answered by %s (%d)", v.page, v.shown.status)
	}
	return v.shown.status, err
}

var toRecovery = regexp.MustCompile(`href="([^"]*/recovery-code)"`)

// byRecovery signs in with a password and a recovery code, and reports whether the code was taken or is a used one.
func (v *person) byRecovery(code string) (used bool, err error) {
	if _, err := v.ask(steady, nil); err != nil {
		return false, err
	}
	if err := v.password(); err != nil {
		return false, err
	}
	to := toRecovery.FindStringSubmatch(v.shown.body)
	if to == nil {
		return false, fmt.Errorf("no way to recovery codes on %s (%d)", v.page, v.shown.status)
	}
	next, err := v.page.Parse(html.UnescapeString(to[1]))
	if err != nil {
		return false, err
	}
	if err := v.open(http.MethodGet, next.String(), nil); err != nil {
		return false, err
	}
	if err := v.submit(url.Values{"recovery_code": {code}, "do": {"continue"}}); err != nil {
		return false, err
	}
	if strings.Contains(v.shown.body, html.EscapeString(idptest.Text("nl", "recovery_use.error_used"))) {
		return true, nil
	}
	if got, err := v.code(); got == "" || err != nil {
		return false, fmt.Errorf("a recovery code led to %s (%d), %v", v.page, v.shown.status, err)
	}
	return false, nil
}

// recovered is a recovery code that was taken.
type recovered struct {
	person *person
	code   string
}

// recover signs in with the next recovery code.
func (one *member) recover(l *load) (fact, error) {
	if len(one.codes) == 0 {
		return nil, nil
	}
	code := one.codes[0]
	one.codes = one.codes[1:]
	a := l.try()
	for missed := false; ; missed = true {
		v := newPerson(l.door, one.accounts.codes)
		used, err := v.byRecovery(code)
		switch {
		case a.again(err):
			continue
		case err != nil:
			return nil, err
		case used && !missed:
			return nil, fmt.Errorf("recovery code %s was never used, and is refused as used", code)
		case used:
			return nil, nil // the request whose answer was lost used it
		}
		return recovered{v, code}, nil
	}
}

func (r recovered) counts(t *testing.T, p *pair, turn int) {
	t.Helper()
	p.change(t, `DELETE FROM attempts`) // of used ones only five are looked at in an hour
	d := p.twice(turn)[0]
	again := newPerson(d, r.person.email)
	if used, err := again.byRecovery(r.code); !used || err != nil {
		t.Errorf("a recovery code that was taken before: used %v, %v", used, err)
	}
	if again.cookies[sessionCookie] != "" {
		t.Error("a recovery code signs in twice")
	}
	if got, err := r.person.copied(d).silently(steady); err != nil || got != "code" {
		t.Errorf("a session by recovery code that was acknowledged: %q %v", got, err)
	}
}

// renewed is a password that was set by a link.
type renewed struct {
	person *person // with the new password
	token  string
	old    string
}

// follow uses the link for a new password; who has used it signs in.
func (one *member) follow(l *load) (fact, error) {
	a := l.try()
	for missed := false; one.token != ""; missed = true {
		v := newPerson(l.door, one.accounts.links)
		v.words = one.next
		works, err := v.link(one.token)
		if err == nil && works {
			err = v.submit(url.Values{"password": {v.words}, "do": {"continue"}})
		}
		if a.again(err) {
			continue
		}
		told := renewed{v, one.token, one.words}
		switch {
		case err != nil:
			return nil, err
		case !works && !missed:
			return nil, fmt.Errorf("a link that nobody used is refused")
		case works && v.away == "":
			return nil, fmt.Errorf("a new password led to %s (%d)", v.page, v.shown.status)
		}
		one.words, one.token = one.next, ""
		if !works {
			return nil, nil // the request whose answer was lost used it
		}
		return told, nil
	}
	v := newPerson(l.door, one.accounts.links)
	v.words = one.words
	return a.login(v, steady)
}

// link opens a link of a mail, and reports whether it works.
func (v *person) link(token string) (works bool, err error) {
	if err := v.open(http.MethodGet, v.issuer+"/link/"+token, nil); err != nil {
		return false, err
	}
	return strings.HasSuffix(v.page.Path, "/new-password"), nil
}

func (r renewed) counts(t *testing.T, p *pair, turn int) {
	t.Helper()
	doors := p.twice(turn)
	for _, d := range doors {
		if works, err := newPerson(d, "").link(r.token); works || err != nil {
			t.Errorf("a link that was used: works %v, %v", works, err)
		}
		if got, err := r.person.copied(d).silently(steady); err != nil || got != "code" {
			t.Errorf("a session by link that was acknowledged: %q %v", got, err)
		}
	}
	with := func(d door, words string) error {
		v := newPerson(d, r.person.email)
		v.words = words
		_, err := v.signIn(steady, nil)
		return err
	}
	if err := with(doors[0], r.old); err == nil {
		t.Error("a password that was replaced still works")
	}
	if err := with(doors[1], r.person.words); err != nil {
		t.Errorf("a new password that was acknowledged: %v", err)
	}
}

// tally is what cycles have shown.
type tally struct {
	facts, lost, wrong, locks int
	kinds                     map[string]int
	slowest                   time.Duration // start
}

// looksAtOnce is how many facts are looked at at the same time: a password that was replaced is answered late on
// purpose.
const looksAtOnce = 48

// check ends the load and looks at everything that it was told.
func (m *mix) check(t *testing.T, l *load, sum *tally) {
	t.Helper()
	facts, lost := l.end(t)
	m.counters(t, lost, sum)
	m.p.wholly(t)
	for i, told := range facts {
		if _, alone := told.(recovered); alone { // it clears the counts of wrong codes
			told.counts(t, m.p, i)
		}
	}
	var all sync.WaitGroup
	places := make(chan struct{}, looksAtOnce)
	for i, told := range facts {
		if _, alone := told.(recovered); alone {
			continue
		}
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			told.counts(t, m.p, i)
		})
	}
	all.Wait()
	if sum.kinds == nil {
		sum.kinds = map[string]int{}
	}
	for _, told := range facts {
		sum.kinds[strings.TrimPrefix(fmt.Sprintf("%T", told), "nodes_test.")]++
	}
	sum.facts, sum.lost = sum.facts+len(facts), sum.lost+lost
}

// counters compares what was typed with what was counted: exactly where all was answered. What was looked at is
// forgotten.
func (m *mix) counters(t *testing.T, lost int, sum *tally) {
	t.Helper()
	sent, answered := 0, 0
	for _, one := range m.members {
		w := one.wrong
		for _, column := range []string{"failures", "total"} {
			n := m.p.row(t, `SELECT COALESCE(SUM(`+column+`), 0) FROM attempts WHERE owner = $1`, m.owner(w.email))
			if n < w.answered || n > w.sent {
				t.Errorf("%s of %s: %d, typed %d wrong passwords of which %d were answered", column, w.email, n, w.sent, w.answered)
			}
		}
		sent, answered = sent+w.sent, answered+w.answered
		m.p.change(t, `DELETE FROM attempts WHERE owner = $1`, m.owner(w.email))
		if one.locking == "" {
			continue
		}
		sent++
		if one.locks {
			answered++
			sum.locks++
			m.locked(t, one.locking)
		}
		m.p.change(t, `DELETE FROM attempts WHERE owner = $1`, m.owner(one.locking))
	}
	// One source sent them all. Of what was lost, some was counted and not yet found to be right.
	if n := m.p.row(t, `SELECT COALESCE(SUM(total), 0) FROM attempts WHERE owner = '' AND key LIKE 'source %'`); n < answered || n > sent+lost {
		t.Errorf("the source counts %d, %d wrong passwords were typed of which %d were answered; %d answers were lost", n, sent, answered, lost)
	}
	sum.wrong += answered
}

// locked checks that an address is refused until the next wrong password is allowed, on every node.
func (m *mix) locked(t *testing.T, address string) {
	t.Helper()
	if n := m.p.row(t, `SELECT COUNT(*) FROM attempts WHERE owner = $1 AND total = 2 AND failures = 2 AND blocked_until - since_at = $2`,
		m.owner(address), authn.Refill.Milliseconds()); n != 1 {
		t.Errorf("%d counters say that %s is locked", n, address)
	}
	for _, d := range m.p.twice(0) {
		v := newPerson(d, address)
		_, err := v.ask(steady, nil)
		must(t, "opening the login page", err)
		if err := v.password(); v.shown.status != http.StatusTooManyRequests {
			t.Errorf("a locked address is answered %d, %v", v.shown.status, err)
		}
	}
}

// many facts hold some of every kind.
const many = 80

// report says what was shown, and fails a test that showed nothing.
func (s *tally) report(t *testing.T, what string) {
	t.Helper()
	if s.lost == 0 {
		t.Error("no kill hit a request: the load is too small to show anything")
	}
	kinds := []string{"acknowledged", "ended"} // tried until they are told; of the others an answer can be lost for good
	if s.facts >= many {
		kinds = append(kinds, "recovered", "renewed")
		if s.wrong == 0 || s.locks == 0 {
			t.Errorf("%d wrong passwords and %d locks were answered: the load is too small to show anything", s.wrong, s.locks)
		}
	}
	for _, kind := range kinds {
		if s.kinds[kind] == 0 {
			t.Errorf("nothing of kind %q was acknowledged: the load is too small to show anything", kind)
		}
	}
	t.Logf("%s: %d acknowledgements verified %v, %d wrong passwords counted, %d locks; %d requests cut off", what, s.facts, s.kinds, s.wrong, s.locks, s.lost)
}
