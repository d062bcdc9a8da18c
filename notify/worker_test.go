package notify_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage"
)

var twoPlatforms = []idptest.Demo{
	{
		More:     "help: { email: help@linde.test }",
		Accounts: []string{"email: anna@example.org, locale: nl, name: { given: Anna }", "email: gone@example.org, deactivated: true"},
		Invited:  []string{"email: invited@example.org, locale: en"},
	},
	{Name: "wilg", More: "mail: { from: login@wilg.test, show_name: true }", Policy: "self_sign_up: true"},
}

// each runs a test on both databases.
func each(t *testing.T, test func(*testing.T, *idptest.Server)) {
	idptest.EachDatabase(t, func(t *testing.T, db *storage.DB) {
		s := idptest.NewServer(t, db)
		s.Declare(twoPlatforms...)
		test(t, s)
	})
}

// node is another house on the same database, with a mailer of its own.
func node(t *testing.T, s *idptest.Server, mailer notify.Mailer) *wire.House {
	t.Helper()
	return s.Another(func(o *wire.Options) { o.Mailer, o.MailFrom = mailer, "login@sender.test" })
}

// request queues what a page would.
func wish(t *testing.T, s *idptest.Server, kind outbox.Kind, address string) outbox.Message {
	t.Helper()
	now := s.Clock.Now()
	l := outbox.Message{ID: secret.ID(), Platform: "linde", Kind: kind, Recipient: outbox.Mail, Locale: "en", QueuedAt: now, ExpiresAt: now.Add(time.Hour)}
	l.Seal(outbox.Contents{To: address, Party: "linde-web"}, s.Sealer.Seal)
	save(t, s, l)
	return l
}

// notice queues a message without a link to anna.
func notice(t *testing.T, s *idptest.Server, life time.Duration) outbox.Message {
	t.Helper()
	a, err := s.DB.AccountByEmail(t.Context(), "linde", "anna@example.org")
	if err != nil {
		t.Fatal(err)
	}
	now := s.Clock.Now()
	l := outbox.Message{
		ID: secret.ID(), Platform: "linde", Account: a.ID, Kind: outbox.TwoStepOff, Recipient: outbox.Mail, Locale: "nl",
		QueuedAt: now, ExpiresAt: now.Add(life),
	}
	l.Seal(outbox.Contents{To: a.Email.Address, Name: a.Profile.Name()}, s.Sealer.Seal)
	save(t, s, l)
	return l
}

func save(t *testing.T, s *idptest.Server, letters ...outbox.Message) {
	t.Helper()
	if err := s.DB.SaveChange(t.Context(), authn.Change{Messages: letters}, s.Clock.Now()); err != nil {
		t.Fatal(err)
	}
}

func deliver(t *testing.T, h interface{ Deliver(context.Context) error }) {
	t.Helper()
	if err := h.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// ended is how a message of linde ended.
func ended(t *testing.T, s *idptest.Server, id string) outbox.Message {
	t.Helper()
	all, err := s.DB.Messages(t.Context(), "linde", 1000)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(l outbox.Message) bool { return l.ID == id })
	if i < 0 {
		t.Fatalf("no letter %s", id)
	}
	return all[i]
}

func wantEnd(t *testing.T, s *idptest.Server, id string, outcome outbox.Outcome, reason string) {
	t.Helper()
	l := ended(t, s, id)
	if l.Outcome != outcome || l.Reason != reason || l.SettledAt.IsZero() == (outcome != "") || len(l.Sealed) > 0 != (outcome == "" && l.Party == "") {
		t.Errorf("%s: outcome %q (%q) at %v, want %q (%q)", l.Kind, l.Outcome, l.Reason, l.SettledAt, outcome, reason)
	}
}

func TestWishesAreAnswered(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		for address, want := range map[string]outbox.Kind{
			"ANNA@Example.org": outbox.PasswordReset, "invited@example.org": outbox.Welcome,
			"gone@example.org": outbox.AccountInactive, "nobody@example.org": "none",
		} {
			before := len(s.Mails.Sent())
			l := wish(t, s, outbox.PasswordResetRequest, address)
			deliver(t, s)
			wantEnd(t, s, l.ID, outbox.Answered, string(want))
			sent := s.Mails.Sent()[before:]
			if want == "none" {
				if len(sent) > 0 {
					t.Errorf("%s: %+v", address, sent)
				}
				continue
			}
			if len(sent) != 1 || sent[0].Kind != want || sent[0].To != strings.ToLower(address) {
				t.Errorf("%s: got %+v, want one %s to the address of the account", address, sent, want)
			}
			if want == outbox.AccountInactive {
				continue
			}
			token := strings.TrimPrefix(sent[0].Link, "https://login.linde.test/link/")
			ticket, err := s.DB.Ticket(t.Context(), "linde", secret.Hash(token))
			if err != nil || ticket.State(s.Clock.Now()) != authn.TicketWorks || ticket.Party != "linde-web" {
				t.Errorf("%s: ticket %+v, %v", address, ticket, err)
			}
		}
	})
}

