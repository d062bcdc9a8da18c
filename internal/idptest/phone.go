package idptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/minddistrict/idp/internal/phone"
)

// PhonePIN is the PIN that scripts choose.
const PhonePIN = "48213"

// lost is the code of the app where no answer came.
const lost = "no_connection"

// Phone is a phone with the mobile app of one platform: the reference client, on the server in process.
type Phone struct {
	*phone.Device
	Store *phone.Memory
	Late  time.Duration // how far its clock is behind

	Forgotten bool // its PIN: the next sign-in chooses one

	app   *phone.App
	name  string // that its owner gave it
	loses int    // the how manieth of the next answers never arrives; zero: none
}

// NewPhone is a phone with the app of a party, whose answers arrive at the party's host.
func NewPhone(s *Server, p *Party, name string) *Phone {
	t := &Phone{Store: &phone.Memory{}, name: name}
	t.start(s, p)
	return t
}

// start starts the app: what was in memory is gone, what is in the store stays.
func (t *Phone) start(s *Server, p *Party) {
	var err error
	t.app, err = phone.New(phone.Config{
		ClientID: p.config.ClientID, RedirectURI: p.config.RedirectURL, Scope: "openid profile email", Issuers: []string{p.Issuer},
		DeviceName: t.name, Store: t.Store, HTTP: &http.Client{Transport: t.over(s)},
		Now:  func() time.Time { return s.Clock.Now().Add(-t.Late) },
		Wait: func(_ context.Context, d time.Duration) error { s.Clock.Later(d); return nil },
	})
	if err == nil {
		t.Device, err = t.app.Device(p.Issuer)
	}
	if err != nil {
		panic(fmt.Sprintf("a phone that cannot work: %v", err)) // its configuration is in this file
	}
}

// over is the network between a phone and a server, on which an answer may be lost. One that only asks for a nonce is
// none.
func (t *Phone) over(s *Server) http.RoundTripper {
	return from(func(r *http.Request) (*http.Response, error) {
		res, err := s.RoundTrip(r)
		if err != nil || t.loses == 0 || r.Header.Get("DPoP") == "" {
			return res, err
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return nil, err
		}
		res.Body = io.NopCloser(bytes.NewReader(body))
		if strings.Contains(string(body)+res.Header.Get("WWW-Authenticate"), "use_dpop_nonce") {
			return res, nil
		}
		if t.loses--; t.loses == 0 {
			return nil, errors.New("the answer is lost")
		}
		return res, nil
	})
}

// Phones are those that have the app of a party.
type Phones struct {
	Mobile  bool                      // the party is the platform's own mobile app, which people have on phones
	Phone   *Phone                    // that somebody has in hand; nil: the party is no mobile app
	phones  map[http.CookieJar]*Phone // one beside each browser
	signIns map[string]*phone.SignIn  // of phones, by state
}

// TakePhone takes the phone in hand on which a browser is, which has the app of the party if that is a mobile one.
func (p *Party) TakePhone(of http.CookieJar) {
	if !p.Mobile {
		p.Phone = nil
		return
	}
	if p.phones[of] == nil {
		p.phones[of] = NewPhone(p.server, p, fmt.Sprintf("Telefoon %d", len(p.phones)+1))
	}
	p.Phone = p.phones[of]
}

