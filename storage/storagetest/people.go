package storagetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage"
)

// namer names counters.
type namer struct{}

func (namer) MAC(purpose, data string) []byte {
	h := hmac.New(sha256.New, []byte(purpose))
	h.Write([]byte(data))
	return h.Sum(nil)
}

var ria = audit.Reader{Name: "ria", Origin: caller}

// named is somebody of linde with a name; given, middle and family name are divided by strokes.
func (w *world) named(name, address string) account.Account {
	a := w.person(linde, address)
	parts := strings.Split(name+"||", "|")
	a.Profile = account.Profile{GivenName: parts[0], MiddleName: parts[1], FamilyName: parts[2]}
	return a
}

func (w *world) declared(all ...account.Account) {
	w.Helper()
	w.ok(w.db.Declare(w.Context(), storage.Setup{Accounts: all}, w.now))
}

// finds are the addresses of those whom a search finds, page by page, each once and in their order.
func (w *world) finds(s account.Search) (all []string) {
	w.Helper()
	for _, f := range w.foundBy(s) {
		all = append(all, f.Email)
	}
	return all
}

func (w *world) foundBy(s account.Search) (all []account.Found) {
	w.Helper()
	if s.Platform == "" {
		s.Platform = linde
	}
	for range 1000 {
		page, err := w.db.Search(w.Context(), s, namer{}, ria, w.now)
		w.ok(err)
		w.is("incomplete", page.Incomplete, false)
		all = append(all, page.All...)
		if page.Next.IsZero() {
			return all
		}
		s.After, err = account.ParsePlace(page.Next.String())
		w.ok(err)
	}
	w.Fatal("pages without end")
	return nil
}

