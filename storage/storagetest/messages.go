package storagetest

import (
	"slices"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// message queues one to anna.
func (w *world) message() outbox.Message {
	l := outbox.Message{
		ID: secret.ID(), Platform: linde, Account: w.anna.ID, Kind: outbox.PasswordReset, Recipient: outbox.Mail, Locale: "nl",
		Sealed: []byte("sealed"), QueuedAt: w.now, ExpiresAt: w.now.Add(time.Hour),
	}
	w.ok(w.db.SaveChange(w.Context(), authn.Change{Messages: []outbox.Message{l}}, w.now))
	return l
}

// take is what a worker gets that looks at a moment.
func (w *world) take(at time.Time) []outbox.Message {
	all, err := w.db.TakeMessages(w.Context(), outbox.Mail, time.Minute, 10, at)
	w.ok(err)
	return all
}

var messages = []promise{
	{"a message comes back whole, to one worker until its lease is over", func(w *world) {
		l := w.message()
		w.is("before it is due", len(w.take(w.now.Add(-time.Millisecond))) == 0, true)
		got := w.take(w.now)
		l.Tries = 1
		w.same("messages", got, []outbox.Message{l})
		w.is("while it is held", len(w.take(w.now.Add(time.Minute-time.Millisecond))) == 0, true)
		l.Tries = 2
		w.same("after the worker died", w.take(w.now.Add(time.Minute)), []outbox.Message{l})
	}},
	{"a message is handed out to whoever asks for its medium", func(w *world) {
		w.message()
		text := w.message()
		text.ID, text.Recipient, text.Kind = secret.ID(), outbox.SMS, "sms_message"
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Messages: []outbox.Message{text}}, w.now))
		got, err := w.db.TakeMessages(w.Context(), outbox.SMS, time.Minute, 1, w.now)
		w.ok(err)
		text.Tries = 1
		w.same("text messages", got, []outbox.Message{text})
		got, err = w.db.TakeMessages(w.Context(), outbox.SMS, time.Minute, 1, w.now)
		w.ok(err)
		w.same("further ones", len(got), 0)
		w.same("mails", len(w.take(w.now)), 2)
	}},
	{"messages are handed out in the order in which they were queued", func(w *world) {
		var queued, taken []string
		began := w.now
		for i := range 10 {
			w.now = began.Add(time.Duration(10-i) * time.Millisecond)
			queued = append([]string{w.message().ID}, queued...)
		}
		w.now = began.Add(time.Second)
		for _, l := range w.take(w.now) {
			taken = append(taken, l.ID)
		}
		w.same("messages", taken, queued)
	}},
	{"of a hundred workers at once each message goes to exactly one", func(w *world) {
		for range 30 {
			w.message()
		}
		var taken [crowd][]outbox.Message
		for _, err := range race(func(i int) (err error) {
			taken[i], err = w.db.TakeMessages(w.Context(), outbox.Mail, time.Minute, 10, w.now)
			return err
		}) {
			w.ok(err)
		}
		ids := map[string]int{}
		for _, l := range slices.Concat(taken[:]...) {
			ids[l.ID]++
		}
		for len(ids) < 30 { // PostgreSQL: whoever came second to the same rows went away empty
			again := w.take(w.now)
			w.is("messages left", len(again) > 0, true)
			for _, l := range again {
				ids[l.ID]++
			}
		}
		for id, n := range ids {
			w.same("times that "+id+" was taken", n, 1)
		}
	}},
	{"a message that could not be sent comes back when it said, unless another worker has it", func(w *world) {
		w.message()
		l := w.take(w.now)[0]
		w.ok(w.db.PostponeMessage(w.Context(), l, "450 busy", w.now.Add(10*time.Minute)))
		w.is("too early", len(w.take(w.now.Add(9*time.Minute))) == 0, true)
		again := w.take(w.now.Add(10 * time.Minute))
		w.same("messages", len(again), 1)
		w.same("reason", again[0].Reason, "450 busy")
		w.fails(w.db.PostponeMessage(w.Context(), l, "", w.now), fault.Stale)
	}},
	{"a message is settled once, with what follows, and forgets what it said", func(w *world) {
		w.message()
		l := w.take(w.now)[0]
		next := outbox.Message{
			ID: secret.ID(), Platform: linde, Account: w.anna.ID, Kind: outbox.Welcome, Recipient: outbox.Mail,
			Sealed: []byte("sealed"), QueuedAt: w.now, ExpiresAt: w.now.Add(time.Hour),
		}
		follows := authn.Change{Messages: []outbox.Message{next}, Events: []audit.Event{w.event(audit.MessageSettled, w.anna)}}
		ended := race(func(int) error {
			return w.db.SettleMessage(w.Context(), l, outbox.Answered, "", follows, w.now.Add(time.Second))
		})
		w.onlyOne(ended, fault.Stale)
		all, err := w.db.Messages(w.Context(), linde, 10)
		w.ok(err)
		i := slices.IndexFunc(all, func(a outbox.Message) bool { return a.ID == l.ID })
		w.same("messages", len(all), 2)
		w.same("outcome", all[i].Outcome, outbox.Answered)
		w.same("settled", all[i].SettledAt, w.now.Add(time.Second))
		w.is("forgotten", len(all[i].Sealed) == 0, true)
		w.is("never again", slices.ContainsFunc(w.take(w.now.Add(time.Hour)), func(a outbox.Message) bool { return a.ID == l.ID }), false)
		w.fails(w.db.PostponeMessage(w.Context(), l, "", w.now), fault.Stale)
		w.same("events", w.kinds(), []audit.Kind{audit.MessageSettled})
	}},
	{"the oldest message is the one that waits longest, of all platforms", func(w *world) {
		oldest := func() time.Time {
			at, err := w.db.OldestMessage(w.Context())
			w.ok(err)
			return at
		}
		w.is("none", oldest().IsZero(), true)
		first := w.message()
		w.now = w.now.Add(time.Minute)
		second := w.message()
		w.same("oldest", oldest(), first.QueuedAt)
		w.ok(w.db.SettleMessage(w.Context(), first, outbox.Sent, "", authn.Change{}, w.now))
		w.same("oldest", oldest(), second.QueuedAt)
	}},
	{"what a gateway reports is kept with the text message that was sent, and with no other message", func(w *world) {
		mail := w.message()
		text := w.message()
		text.ID, text.Recipient, text.Kind = secret.ID(), outbox.SMS, "sms_message"
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Messages: []outbox.Message{text}}, w.now))
		reason := func() string {
			l, err := w.db.Message(w.Context(), linde, text.ID)
			w.ok(err)
			return l.Reason
		}
		w.fails(w.db.ReportMessage(w.Context(), text.ID, outbox.Delivered), fault.NotFound) // not sent yet
		for _, l := range []outbox.Message{mail, text} {
			w.ok(w.db.SettleMessage(w.Context(), l, outbox.Sent, "", authn.Change{}, w.now))
		}
		w.ok(w.db.ReportMessage(w.Context(), text.ID, outbox.Undelivered))
		w.same("reported", reason(), outbox.Undelivered)
		w.ok(w.db.ReportMessage(w.Context(), text.ID, outbox.Delivered))
		w.fails(w.db.ReportMessage(w.Context(), text.ID, outbox.Delivered), fault.NotFound)
		w.same("reported", reason(), outbox.Delivered)
		w.fails(w.db.ReportMessage(w.Context(), mail.ID, outbox.Undelivered), fault.NotFound)
		w.fails(w.db.ReportMessage(w.Context(), secret.ID(), outbox.Undelivered), fault.NotFound)
		_, err := w.db.Message(w.Context(), wilg, text.ID)
		w.fails(err, fault.NotFound)
		counts, err := w.db.CountMessages(w.Context(), linde, outbox.SMS, w.now)
		w.ok(err)
		w.same("counted", counts, []storage.MessageCount{{Outcome: outbox.Sent, Reason: outbox.Delivered, N: 1}})
		for _, none := range []struct {
			p     platform.ID
			since time.Time
		}{{wilg, w.now}, {linde, w.now.Add(time.Millisecond)}} {
			counts, err := w.db.CountMessages(w.Context(), none.p, outbox.SMS, none.since)
			w.ok(err)
			w.same("counted elsewhere", len(counts), 0)
		}
	}},
	{"a message settles nothing on another platform", func(w *world) {
		w.message()
		l := w.take(w.now)[0]
		follows := authn.Change{Events: []audit.Event{w.event(audit.MessageSettled, w.far)}}
		w.fails(w.db.SettleMessage(w.Context(), l, outbox.Sent, "", follows, w.now), fault.Invalid)
		foreign := l
		foreign.Platform = wilg
		w.fails(w.db.SettleMessage(w.Context(), foreign, outbox.Sent, "", authn.Change{}, w.now), fault.Stale)
		w.fails(w.db.PostponeMessage(w.Context(), foreign, "", w.now), fault.Stale)
		all, err := w.db.Messages(w.Context(), wilg, 10)
		w.ok(err)
		w.same("messages of the other", len(all), 0)
	}},
	{"of a hundred requests at once exactly as many are queued as are allowed, and all are recorded", func(w *world) {
		limits := []authn.Limit{{Key: "address", Max: 3, Window: time.Hour}, {Key: "source", Max: 20, Window: time.Hour}}
		request := func(at time.Time) error {
			e := w.event(audit.MessageRequested, w.anna)
			e.Account = ""
			return w.db.RequestMail(w.Context(), outbox.Message{
				ID: secret.ID(), Platform: linde, Kind: outbox.PasswordResetRequest, Recipient: outbox.Mail, Sealed: []byte("x"), QueuedAt: at, ExpiresAt: at.Add(time.Hour),
			}, limits, e, at)
		}
		for _, err := range race(func(int) error { return request(w.now) }) {
			w.ok(err)
		}
		all, err := w.db.Messages(w.Context(), linde, 2*crowd)
		w.ok(err)
		w.same("queued", len(all), 3)
		w.same("recorded", len(w.rows("SELECT id FROM events")), crowd)
		w.same("refused", len(w.rows("SELECT id FROM events WHERE outcome = 'failure' AND reason = 'too many'")), crowd-3)
		w.ok(request(w.now.Add(time.Hour - time.Millisecond)))
		w.ok(request(w.now.Add(time.Hour)))
		all, err = w.db.Messages(w.Context(), linde, 2*crowd)
		w.ok(err)
		w.same("queued after the hour", len(all), 4)
		limits[0].Max = 1000
		for range 50 { // refused ones of before used up nothing at the source either
			w.ok(request(w.now.Add(time.Hour)))
		}
		all, err = w.db.Messages(w.Context(), linde, 2*crowd)
		w.ok(err)
		w.same("queued in that hour", len(all), 3+20)
	}},
}
