package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
)

// GatewayAccount is an account at a gateway, as the configuration has it.
type GatewayAccount struct {
	Name          string      // first or second: in the address of reports, and in the log
	Kind          string      // cm, spryng, twilio or webhook
	URL           string      // empty: the documented one
	Account       string      // Twilio: whose messages they are
	User          string      // Twilio: the API key
	Token         secret.Text // what lets us in
	Sender        string      // letters and digits, or a number
	Format        string      // webhook: form, json or query
	Body          string      // webhook: what is sent, with placeholders
	Authorization string      // webhook: the header of that name, with {token}; empty: none
	ReportSecret  secret.Text // of the address that reports come to; empty: none are asked
	Client        *http.Client
}

// Reporter is a Gateway that tells afterwards what became of a message.
type Reporter interface {
	Gateway
	// Report reads what the gateway sent us: whose message, and outbox.Delivered or outbox.Undelivered. Both are empty
	// when it says nothing final.
	Report(*http.Request) (id, state string)
}

// NewGateway makes the gateway of an account.
func NewGateway(a GatewayAccount) (Reporter, error) {
	switch a.Kind {
	case "cm":
		return cm{a}, nil
	case "spryng":
		return spryng{a}, nil
	case "twilio":
		return twilio{a}, nil
	case "webhook":
		return newWebhook(a)
	}
	return nil, fmt.Errorf("gateway %q: %w", a.Kind, fault.Invalid)
}

// reportURL is where reports of a message come to; empty: none are asked.
func (a GatewayAccount) reportURL(t Text) string {
	if a.ReportSecret == "" {
		return ""
	}
	return t.Origin + ReportPath + a.Name + "/" + a.ReportSecret.Reveal() + "?ref=" + t.ID
}

// ReportPath is where reports come to: /sms/report/NAME/SECRET on the host of any platform.
const ReportPath = "/sms/report/"

// longestAnswer bounds what is read of an answer, in bytes.
const longestAnswer = 64 << 10

// post sends a request and reads the answer. What the gateway's side or the way there cannot do now is Unavailable:
// another gateway may. The errors of package net/http repeat addresses, which may hold what lets us in: only their cause
// is kept.
func (a GatewayAccount) post(ctx context.Context, method, address, contentType string, body []byte, header func(http.Header)) (status int, answer []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, because(fault.Unavailable, "address")
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "idp")
	if header != nil {
		header(r.Header)
	}
	res, err := a.Client.Do(r)
	if err == nil {
		answer, err = io.ReadAll(io.LimitReader(res.Body, longestAnswer))
		_ = res.Body.Close() // read, as far as we want it
	}
	if err != nil {
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err
		}
		reason := "no connection"
		if timeout, ok := errors.AsType[interface {
			error
			Timeout() bool
		}](err); ok && timeout.Timeout() {
			reason = "no answer"
		}
		return 0, nil, &failure{kind: fault.Unavailable, reason: reason, detail: err}
	}
	switch s := res.StatusCode; {
	case s >= 500, s >= 300 && s < 400, s == http.StatusUnauthorized, s == http.StatusPaymentRequired, s == http.StatusForbidden,
		s == http.StatusNotFound, s == http.StatusMethodNotAllowed, s == http.StatusRequestTimeout, s == http.StatusTooManyRequests:
		return s, answer, because(fault.Unavailable, fmt.Sprint(s))
	}
	return res.StatusCode, answer, nil
}

// final tells what a gateway's word for a state means.
func final(word string, delivered, undelivered string) string {
	word = strings.ToLower(word)
	switch {
	case word == "":
		return ""
	case strings.Contains(" "+delivered+" ", " "+word+" "):
		return outbox.Delivered
	case strings.Contains(" "+undelivered+" ", " "+word+" "):
		return outbox.Undelivered
	}
	return ""
}

// Gateways are several, the first one preferred. A message that one cannot take now goes to the next one, and may then
// come twice, if the first one did take it and its answer got lost: with the same code.
type Gateways struct {
	all   []Gateway
	names []string
	now   func() time.Time
	log   *slog.Logger

	mu   sync.Mutex // guards rest
	rest []time.Time
}

// restTime is how long a gateway that is away is asked last. Without it every message would wait for its answer first.
const restTime = 30 * time.Second

// NewGateways joins gateways by their names, in order.
func NewGateways(names []string, all []Gateway, now func() time.Time, log *slog.Logger) *Gateways {
	return &Gateways{all: all, names: names, now: now, log: log, rest: make([]time.Time, len(all))}
}

// SendText hands a message to the first gateway that takes it. One that none of them understands is refused for good:
// it would not become right by being sent again, and whoever waits for it learns so at once.
func (g *Gateways) SendText(ctx context.Context, t Text) error {
	var failed []error
	var hopeless error
	for _, i := range g.order() {
		err := g.all[i].SendText(ctx, t)
		if err == nil || errors.Is(err, fault.Refused) {
			return err
		}
		switch {
		case errors.Is(err, errNotUnderstood):
			hopeless = err
			g.warn(ctx, i, "gateway does not understand a text message", err)
			continue
		case errors.Is(err, fault.Unavailable):
			g.mu.Lock()
			g.rest[i] = g.now().Add(restTime)
			g.mu.Unlock()
			g.warn(ctx, i, "gateway takes no text messages", err)
		default:
			g.warn(ctx, i, "gateway does not take a text message", err)
		}
		failed = append(failed, err)
	}
	if len(failed) == 0 && hopeless != nil {
		return because(fault.Refused, reasonOf(hopeless))
	}
	return errors.Join(failed...)
}

func (g *Gateways) warn(ctx context.Context, i int, text string, err error) {
	g.log.WarnContext(ctx, text, slog.String("gateway", g.names[i]), slog.Any("error", err))
}

// order is that of the configuration, those that were away a moment ago at the end.
func (g *Gateways) order() (order []int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var later []int
	for i := range g.all {
		if g.now().Before(g.rest[i]) {
			later = append(later, i)
		} else {
			order = append(order, i)
		}
	}
	return append(order, later...)
}