var people = []promise{
	{"people are found by the beginning of each word of name and address, however it is spelled", func(w *world) {
		w.declared(
			w.named("René|van der|Meer", "rene@example.org"), w.named("Rene\u0301e||Jansen-de Vries", "r.jansen@example.org"),
			w.named("İpek||Straße", "ipek+zorg@example.org"), w.named("小明||王", "wang@example.org"),
			w.named("😀||O’Brien", "smile@example.org"), w.named("||", "nobody_here@sub.example.org"),
			w.named("100%||Sign_", "percent@example.org"), w.named("Søren||Ærø", "soren@example.org"),
		)
		for typed, want := range map[string]string{
			"rene": "rene r.jansen", "RENÉ": "rene r.jansen", "rene\u0301": "rene r.jansen", "renee": "r.jansen",
			"van der meer": "rene", "meer van": "rene", "der": "rene", "vander": "",
			"jansen-de vries": "r.jansen", "jansen": "r.jansen", "vries": "r.jansen", "de": "rene r.jansen",
			"ipek": "ipek+zorg", "IPEK": "ipek+zorg", "İ": "ipek+zorg", "strasse": "ipek+zorg", "Straß": "ipek+zorg", "zorg": "ipek+zorg", "ipek+zorg@": "ipek+zorg",
			"王": "wang", "王小": "wang", "小明": "wang", "明": "", "😀": "smile", "obrien": "", "o'brien": "smile", "o’b": "smile", "brien": "smile",
			"nobody": "nobody_here", "here": "nobody_here", "nobody_here@sub.example.org": "nobody_here", "sub.example": "nobody_here",
			"%": "", "100%": "percent", "_": "", "sign_": "percent", "_ign": "", "100_": "", "soren": "soren", "aero": "soren", "æ": "soren",
			"rene jansen": "r.jansen", "rene wang": "", "jan jansen": "r.jansen", "\x00": "", "'": "", "\\": "",
		} {
			var got []string
			for _, address := range w.finds(account.Search{Typed: typed}) {
				got = append(got, strings.Split(address, "@")[0])
			}
			slices.Sort(got)
			wanted := strings.Fields(want)
			slices.Sort(wanted)
			w.same(fmt.Sprintf("%q", typed), got, wanted)
		}
	}},
	{"people of another platform are never found, those who are deactivated are", func(w *world) {
		w.same("anna", w.finds(account.Search{Typed: "anna"}), []string{"anna@example.org"})
		w.ok(w.db.SetState(w.Context(), linde, w.anna.ID, account.Deactivated, w.event(audit.AccountDeactivated, w.anna), w.now))
		found := w.foundBy(account.Search{Typed: "anna"})
		if len(found) != 1 || found[0].ID != w.anna.ID || found[0].State != account.Deactivated {
			w.Errorf("found %+v", found)
		}
		w.same("all", len(w.foundBy(account.Search{})), 1)
		w.same("blanks", len(w.foundBy(account.Search{Typed: " \t"})), 1)
		w.same("elsewhere", len(w.foundBy(account.Search{Platform: "elm", Typed: "anna"})), 0)
	}},
	{"people are found by their new name and address, and not by the old one", func(w *world) {
		email, err := account.ParseEmail("new@example.com")
		w.ok(err)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{
			Platform: linde, Account: &authn.AccountChange{ID: w.anna.ID, Email: &email}, Events: []audit.Event{w.event(audit.EmailChanged, w.anna)},
		}, w.now))
		w.same("new", w.finds(account.Search{Typed: "new@"}), []string{"new@example.com"})
		w.same("old", len(w.finds(account.Search{Typed: "anna@"})), 0)
		a, err := w.db.Account(w.Context(), linde, w.anna.ID)
		w.ok(err)
		a.Profile = account.Profile{GivenName: "Zus", FamilyName: "Jet"}
		w.declared(*a)
		w.same("new name", w.finds(account.Search{Typed: "zus jet"}), []string{"new@example.com"})
		w.same("old name", len(w.finds(account.Search{Typed: "bakker"})), 0)
		b := w.named("Sign||Up", "signup@example.org")
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Add: &b, Put: b.Credentials}, w.now))
		w.same("added", w.finds(account.Search{Typed: "up sign"}), []string{"signup@example.org"})
	}},
	{"people of before are made findable once, by any node, and until then the search says that somebody may be missing", func(w *world) {
		w.declared(w.named("Bram|van|Dijk", "bram@example.org"))
		w.run("DELETE FROM account_words", "UPDATE accounts SET worded_at = NULL, sort_key = NULL")
		page, err := w.db.Search(w.Context(), account.Search{Platform: linde, Typed: "bram"}, namer{}, ria, w.now)
		w.ok(err)
		w.is("incomplete", page.Incomplete && len(page.All) == 0, true)
		n, err := w.db.FillPeople(w.Context(), w.now, 2)
		w.ok(err)
		w.same("first", n, 2)
		for _, err := range race(func(int) error { _, err := w.db.FillPeople(w.Context(), w.now, 100); return err }) {
			w.ok(err)
		}
		w.same("bram", w.finds(account.Search{Typed: "bram"}), []string{"bram@example.org"})
		w.run("UPDATE accounts SET email_key = 'other@example.org', updated_at = worded_at + 1 WHERE email_key = 'bram@example.org'") // by a node of the release before
		n, err = w.db.FillPeople(w.Context(), w.now, 100)
		w.ok(err)
		w.same("again", n, 1)
		w.same("other", w.finds(account.Search{Typed: "other@"}), []string{"bram@example.org"})
		n, err = w.db.FillPeople(w.Context(), w.now, 100)
		w.ok(err)
		w.same("nothing left", n, 0)
	}},
	{"a search is what a look at everybody finds, in pages, whatever is asked", func(w *world) { w.searchesAsNaive() }},
	{"who looks for people, opens a card or takes a list away is on record, and what was typed is not", func(w *world) {
		_, err := w.db.Search(w.Context(), account.Search{Platform: linde, Typed: "anna"}, namer{}, ria, w.now)
		w.ok(err)
		_, err = w.db.Card(w.Context(), linde, w.anna.ID, namer{}, ria, w.now)
		w.ok(err)
		_, err = w.db.Export(w.Context(), account.Search{Platform: linde}, namer{}, ria, w.now)
		w.ok(err)
		_, err = w.db.Card(w.Context(), linde, w.far.ID, namer{}, ria, w.now)
		w.fails(err, fault.NotFound)
		for _, wrong := range []account.Search{{}, {Platform: linde, Limit: account.MaxExport + 1}, {Platform: linde, Role: "client", NoSecond: true}, {Platform: linde, Waiting: true, Typed: "x"}} {
			_, err := w.db.Search(w.Context(), wrong, namer{}, ria, w.now)
			w.fails(err, fault.Invalid)
		}
		var got []string
		for _, e := range w.events() {
			if e.Actor != "ria" || e.Address != caller.Address || e.Reference != caller.Reference || e.Outcome != audit.Success {
				w.Errorf("%+v", e)
			}
			got = append(got, fmt.Sprintf("%s %s %s", e.Kind, e.Account, e.Reason))
		}
		slices.Sort(got)
		w.same("events", got, []string{"people.export  1", "people.open " + string(w.anna.ID) + " ", "people.search  1"})
	}},
	{"invited people are counted and listed by how far they are", func(w *world) { w.invites() }},
	{"a card says why somebody cannot get in", func(w *world) { w.cards() }},
	{"those who wait are found, and no longer than they wait", func(w *world) { w.waitingPeople() }},
}