// phone is what somebody does on the phone in hand:
//
//	phone pin DIGITS [left=N|removed|more=ACR|slow|lost]  enters a PIN; it is right, or what follows is answered
//	phone chooses                                     the PIN again of which no answer came, and enters it
//	phone loses [N]                                   the next answer, or the Nth from now, is lost on its way
//	phone forgets                                     "Reset hier": the next sign-in chooses a PIN
//	phone restarts                                    the app starts again: tokens are gone
//	phone restored                                    it is another phone, made of a backup without the key
//	phone starts pin|new                              what the app shows at its start: the PIN screen, or the first page
//	phone late DURATION                               its clock is wrong by so much
//	phone of PARTY                                    takes the phone beside this browser in hand
func (s *script) phone(rest string) error {
	_, options := fields(rest)
	what, arg, _ := strings.Cut(rest, " ")
	if what == "of" {
		party, err := s.partyOf(arg)
		if err != nil {
			return err
		}
		party.TakePhone(s.b.Jar)
		s.party = party
		return nil
	}
	if s.party == nil || s.party.Phone == nil {
		return errors.New("no phone in hand")
	}
	p := s.party.Phone
	switch what {
	case "pin":
		digits, _, _ := strings.Cut(arg, " ")
		s.previous = s.party.Last.Claims
		return saidOfPIN(p.PIN(s.t.Context(), digits, &s.party.Last), arg, options)
	case "chooses":
		s.previous = s.party.Last.Claims
		return p.choose(s.t.Context(), &s.party.Last)
	case "loses":
		p.loses = 1
		if arg != "" {
			var err error
			p.loses, err = strconv.Atoi(arg)
			return err
		}
		return nil
	case "forgets":
		p.Forgotten = true
		return nil
	case "late":
		late, err := time.ParseDuration(arg)
		p.Late = late
		return err
	case "restarts":
		p.start(s.server, s.party)
		return nil
	case "restored":
		_, secret := p.Store.Stolen(s.party.Issuer)
		p.Store.Put(s.party.Issuer, nil, secret)
		p.start(s.server, s.party)
		return nil
	case "starts":
		if shows := map[bool]string{true: "pin", false: "new"}[p.HasPIN()]; shows != arg {
			return fmt.Errorf("it starts with %s", shows)
		}
		return nil
	}
	return fmt.Errorf("phone %s: no such thing", what)
}

// saidOfPIN compares what a PIN was answered with what a script says.
func saidOfPIN(err error, said string, options map[string]string) error {
	var told *phone.Error
	if err != nil && !errors.As(err, &told) {
		return err
	}
	_, how, _ := strings.Cut(said, " ")
	ok := false
	switch {
	case how == "":
		return err
	case told == nil:
		return fmt.Errorf("it was right, want %s", how)
	case options["left"] != "":
		ok = told.Code == phone.InvalidGrant && told.TriesLeft != nil && strconv.Itoa(*told.TriesLeft) == options["left"] && !told.DeviceRemoved
	case how == "removed":
		ok = told.Code == phone.InvalidGrant && told.DeviceRemoved
	case options["more"] != "":
		ok = told.Code == phone.MoreIsWanted && strings.HasSuffix(told.ACRValues, options["more"])
	case how == "slow":
		ok = told.Code == phone.SlowDown
	case how == "lost":
		ok = told.Code == lost
	}
	if !ok {
		return fmt.Errorf("got %v, want %s", err, how)
	}
	return nil
}

// signIn is where the browser of the phone goes.
func (p *Party) signIn(r *http.Request) (string, error) {
	signIn, err := p.Phone.SignIn(r.Context(), r.URL.Query())
	if err != nil {
		return "", err
	}
	u, err := url.Parse(signIn.URL)
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signIns[u.Query().Get("state")] = signIn
	return signIn.URL, nil
}

// enter takes an answer, and goes on as the app does: a PIN is chosen if there is none, and entered.
func (p *Party) enter(ctx context.Context, signIn *phone.SignIn, address string, arrival *Arrival) error {
	if err := signIn.Redeem(ctx, address); err != nil {
		return err
	}
	if p.Phone.HasPIN() && !p.Phone.Forgotten {
		err := p.Phone.PIN(ctx, PhonePIN, arrival)
		if !errors.Is(err, &phone.Error{Code: phone.MoreIsWanted}) {
			return err
		}
	} // the provider has none
	return p.Phone.choose(ctx, arrival)
}

// choose chooses the PIN of scripts and enters it.
func (t *Phone) choose(ctx context.Context, arrival *Arrival) error {
	if err := t.SetPIN(ctx, PhonePIN); err != nil {
		return err
	}
	t.Forgotten = false
	return t.PIN(ctx, PhonePIN, arrival)
}

// PIN enters a PIN.
func (t *Phone) PIN(ctx context.Context, pin string, arrival *Arrival) error {
	tokens, err := t.EnterPIN(ctx, pin, "")
	if err != nil {
		return err
	}
	arrival.take(tokens)
	return nil
}

func (a *Arrival) take(t *phone.Tokens) {
	a.Token = &oauth2.Token{AccessToken: t.AccessToken, RefreshToken: t.RefreshToken}
	a.Claims = t.Claims
}

// codeOfPhone is the code of an error of the app, such as a party would get it in its address.
func codeOfPhone(err error) string {
	var told *phone.Error
	if errors.As(err, &told) {
		return told.Code
	}
	return err.Error()
}
