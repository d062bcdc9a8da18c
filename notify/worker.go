package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// Sealer keeps what messages and tickets say.
type Sealer interface {
	Seal(plain []byte, binding string) []byte
	Open(sealed []byte, binding string) ([]byte, error)
}

// Sender brings messages to one sort of recipient. Its errors are fault.Refused: this message never goes there;
// fault.Unavailable: nothing goes now; others: this one does not go now. Their text holds no address.
type Sender interface {
	Send(context.Context, *platform.Platform, outbox.Message, outbox.Contents) error
	// Rest says that nothing more comes for now: a connection that was kept for the next message may end.
	Rest()
}

// Options are what the worker needs.
type Options struct {
	Store    Store
	Sealer   Sealer
	Senders  map[outbox.Recipient]Sender // by whom they serve; what goes to others waits
	Platform func(platform.ID) (*platform.Platform, bool)
	Now      func() time.Time
	Log      *slog.Logger
	Settled  func(*outbox.Message, outbox.Outcome) // counts
	// Organisation is what people call the organisation with whose account somebody signs in who has no password here; empty:
	// there is none that works. nil: nobody does.
	Organisation func(a *account.Account, locale string) string
}

// Worker empties the outbox. Several may run, on one node or on many.
type Worker struct{ Options }

// How the outbox is emptied.
const (
	lease      = time.Minute      // a message that was taken comes back after this, if nothing is heard of it
	sendTime   = 20 * time.Second // for one message, what has to be looked up for it included
	finishTime = 8 * time.Second  // for the message in hand at a stop: with two calls of the store below shutdown_grace, 20 s
	storeTime  = 5 * time.Second  // for one call of the store: it can be gone without a word
	batch      = 5                // messages taken at once: few, because the other nodes do not see them meanwhile
)

// pauses are between attempts; the last one counts for all further ones. A mail server that answers "later" to
// newcomers (greylisting) wants at least a minute or five.
var pauses = []time.Duration{10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute}

// Recipients lists those that have a sender, in order.
func (w *Worker) Recipients() []outbox.Recipient { return slices.Sorted(maps.Keys(w.Senders)) }

// Deliver goes on until no message to one sort of recipient is due. Each has a delivery of its own, so that a slow mail
// server holds up no code by text message. At the end of the context the message in hand is finished first, within
// finishTime: it would be sent twice otherwise.
func (w *Worker) Deliver(ctx context.Context, to outbox.Recipient) error {
	sender, ok := w.Senders[to]
	if !ok {
		return nil
	}
	defer sender.Rest()
	if to == outbox.URL {
		return w.deliverQueues(ctx, to)
	}
	return w.empty(ctx, func(now time.Time) ([]outbox.Message, error) {
		return w.store().TakeMessages(ctx, to, lease, batch, now)
	})
}

// empty goes on until nothing is taken any more.
func (w *Worker) empty(ctx context.Context, take func(now time.Time) ([]outbox.Message, error)) error {
	var down error // why nothing more is tried this time
	for ctx.Err() == nil {
		taken, err := w.round(ctx, take, &down)
		if err != nil || taken == 0 {
			return err
		}
	}
	return ctx.Err()
}

// round takes some messages that are due, and gives back those that it does not come to: at the end of the context, when
// the lease is too short for one more, or after an error. What one message meets, such as a database that is gone, would
// meet the next one after it was sent.
func (w *Worker) round(ctx context.Context, take func(now time.Time) ([]outbox.Message, error), down *error) (taken int, err error) {
	until := w.Now().Add(lease - sendTime - storeTime)
	messages, err := take(w.Now())
	if err != nil {
		return 0, err
	}
	for i, m := range messages {
		if !w.Now().Before(until) || ctx.Err() != nil {
			return i, w.giveBack(ctx, messages[i:])
		}
		if err := w.finish(ctx, m, down); err != nil && !errors.Is(err, fault.Stale) { // stale: another node was faster
			return i, errors.Join(fmt.Errorf("letter %s: %w", m.ID, err), w.giveBack(ctx, messages[i+1:]))
		}
	}
	return len(messages), nil
}

// giveBack returns messages to their old place: whoever looks next takes them.
func (w *Worker) giveBack(ctx context.Context, messages []outbox.Message) error {
	for _, m := range messages {
		if err := w.store().PostponeMessage(ctx, m, m.Reason, m.QueuedAt); err != nil && !errors.Is(err, fault.Stale) {
			return fmt.Errorf("giving back message %s: %w", m.ID, err) // all of them come back when the lease is over
		}
	}
	return nil
}

