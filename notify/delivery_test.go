package notify_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// desk is a store that hands its messages out once, and may take long for an answer or never give one.
type desk struct {
	letters []outbox.Message
	silent  map[string]bool          // calls without an answer
	slow    map[string]time.Duration // how long others take
	settled []string
	back    []outbox.Message // postponed or given back
}

func (d *desk) answer(ctx context.Context, call string) error {
	if d.silent[call] {
		<-ctx.Done()
		return ctx.Err()
	}
	time.Sleep(d.slow[call])
	return ctx.Err()
}

func (d *desk) TakeMessages(ctx context.Context, _ outbox.Recipient, _ time.Duration, _ int, _ time.Time) (taken []outbox.Message, err error) {
	if err = d.answer(ctx, "taking"); err == nil {
		taken, d.letters = d.letters, nil
	}
	return taken, err
}

func (d *desk) TakeMessagesOf(ctx context.Context, _ outbox.Queue, lease time.Duration, limit int, now time.Time) ([]outbox.Message, error) {
	return d.TakeMessages(ctx, outbox.URL, lease, limit, now)
}

func (d *desk) MessageQueues(ctx context.Context, to outbox.Recipient, _ time.Time) ([]outbox.Queue, error) {
	return []outbox.Queue{{Recipient: to, Platform: "linde"}}[:min(1, len(d.letters))], d.answer(ctx, "queues")
}

func (d *desk) PostponeMessage(ctx context.Context, l outbox.Message, _ string, _ time.Time) error {
	err := d.answer(ctx, "postponing")
	if err == nil {
		d.back = append(d.back, l)
	}
	return err
}

func (d *desk) SettleMessage(ctx context.Context, l outbox.Message, _ outbox.Outcome, _ string, _ authn.Change, _ time.Time) error {
	err := d.answer(ctx, "settling")
	if err == nil {
		d.settled = append(d.settled, l.ID)
	}
	return err
}

func (d *desk) Account(ctx context.Context, _ platform.ID, _ account.ID) (*account.Account, error) {
	return &account.Account{}, d.answer(ctx, "account")
}

func (d *desk) AccountByEmail(ctx context.Context, _ platform.ID, _ string) (*account.Account, error) {
	return nil, cmp.Or(d.answer(ctx, "address"), fault.NotFound)
}

// plainly seals nothing.
type plainly struct{}

func (plainly) Seal(plain []byte, _ string) []byte           { return plain }
func (plainly) Open(sealed []byte, _ string) ([]byte, error) { return sealed, nil }

// queue adds a mail of a kind.
func (d *desk) queue(kind outbox.Kind) {
	l := outbox.Message{ID: secret.ID(), Platform: "linde", Account: "anna", Kind: kind, Recipient: outbox.Mail, Locale: "nl", QueuedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}
	l.Seal(outbox.Contents{To: "anna@example.org"}, plainly{}.Seal)
	d.letters = append(d.letters, l)
}

// worker empties a desk with a mailer.
func (d *desk) worker(t *testing.T, mailer notify.Mailer) *notify.Worker {
	t.Helper()
	issuer, err := platform.ParseIssuer("https://login.linde.test")
	if err != nil {
		t.Fatal(err)
	}
	p := &platform.Platform{ID: "linde", Issuer: issuer, Organisation: "GGZ De Linde", Branding: platform.Branding{Colour: "#1b6a7a"}}
	return &notify.Worker{Options: notify.Options{
		Store: d, Sealer: plainly{}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Senders: map[outbox.Recipient]notify.Sender{outbox.Mail: notify.Mails{
			Mailer: mailer, From: "login@sender.test", Accounts: d, UI: ui.New(),
			LoginURL: func(*platform.Platform, string) string { return "https://login.linde.test/" },
		}},
		Platform: func(platform.ID) (*platform.Platform, bool) { return p, true },
		Settled:  func(*outbox.Message, outbox.Outcome) {},
	}}
}

// mailing is a mailer in one function.
type mailing func(context.Context) error

func (send mailing) Send(ctx context.Context, _ notify.Mail) error { return send(ctx) }
func (mailing) Rest()                                              {}

// took is how long a delivery of mails takes.
func took(ctx context.Context, w *notify.Worker) (time.Duration, error) {
	begun := time.Now()
	err := w.Deliver(ctx, outbox.Mail)
	return time.Since(begun), err
}

