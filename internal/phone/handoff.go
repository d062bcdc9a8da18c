package phone

import (
	"context"
	"errors"
	"net/url"
	"time"
)

// Code is a QR code that the scanner of the app read and that is ours.
type Code struct {
	Host      string // to ask about: "Inloggen bij {host}?"
	Device    *Device
	reference string
}

// Scan reads the text of a QR code. Nothing is sent yet: the app asks first whether the person wants to sign in there.
// It must come from the scanner of the app itself, never from an address with which the app was opened.
func (a *App) Scan(text string) (*Code, error) {
	issuer, ref, err := ParseQR(text, a.Issuers)
	if err != nil {
		return nil, err
	}
	d, err := a.Device(issuer)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, err
	}
	return &Code{Host: u.Host, Device: d, reference: ref}, nil
}

// Handoff is a sign-in by QR code, from the claim to the answer.
type Handoff struct {
	Number       int    // to be typed on the web page; on this screen alone
	Organisation string // whose platform it is
	Account      string // whose, masked

	device       *Device
	id, verifier string
	interval     time.Duration
	until        time.Time // on the clock of the phone
}

// Claim spends the code. InvalidGrant: it was used, or it is too old; the web page shows another.
func (c *Code) Claim(ctx context.Context) (*Handoff, error) {
	d := c.Device
	h := &Handoff{device: d, verifier: random()}
	var answer struct {
		ID           string `json:"handoff_id"`
		Number       int    `json:"match_number"`
		ExpiresIn    int    `json:"expires_in"` // seconds
		Interval     int    `json:"interval"`   // seconds
		Organisation string `json:"organisation"`
		Account      string `json:"account"`
	}
	err := d.call(ctx, request{method: "POST", url: d.issuer + "/app/handoff", form: fields("client_id", d.app.ClientID,
		"reference", c.reference, "code_challenge", Challenge(h.verifier), "code_challenge_method", "S256",
		"device_name", d.app.DeviceName)}, &answer)
	if err != nil {
		return nil, err
	}
	if answer.ID == "" || answer.Number < 10 || answer.Number > 99 || answer.ExpiresIn <= 0 {
		return nil, &Error{Code: badAnswer, Description: "not a handoff"}
	}
	h.id, h.Number, h.Organisation, h.Account = answer.ID, answer.Number, answer.Organisation, answer.Account
	h.interval = time.Duration(max(answer.Interval, 1)) * time.Second
	h.until = d.app.Now().Add(time.Duration(answer.ExpiresIn) * time.Second)
	return h, nil
}

// Poll asks once. Pending and SlowDown mean: not yet, ask again after Interval.
func (h *Handoff) Poll(ctx context.Context) error {
	err := h.device.redeem(ctx, h.form(""))
	if errors.Is(err, &Error{Code: SlowDown}) {
		h.interval += 5 * time.Second // RFC 8628 section 3.5
	}
	return err
}

// Interval is how long to wait before the next Poll.
func (h *Handoff) Interval() time.Duration { return h.interval }

// Wait polls until there is an answer. Where there is no connection it goes on, each time after twice as long.
func (h *Handoff) Wait(ctx context.Context) error {
	for {
		if err := h.device.app.Wait(ctx, h.interval); err != nil {
			return err
		}
		err := h.Poll(ctx)
		var e *Error
		switch {
		case !errors.As(err, &e):
			return err
		case e.Code == Pending, e.Code == SlowDown:
		case e.passing():
			h.interval = max(2*h.interval, e.RetryAfter)
		default:
			return err
		}
		if !h.device.app.Now().Before(h.until) {
			return &Error{Code: Expired}
		}
	}
}

// Stop is the button: the web page says so as well. The server answers with Denied, as it was asked to.
func (h *Handoff) Stop(ctx context.Context) error {
	err := h.device.redeem(ctx, h.form("true"))
	h.device.pinToken = "" // should the answer be one
	if errors.Is(err, &Error{Code: Denied}) {
		return nil
	}
	return err
}

func (h *Handoff) form(stop string) func(Proof) url.Values {
	return fields("grant_type", "urn:minddistrict:params:oauth:grant-type:handoff", "client_id", h.device.app.ClientID,
		"handoff_id", h.id, "code_verifier", h.verifier, "stop", stop)
}