func TestNewerLetterReplacesOlderTicket(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		ticket := func() *authn.Ticket {
			wish(t, s, outbox.PasswordResetRequest, "anna@example.org")
			deliver(t, s)
			sent := s.Mails.Sent()
			ticket, err := s.DB.Ticket(t.Context(), "linde", secret.Hash(strings.TrimPrefix(sent[len(sent)-1].Link, "https://login.linde.test/link/")))
			if err != nil {
				t.Fatal(err)
			}
			return ticket
		}
		older := ticket()
		newer := ticket()
		older, err := s.DB.Ticket(t.Context(), "linde", older.Hash)
		if err != nil || older.State(s.Clock.Now()) != authn.TicketReplaced || newer.State(s.Clock.Now()) != authn.TicketWorks {
			t.Errorf("older %q, newer %q, %v", older.State(s.Clock.Now()), newer.State(s.Clock.Now()), err)
		}
	})
}

func TestInvitation(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		invite := func(on, address string) error {
			return s.Tools().Acts().Invite(t.Context(), platform.ID(on), staff.ByAddress(address))
		}
		if err := invite("linde", "Invited@example.org"); err != nil {
			t.Fatal(err)
		}
		for address, want := range map[string]error{
			"anna@example.org": fault.Refused, "gone@example.org": fault.Refused, "nobody@example.org": fault.NotFound, "nobody": fault.Invalid,
		} {
			if err := invite("linde", address); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", address, err, want)
			}
		}
		for _, on := range []string{"wilg", "none"} {
			if err := invite(on, "invited@example.org"); !errors.Is(err, fault.NotFound) {
				t.Errorf("on %s: %v", on, err)
			}
		}
		deliver(t, s)
		if sent := s.Mails.Sent(); len(sent) != 1 || sent[0].Kind != outbox.Welcome || sent[0].Lang != "en" {
			t.Errorf("got %+v", sent)
		}
	})
}

func TestLettersWaitForTheMailServerUntilTheyExpire(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		s.Mails.Fail(errors.New("away"))
		long, short := notice(t, s, 24*time.Hour), notice(t, s, 20*time.Minute)
		tried := 0
		for range 200 { // 10 s each: 33 minutes
			deliver(t, s)
			tried = max(tried, ended(t, s, long.ID).Tries)
			s.Clock.Later(10 * time.Second)
		}
		// at 0, 10, 40, 100, 220, 520, 1120 and 1720 s
		if tried != 8 {
			t.Errorf("tried %d times in 33 minutes, want 8", tried)
		}
		wantEnd(t, s, long.ID, "", "error")
		wantEnd(t, s, short.ID, outbox.GaveUp, "error")
		s.Mails.Fail(nil)
		s.Clock.Later(10 * time.Minute)
		deliver(t, s)
		wantEnd(t, s, long.ID, outbox.Sent, "")
		if sent := s.Mails.Sent(); len(sent) != 1 || sent[0].ID != long.ID+"@login.linde.test" || !sent[0].At.Equal(long.QueuedAt) {
			t.Errorf("got %+v", sent)
		}
	})
}

func TestExpiredLettersAreNotSent(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		l, w := notice(t, s, time.Minute), wish(t, s, outbox.PasswordResetRequest, "anna@example.org")
		s.Clock.Later(time.Hour)
		deliver(t, s)
		wantEnd(t, s, l.ID, outbox.GaveUp, "")
		wantEnd(t, s, w.ID, outbox.GaveUp, "")
		if sent := s.Mails.Sent(); len(sent) > 0 {
			t.Errorf("got %+v", sent)
		}
	})
}