// searchesAsNaive compares searches with a look at everybody, over people who are drawn.
func (w *world) searchesAsNaive() {
	words := []string{"Anna", "Ann", "Jansen", "Jan", "de Vries", "van der Meer", "Élise", "Elise", "Öz", "王小明", "İrem", "O'Neil", "Smit-Bakker", "😀"}
	roles := []platform.Role{platform.Client, platform.Professional, platform.Helpdesk}
	states := []account.State{account.Active, account.Active, account.Deactivated, account.Invited}
	draw := func(n int) int { return int(secret.Bytes(1)[0]) % n }
	all := []account.Account{w.anna}
	for i := range 120 {
		a := w.named(words[draw(len(words))]+"||"+words[draw(len(words))], fmt.Sprintf("p%d.%d@example%d.org", draw(9), i, draw(3)))
		a.Role, a.State = roles[draw(3)], states[draw(4)]
		if draw(3) > 0 {
			a.Credentials = a.Credentials[:1]
		}
		all = append(all, a)
		w.declared(a)
	}
	naive := func(s account.Search) (addresses []string) {
		for _, a := range all {
			of := a.Words()
			every := true
			for _, typed := range strings.Fields(account.Fold(s.Typed)) {
				every = every && slices.ContainsFunc(of, func(word []byte) bool { return strings.HasPrefix(string(word), typed) })
			}
			if every && (s.Role == "" || a.Role == s.Role) && (s.State == "" || a.State == s.State) &&
				(!s.NoSecond || a.State == account.Active && len(a.SecondMethods()) == 0) && (s.Invite != account.InviteMade || a.State == account.Invited) {
				addresses = append(addresses, a.Email.Address)
			}
		}
		slices.Sort(addresses)
		return addresses
	}
	filters := []account.Search{{}, {Role: platform.Helpdesk}, {State: account.Deactivated}, {NoSecond: true}, {Invite: account.InviteMade}}
	typed := []string{"", "an", "anna", "jan", "jansen a", "vries de", "elise", "p1 jan", "p1.", "example1", "example1.org", "王", "i", "o'n", "smit bakker", "xyz", "p1 p1.1"}
	for _, text := range typed {
		for _, s := range filters {
			s.Typed, s.Limit = text, 7
			got := w.finds(s)
			w.is(fmt.Sprintf("%+v sorted by name", s), text == "" && s.Invite == "" && !w.byName(got, all), false)
			slices.Sort(got)
			w.same(fmt.Sprintf("%+v", s), got, naive(s))
		}
	}
}

// byName reports whether addresses are those of people in the order of their names.
func (w *world) byName(addresses []string, all []account.Account) bool {
	keys := map[string]string{}
	for _, a := range all {
		keys[a.Email.Address] = string(a.SortKey())
	}
	return slices.IsSortedFunc(addresses, func(a, b string) int { return strings.Compare(keys[a], keys[b]) })
}

// inviteStates are the invite states of linde with who is in each, as count and lists both say.
func (w *world) inviteStates() map[account.InviteState]string {
	w.Helper()
	counts, err := w.db.Invited(w.Context(), linde, w.now)
	w.ok(err)
	states := map[account.InviteState]string{}
	for _, state := range account.InviteStates {
		found := w.foundBy(account.Search{Invite: state, Limit: 2})
		w.same(string(state), counts[state], len(found))
		var who []string
		for _, f := range found {
			w.same("state of "+f.Email, f.Invitation.State, state)
			who = append(who, f.Email)
		}
		if len(who) > 0 {
			slices.Sort(who)
			states[state] = strings.Join(who, " ")
		}
	}
	return states
}

// invite queues the welcome mail of an account.
func (w *world) invite(a account.Account) (outbox.Message, authn.Ticket) {
	w.Helper()
	seal := func(plain []byte, _ string) []byte { return []byte("sealed") }
	c := authn.Queue(outbox.Draft{Kind: outbox.Welcome, Platform: linde, Account: a.ID, Now: w.now}, nil, seal)
	w.ok(w.db.SaveChange(w.Context(), c, w.now))
	return c.Messages[0], c.Issue[0]
}