// finish handles a message within its time.
func (w *Worker) finish(ctx context.Context, m outbox.Message, down *error) error {
	ctx, done := outlast(ctx, sendTime)
	defer done()
	return w.handle(ctx, m, down)
}

// outlast is the context of a message in hand: over after limit, and finishTime after the end of ctx at the latest.
func outlast(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	longer, done := context.WithTimeout(context.WithoutCancel(ctx), limit)
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(finishTime, done) })
	return longer, func() { stop(); done() }
}

// handle brings one message a step further.
func (w *Worker) handle(ctx context.Context, m outbox.Message, down *error) error {
	if !w.Now().Before(m.ExpiresAt) {
		return w.settle(ctx, m, outbox.GaveUp, m.Reason)
	}
	p, ok := w.Platform(m.Platform)
	if !ok {
		return w.postpone(ctx, m, because(fault.Unavailable, "platform")) // made a moment ago on another node
	}
	var c outbox.Contents
	if m.Party == "" { // a message to a party is made of its row
		var err error
		if c, err = m.Open(w.Sealer.Open); err != nil {
			return w.unreadable(ctx, m)
		}
	}
	if m.Kind.Request() {
		return w.answer(ctx, p, m, c)
	}
	err := *down
	if err == nil {
		err = w.Senders[m.Recipient].Send(ctx, p, m, c)
	}
	switch {
	case err == nil:
		return w.settle(ctx, m, outbox.Sent, "")
	case errors.Is(err, fault.Refused):
		return w.settle(ctx, m, outbox.Refused, reasonOf(err))
	case errors.Is(err, fault.Unavailable) && *down == nil:
		*down = err
		w.Log.WarnContext(ctx, "letters wait", slog.String("medium", string(m.Recipient)), slog.Any("error", err))
	}
	return w.postpone(ctx, m, err)
}

// unreadable settles a message whose contents cannot be opened.
func (w *Worker) unreadable(ctx context.Context, m outbox.Message) error {
	w.Log.ErrorContext(ctx, "letter that cannot be opened", slog.String("letter", m.ID))
	return w.settle(ctx, m, outbox.Refused, "unreadable")
}

// settle records how a message ended. The event names no address: the message's row, kept as long, has none either.
func (w *Worker) settle(ctx context.Context, m outbox.Message, outcome outbox.Outcome, reason string) error {
	e := w.event(m, string(m.Kind)+" "+string(outcome))
	if outcome != outbox.Sent {
		e.Outcome = audit.Failure
	}
	if err := w.store().SettleMessage(ctx, m, outcome, reason, authn.Change{Events: []audit.Event{e}}, w.Now()); err != nil {
		return err
	}
	w.Settled(&m, outcome)
	if m.Party != "" && outcome != outbox.Sent {
		w.Log.WarnContext(ctx, "a party does not know that a session ended", slog.String("platform", string(m.Platform)),
			slog.String("party", m.Party), slog.String("outcome", string(outcome)), slog.String("reason", reason))
	}
	return nil
}

func (w *Worker) event(m outbox.Message, reason string) audit.Event {
	return audit.Event{
		At: w.Now(), Platform: m.Platform, Kind: audit.MessageSettled, Actor: "system", Account: m.Account,
		Party: m.Party, Session: m.Session, Outcome: audit.Success, Reason: reason,
	}
}

// postpone puts a message off, at most until it expires.
func (w *Worker) postpone(ctx context.Context, m outbox.Message, cause error) error {
	pauses := pauses
	if own := outbox.Kinds[m.Kind].Pauses; len(own) > 0 {
		pauses = own
	}
	next := w.Now().Add(pauses[min(max(m.Tries, 1), len(pauses))-1])
	if m.ExpiresAt.Before(next) {
		next = m.ExpiresAt
	}
	return w.store().PostponeMessage(ctx, m, reasonOf(cause), next)
}

// failure is an error with a word that may be recorded: what other servers say can hold an address.
type failure struct {
	kind   error
	reason string
	detail error // for the log only; nil: there is no more to say
}

func because(kind error, reason string) error { return &failure{kind: kind, reason: reason} }

func (f *failure) Error() string {
	if f.detail != nil {
		return f.kind.Error() + ": " + f.reason + ": " + f.detail.Error()
	}
	return f.kind.Error() + ": " + f.reason
}

func (f *failure) Unwrap() error { return f.kind }

func reasonOf(err error) string {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.reason
	}
	return "error"
}