// A link that says "works for 1 hour" is not sent when a part of that hour is over.
func TestLinkArrivesWhileItWorksForLong(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		s.Mails.Fail(errors.New("away"))
		wish(t, s, outbox.PasswordResetRequest, "anna@example.org")
		deliver(t, s)
		s.Mails.Fail(nil)
		s.Clock.Later(31 * time.Minute)
		deliver(t, s)
		if sent := s.Mails.Sent(); len(sent) > 0 {
			t.Errorf("got %+v", sent)
		}
	})
}

func TestRefusedLetterIsRecordedWithoutItsAddress(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		s.Mails.Fail(fmt.Errorf("550 no anna@example.org here: %w", fault.Refused))
		l := notice(t, s, time.Hour)
		s.Clock.Later(time.Second)
		deliver(t, s)
		wantEnd(t, s, l.ID, outbox.Refused, "error") // what the server says is not kept
		events, err := s.DB.Events(t.Context(), "linde", 1)
		if err != nil || len(events) != 1 {
			t.Fatal(events, err)
		}
		want := audit.Event{
			At: s.Clock.Now(), Platform: "linde", Kind: audit.MessageSettled, Actor: "system", Account: l.Account,
			Outcome: audit.Failure, Reason: "mail_off refused",
		}
		if events[0] != want {
			t.Errorf("got %+v, want %+v", events[0], want)
		}
	})
}

func TestLetterThatCannotBeSentKeepsNoOther(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		broken, foreign := notice(t, s, time.Hour), notice(t, s, time.Hour)
		broken.ID, broken.Sealed = secret.ID(), []byte("of another key")
		foreign.ID, foreign.Kind = secret.ID(), "mail_unheard_of"
		foreign.Seal(outbox.Contents{To: "anna@example.org"}, s.Sealer.Seal)
		save(t, s, broken, foreign)
		deliver(t, s)
		wantEnd(t, s, broken.ID, outbox.Refused, "unreadable")
		wantEnd(t, s, foreign.ID, outbox.Refused, "no such mail")
		if n := len(s.Mails.Sent()); n != 2 {
			t.Errorf("%d of the other letters went", n)
		}
	})
}

func TestWithoutMailServerLettersWait(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		house := node(t, s, nil)
		l := notice(t, s, time.Hour)
		deliver(t, house)
		wantEnd(t, s, l.ID, "", "no mail server")
		s.Clock.Later(10 * time.Second)
		deliver(t, s)
		wantEnd(t, s, l.ID, outbox.Sent, "")
	})
}

// slow takes its time for every mail; another node looks at the outbox when it is over, before the mail is noted.
type slow struct {
	notify.Memory
	clock     *idptest.Clock
	takes     time.Duration
	meanwhile func(sent int)
}

func (m *slow) Send(ctx context.Context, msg notify.Mail) error {
	m.clock.Later(m.takes)
	err := m.Memory.Send(ctx, msg)
	m.meanwhile(len(m.Sent()))
	return err
}

// A message is begun only while the lease lasts long enough for it: later another node may have it. Those that are left
// are given back, and nobody waits for the end of a lease.
func TestSlowMailServerOutlivesNoLease(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		const taken, others = 5, 4 // taken at once, and what is left for the other node
		for range taken + others {
			notice(t, s, time.Hour)
		}
		mailer := &slow{clock: s.Clock, takes: 15 * time.Second, meanwhile: func(sent int) {
			deliver(t, s)
			if n := len(s.Mails.Sent()); n != others {
				t.Errorf("after %d letters the other node has sent %d, want %d", sent, n, others)
			}
		}}
		begun := s.Clock.Now()
		deliver(t, node(t, s, mailer)) // begins at 0, 15 and 30 s, and then anew
		if took := s.Clock.Now().Sub(begun); took != taken*mailer.takes {
			t.Errorf("the letters took %s, want %s", took, taken*mailer.takes)
		}
		wantOnce(t, taken+others, mailer.Sent(), s.Mails.Sent())
	})
}