func (w *world) settle(m outbox.Message, outcome outbox.Outcome, reason string) {
	w.Helper()
	w.ok(w.db.SettleMessage(w.Context(), m, outcome, reason, authn.Change{}, w.now))
}

// opened is the journey of a mail's button.
func (w *world) opened(a account.Account, t authn.Ticket) authn.Journey {
	w.Helper()
	j := authn.Journey{
		ID: secret.ID(), Platform: linde, StartedAt: w.now, ExpiresAt: w.now.Add(authn.JourneyLife),
		Link: &authn.Link{Hash: t.Hash, Purpose: t.Purpose},
	}
	j.SetAccount(&a)
	w.ok(w.db.StartJourney(w.Context(), j))
	return j
}

func (w *world) invites() {
	names := []string{"a", "b", "c", "d", "e", "f"}
	all := map[string]account.Account{}
	for _, name := range names {
		a := w.named(name, name+"@x.org")
		a.State, a.Credentials = account.Invited, nil
		all[name] = a
		w.declared(a)
	}
	w.same("declared", w.inviteStates(), map[account.InviteState]string{account.InviteMade: "a@x.org b@x.org c@x.org d@x.org e@x.org f@x.org"})
	tickets := map[string]authn.Ticket{}
	for _, name := range names[1:] {
		m, t := w.invite(all[name])
		tickets[name] = t
		if name == "c" {
			w.settle(m, outbox.Refused, "550 no such mailbox")
		} else {
			w.settle(m, outbox.Sent, "")
		}
	}
	w.same("sent", w.inviteStates(), map[account.InviteState]string{
		account.InviteMade: "a@x.org", account.InviteSent: "b@x.org d@x.org e@x.org f@x.org", account.InviteRefused: "c@x.org",
	})
	begun := map[string]authn.Journey{}
	for _, name := range []string{"d", "e", "f"} {
		begun[name] = w.opened(all[name], tickets[name])
	}
	w.same("opened by a scanner", w.inviteStates()[account.InviteSent], "b@x.org d@x.org e@x.org f@x.org")
	for name, j := range begun {
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Journey: &j}, w.now))
		j.Version++
		begun[name] = j
	}
	w.same("begun", w.inviteStates()[account.InviteBegun], "d@x.org e@x.org f@x.org")
	for _, name := range []string{"e", "f"} {
		a, j := all[name], begun[name]
		password := w.credential(a, "password", account.Primary, 0)
		c := authn.Change{Journey: &j, Account: &authn.AccountChange{ID: a.ID, Activate: true}, Put: []account.Credential{password}}
		if name == "f" {
			a.Credentials = []account.Credential{password}
			v := w.newVisit(a)
			c.Start = &authn.SessionStart{Session: v.Session, Cookie: secret.Hash(v.cookie)}
		}
		w.ok(w.db.SaveChange(w.Context(), c, w.now))
		a.Credentials = []account.Credential{password}
		all[name] = a
	}
	want := map[account.InviteState]string{
		account.InviteMade: "a@x.org", account.InviteSent: "b@x.org", account.InviteRefused: "c@x.org", account.InviteBegun: "d@x.org",
		account.InviteHalfWay: "e@x.org", account.InviteDone: "f@x.org",
	}
	w.same("all", w.inviteStates(), want)
	w.visit(all["e"])
	w.same("signed in later", w.inviteStates()[account.InviteDone], "e@x.org f@x.org")
	w.now = w.now.Add(authn.TicketWelcome.Life())
	w.same("a week later", w.inviteStates(), map[account.InviteState]string{
		account.InviteMade: "a@x.org", account.InviteExpired: "b@x.org d@x.org", account.InviteRefused: "c@x.org", account.InviteDone: "e@x.org f@x.org",
	})
	m, _ := w.invite(all["b"])
	w.same("sent again", w.inviteStates()[account.InviteMade], "a@x.org b@x.org")
	w.settle(m, outbox.Sent, "")
	w.same("and gone", w.inviteStates()[account.InviteSent], "b@x.org")
	b := all["b"]
	w.ok(w.db.SetState(w.Context(), linde, b.ID, account.Deactivated, w.event(audit.AccountDeactivated, b), w.now))
	w.same("deactivated", w.inviteStates()[account.InviteSent], "")
	w.ok(w.db.SetState(w.Context(), linde, b.ID, account.Invited, w.event(audit.AccountReactivated, b), w.now))
	w.same("reactivated", w.inviteStates()[account.InviteMade], "a@x.org b@x.org")
	w.run("DELETE FROM invitations", "UPDATE accounts SET worded_at = NULL")
	_, err := w.db.FillPeople(w.Context(), w.now, 100)
	w.ok(err)
	w.same("of before", w.inviteStates(), map[account.InviteState]string{account.InviteMade: "a@x.org", account.InviteSent: "b@x.org", account.InviteRefused: "c@x.org", account.InviteExpired: "d@x.org"})
	w.now = w.now.Add(account.InviteFor)
	w.same("much later", w.inviteStates()[account.InviteDone], "")
}