// A database can be gone without a word: no answer, and no end of the connection. The next round tries anew.
func TestSilentDatabaseHoldsUpNoDelivery(t *testing.T) {
	for _, row := range []struct {
		silent string
		kind   outbox.Kind
		sends  error // what the mail server says
	}{
		{"taking", outbox.TwoStepOff, nil},
		{"settling", outbox.TwoStepOff, nil},
		{"postponing", outbox.TwoStepOff, errors.New("away")},
		{"address", outbox.PasswordResetRequest, nil},
		{"account", outbox.TwoStepOff, nil},
	} {
		t.Run(row.silent, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &desk{silent: map[string]bool{row.silent: true}}
				d.queue(row.kind)
				w := d.worker(t, mailing(func(context.Context) error { return row.sends }))
				if took, err := took(t.Context(), w); took != 5*time.Second || (err == nil) != (row.silent == "account") {
					t.Errorf("took %s: %v", took, err)
				}
				if row.silent == "account" && len(d.back) != 1 {
					t.Errorf("postponed: %v", d.back)
				}
			})
		})
	}
}

// What one message met, the next one would meet when it was sent already: it goes once the database answers.
func TestNoLetterIsSentThatCannotBeNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, sent := &desk{silent: map[string]bool{"settling": true}}, 0
		for range 3 {
			d.queue(outbox.TwoStepOff)
		}
		_, err := took(t.Context(), d.worker(t, mailing(func(context.Context) error { sent++; return nil })))
		if err == nil || sent != 1 || len(d.back) != 2 {
			t.Errorf("%d sent and %d given back, want 1 and 2: %v", sent, len(d.back), err)
		}
	})
}

// The lease lasts for a message whose account was found late, too.
func TestLookUpCountsAgainstTheTimeOfItsLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{slow: map[string]time.Duration{"account": 4 * time.Second}}
		d.queue(outbox.TwoStepOff)
		w := d.worker(t, mailing(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }))
		if took, err := took(t.Context(), w); err != nil || took != 20*time.Second || len(d.back) != 1 {
			t.Errorf("took %s, postponed %d: %v", took, len(d.back), err)
		}
	})
}

// The default of shutdown_grace is 20 s: whatever is silent then, no stop takes longer for a message in hand.
func TestLetterInHandEndsWithinTheGrace(t *testing.T) {
	for name, row := range map[string]struct {
		silent map[string]bool
		want   time.Duration
	}{
		"slow mail server":                     {nil, 8 * time.Second},
		"slow mail server and silent database": {map[string]bool{"postponing": true}, 18 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &desk{silent: row.silent}
				d.queue(outbox.TwoStepOff)
				d.queue(outbox.TwoStepOff)
				ctx, stop := context.WithCancel(t.Context())
				w := d.worker(t, mailing(func(ctx context.Context) error { stop(); <-ctx.Done(); return ctx.Err() }))
				if took, err := took(ctx, w); took != row.want || err == nil {
					t.Errorf("took %s: %v", took, err)
				}
				if want := map[bool]int{true: 2}[row.silent == nil]; len(d.back) != want {
					t.Errorf("%d letters postponed or given back, want %d", len(d.back), want)
				}
			})
		})
	}
}

// A code by text message that comes while a mail server takes its time is not held up.
func TestSlowMailServerHoldsUpNoText(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		busy, release := make(chan struct{}), make(chan struct{})
		house := node(t, s, mailing(func(context.Context) error { close(busy); <-release; return nil }))
		notice(t, s, time.Hour)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { house.Run(ctx); close(ended) }()
		<-busy
		code(t, s)
		for end := time.Now().Add(10 * time.Second); len(s.Mails.Texts()) == 0; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Error("no text message while the mail server takes its time")
				break
			}
		}
		close(release)
		stop()
		<-ended
	})
}

// A node that stops begins no message, whoever asks, and goes on with what it follows.
func TestDrainedHouseSendsNothing(t *testing.T) {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Declare(twoPlatforms...)
	house := node(t, s, mailing(func(context.Context) error { t.Error("a mail was sent"); return nil }))
	house.Drain()
	house.Drain()
	l := notice(t, s, time.Hour)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	time.AfterFunc(1500*time.Millisecond, stop) // the outbox is looked at once a second
	house.Run(ctx)
	wantEnd(t, s, l.ID, "", "")
}

// code queues a code to anna's phone.
func code(t *testing.T, s *idptest.Server) {
	t.Helper()
	now := s.Clock.Now()
	l := outbox.Message{ID: secret.ID(), Platform: "linde", Kind: "sms_message", Recipient: outbox.SMS, Locale: "nl", QueuedAt: now, ExpiresAt: now.Add(10 * time.Minute)}
	l.Seal(outbox.Contents{To: "+31612345678", Values: map[string]string{"code": "123456"}}, s.Sealer.Seal)
	save(t, s, l)
}