// A node that dies with messages in its hands delays them; what it had sent already is sent again, recognisably.
func TestNodeThatDiesOnlyDelays(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		l := notice(t, s, time.Hour)
		mailer := &notify.Memory{}
		w := notify.Worker{Options: notify.Options{
			Store: dying{s.DB}, Sealer: s.Sealer, Now: s.Clock.Now, Log: s.Log,
			Senders: map[outbox.Recipient]notify.Sender{outbox.Mail: notify.Mails{UI: s.UI, Mailer: mailer, From: "login@sender.test", Accounts: s.DB}},
			Platform: func(id platform.ID) (*platform.Platform, bool) {
				all, err := s.DB.Platforms(t.Context())
				i := slices.IndexFunc(all, func(p platform.Platform) bool { return p.ID == id })
				return &all[i], err == nil
			},
		}}
		if err := w.Deliver(t.Context(), outbox.Mail); !errors.Is(err, fault.Unavailable) {
			t.Fatalf("the node lived on: %v", err)
		}
		deliver(t, s)
		if n := len(s.Mails.Sent()); n != 0 {
			t.Errorf("%d letters sent within the lease", n)
		}
		s.Clock.Later(time.Minute)
		deliver(t, s)
		wantEnd(t, s, l.ID, outbox.Sent, "")
		first, again := mailer.Sent(), s.Mails.Sent()
		if len(first) != 1 || len(again) != 1 {
			t.Fatalf("%+v, then %+v", first, again)
		}
		a, _, _ := strings.Cut(first[0].ID, "@")
		b, _, _ := strings.Cut(again[0].ID, "@")
		if a != b || a != l.ID || !first[0].At.Equal(again[0].At) || first[0].Text != again[0].Text {
			t.Errorf("the second mail cannot be recognised: %+v, then %+v", first[0], again[0])
		}
	})
}

// dying is gone before a node can say that a message was sent.
type dying struct{ *storage.DB }

func (dying) SettleMessage(context.Context, outbox.Message, outbox.Outcome, string, authn.Change, time.Time) error {
	return fault.Unavailable
}

func TestNodeThatStopsFinishesTheLetterInHandAndGivesBackTheRest(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		for range 3 {
			notice(t, s, time.Hour)
		}
		ctx, stop := context.WithCancel(t.Context())
		mailer := &stopping{stop: stop}
		if err := node(t, s, mailer).Deliver(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		deliver(t, s) // at the same moment
		if n := len(mailer.Sent()); n != 1 {
			t.Errorf("%d letters sent by the node that stopped, want 1", n)
		}
		wantOnce(t, 3, mailer.Sent(), s.Mails.Sent())
	})
}

// stopping is told to stop while it sends.
type stopping struct {
	notify.Memory
	stop func()
}

func (m *stopping) Send(ctx context.Context, msg notify.Mail) error {
	m.stop()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return m.Memory.Send(ctx, msg)
}

func TestTwoNodesSendNoLetterTwice(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		const letters, wishes, workers = 60, 20, 6
		for range letters {
			notice(t, s, time.Hour)
		}
		for range wishes {
			wish(t, s, outbox.PasswordResetRequest, "anna@example.org")
		}
		var all [][]notify.Mail
		var mailers []*notify.Memory
		for len(mailers) < workers {
			var together sync.WaitGroup
			failed := make(chan error, 2)
			for range 2 { // two nodes at a time
				mailer := &notify.Memory{}
				mailers = append(mailers, mailer)
				house := node(t, s, mailer)
				together.Go(func() {
					for range 4 { // whoever came second to the same rows finds the others at the next look
						if err := house.Deliver(t.Context()); err != nil {
							failed <- err
						}
					}
				})
			}
			together.Wait()
			close(failed)
			for err := range failed {
				t.Error(err)
			}
		}
		for _, m := range mailers {
			all = append(all, m.Sent())
		}
		wantOnce(t, letters+wishes, all...)
	})
}

// wantOnce counts mails by their Message-ID.
func wantOnce(t *testing.T, want int, sent ...[]notify.Mail) {
	t.Helper()
	times := map[string]int{}
	for _, m := range slices.Concat(sent...) {
		id, _, _ := strings.Cut(m.ID, "@")
		times[id]++
	}
	for id, n := range times {
		if n != 1 {
			t.Errorf("letter %s went %d times", id, n)
		}
	}
	if len(times) != want {
		t.Errorf("%d letters went, want %d", len(times), want)
	}
}

func TestMetricsCountLetters(t *testing.T) {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Declare(twoPlatforms...)
	notice(t, s, time.Hour)
	wish(t, s, outbox.PasswordResetRequest, "nobody@example.org")
	deliver(t, s)
	answer := httptest.NewRecorder()
	s.Operator().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	text := answer.Body.String()
	for _, line := range []string{
		`idp_letters_total{medium="mail",outcome="sent"} 1`, `idp_letters_total{medium="mail",outcome="answered"} 1`,
		`idp_letters_total{medium="mail",outcome="gave_up"} 0`, `idp_letters_waiting_seconds 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
}