func (w *world) cards() {
	v := w.visit(w.anna)
	w.ok(w.db.SaveChange(w.Context(), authn.Change{
		Remember: &authn.DeviceStart{Device: account.Device{
			ID: "device", Platform: linde, Account: w.anna.ID, Agent: "Firefox", AddedAt: w.now, SeenAt: w.now, EndsAt: w.now.Add(time.Hour),
		}, Cookie: secret.Hash("x")},
		Issue: []authn.Ticket{authn.NewTicket(secret.Hash("1"), linde, authn.TicketRecoveryCode, w.anna.ID, w.now), authn.NewTicket(secret.Hash("2"), linde, authn.TicketRecoveryCode, w.anna.ID, w.now)},
	}, w.now))
	seal := func(plain []byte, _ string) []byte { return []byte("sealed") }
	queue := func(kind outbox.Kind, after time.Duration) (outbox.Message, *authn.Ticket) {
		c := authn.Queue(outbox.Draft{Kind: kind, Platform: linde, Account: w.anna.ID, Now: w.now.Add(after)}, nil, seal)
		w.ok(w.db.SaveChange(w.Context(), c, w.now))
		if len(c.Issue) == 0 {
			return c.Messages[0], nil
		}
		return c.Messages[0], &c.Issue[0]
	}
	replaced, _ := queue(outbox.PasswordReset, 0)
	w.settle(replaced, outbox.Sent, "")
	begun, ticket := queue(outbox.PasswordReset, time.Second)
	w.settle(begun, outbox.Sent, "")
	refused, _ := queue(outbox.TwoStepOn, 2*time.Second)
	w.settle(refused, outbox.Refused, "550 5.1.1 no such user")
	queued, _ := queue(outbox.MethodChanged, 3*time.Second)
	j := w.opened(w.anna, *ticket)
	w.ok(w.db.SaveChange(w.Context(), authn.Change{Journey: &j}, w.now))
	for i := range 12 {
		e := w.event(audit.PasswordRefused, w.anna)
		e.At, e.Outcome, e.Reason = w.now.Add(time.Duration(i)*time.Second), audit.Failure, "wrong"
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Events: []audit.Event{e, w.event(audit.GrantStarted, w.anna)}}, w.now))
	}
	p := w.entered(w.anna, jkt)
	c, err := w.db.Card(w.Context(), linde, w.anna.ID, namer{}, ria, w.now)
	w.ok(err)
	if len(c.Apps) != 1 || c.Apps[0].ID != p.ID || c.Apps[0].Name != "Annas telefoon" {
		w.Errorf("devices with the app %+v", c.Apps)
	}
	w.same("account", c.Account.Email.Address, "anna@example.org")
	w.same("credentials", len(c.Account.Credentials), 2)
	w.same("signed in", c.SignedInAt, w.now.Truncate(time.Millisecond))
	w.same("codes", c.RecoveryCodes, 2)
	w.same("devices", len(c.Devices), 1)
	if len(c.Sessions) != 1 || c.Sessions[0].ID != v.ID || c.Sessions[0].Channel != authn.Browser {
		w.Errorf("sessions %+v", c.Sessions)
	}
	var mails []string
	for _, m := range c.Mails {
		mails = append(mails, fmt.Sprintf("%s %s %s", m.Kind, m.State, m.Said))
	}
	w.same("mails", mails, []string{"mail_method queued ", "mail_on refused 550 5.1.1 no such user", "mail_reset begun ", "mail_reset replaced "})
	_ = queued
	w.same("attempts", len(c.Attempts), 10)
	for _, a := range c.Attempts {
		if a.Kind != audit.PasswordRefused || a.Reason != "wrong" || a.Reference == "" {
			w.Errorf("%+v", a)
		}
	}
	w.same("waits", len(c.Waits), 0)
	w.now = w.now.Add(2 * time.Hour)
	c, err = w.db.Card(w.Context(), linde, w.anna.ID, namer{}, ria, w.now)
	w.ok(err)
	w.same("devices, later", len(c.Devices), 0)
	w.same("mail, later", c.Mails[2].State, staff.MailExpired)
	w.now = w.now.Add(31 * 24 * time.Hour)
	c, err = w.db.Card(w.Context(), linde, w.anna.ID, namer{}, ria, w.now)
	w.ok(err)
	w.same("mails, much later", len(c.Mails), 0)
	w.same("nothing ended it", len(c.Ended), 0)
	for _, kind := range []audit.Kind{audit.AccountDeactivated, audit.AccountFrozen} {
		w.now = w.now.Add(time.Hour)
		w.ok(w.db.SetState(w.Context(), linde, w.anna.ID, account.Deactivated, w.event(kind, w.anna), w.now))
		c, err = w.db.Card(w.Context(), linde, w.anna.ID, namer{}, ria, w.now)
		w.ok(err)
		if len(c.Ended) != 1 || c.Ended[0].Kind != kind {
			w.Errorf("ended by %+v, want %s", c.Ended, kind)
		}
		w.ok(w.db.SetState(w.Context(), linde, w.anna.ID, account.Active, w.event(audit.AccountReactivated, w.anna), w.now))
	}
	c, err = w.db.Card(w.Context(), linde, w.anna.ID, namer{}, ria, w.now)
	w.ok(err)
	w.same("active again", len(c.Ended), 0)
}

func (w *world) waitingPeople() {
	email := w.anna.Email.Key
	owner := authn.PasswordOwner(namer{}, linde, email)
	var until time.Time
	for range authn.BlockAt {
		a, err := w.db.CountAttempt(w.Context(), linde, authn.Guess{Counter: "counter", Owner: owner, Source: "source x"}, w.now)
		w.ok(err)
		until = a.BlockedTo
	}
	bram, cor := w.named("Bram", "bram@example.org"), w.named("Cor", "cor@example.org")
	w.declared(bram, cor)
	for range authn.CodesPerDay {
		_, err := w.db.Count(w.Context(), linde, []authn.Limit{authn.CodesOf(namer{}, linde, bram.ID)}, w.now)
		w.ok(err)
	}
	for i, a := range []account.Account{w.anna, bram, cor, w.far} {
		e := w.event(audit.PasswordRefused, a)
		if a.ID == bram.ID {
			e.Kind = audit.SecondFactorRefused
		}
		e.At = w.now.Add(time.Duration(i) * time.Second)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Events: []audit.Event{e, e, e}}, w.now))
	}
	w.same("who waits", w.finds(account.Search{Waiting: true, Limit: 1}), []string{"bram@example.org", "anna@example.org"})
	waits := func(a account.Account) []authn.Wait {
		c, err := w.db.Card(w.Context(), linde, a.ID, namer{}, ria, w.now)
		w.ok(err)
		return c.Waits
	}
	w.same("anna", waits(w.anna), []authn.Wait{{For: authn.WaitPassword, Until: until}})
	w.same("bram", waits(bram), []authn.Wait{{For: authn.WaitCodes, Until: w.now.Add(24 * time.Hour).Truncate(time.Millisecond)}})
	w.same("cor", len(waits(cor)), 0)
	for range authn.MailsAtOnce {
		_, err := w.db.Count(w.Context(), linde, []authn.Limit{authn.MailsOf(namer{}, linde, outbox.PasswordResetRequest, cor.Email.Key)}, w.now)
		w.ok(err)
	}
	w.same("cor", waits(cor), []authn.Wait{{For: authn.WaitReset, Until: w.now.Add(authn.MailEvery).Truncate(time.Millisecond)}})
	w.now = w.now.Add(16 * time.Minute)
	w.same("a quarter later", w.finds(account.Search{Waiting: true}), []string{"bram@example.org"})
	w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Forgive: []string{authn.CodeOwner(namer{}, linde, bram.ID)}}, w.now))
	w.same("unblocked", len(w.finds(account.Search{Waiting: true})), 0)
}
