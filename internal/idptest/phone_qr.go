package idptest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/minddistrict/idp/internal/phone"
	"github.com/minddistrict/idp/test/browser"
)

// scanning is a phone with a QR code.
type scanning struct {
	text    string         // of a code that it looks at
	handoff *phone.Handoff // that it claimed
}

var (
	scansLock sync.Mutex
	scans     = map[*Phone]*scanning{} // of all scripts
)

func init() {
	i := slices.IndexFunc(verbs, func(v verb) bool { return v.name == "phone" })
	other := verbs[i].run
	verbs[i].run = func(s *script, rest string) error {
		what, arg, _ := strings.Cut(rest, " ")
		do, ours := qrVerbs[what]
		switch {
		case !ours:
			return other(s, rest)
		case s.party == nil || s.party.Phone == nil:
			return errors.New("no phone in hand")
		}
		return do(s, s.party.Phone, arg)
	}
}

// qrVerbs is what somebody does with the phone in hand and the QR code on the page:
//
//	phone looks               its camera has the code that the page shows now
//	phone scan [CODE]         claims that code; the answer is this error
//	phone typed [wrong]       the number that it shows is in the field of the page; another one is
//	phone number [wrong]      the same, and sent
//	phone polls [CODE]        it asks for its answer, which is this error; or else it chooses a PIN and enters it
//	phone stops               Stop is pressed on it
//	phone replaces            it is to take the place of the first one that the page lists
var qrVerbs = map[string]func(*script, *Phone, string) error{
	"looks": func(s *script, p *Phone, _ string) (err error) {
		p.scanning().text, err = QRCode(s.b)
		return err
	},
	"scan": func(s *script, p *Phone, want string) error {
		scan := p.scanning()
		if scan.text == "" {
			var err error
			if scan.text, err = QRCode(s.b); err != nil {
				return err
			}
		}
		code, err := p.app.Scan(scan.text)
		scan.text = ""
		if err == nil {
			p.Device = code.Device
			scan.handoff, err = code.Claim(s.t.Context())
		}
		return answered(err, want)
	},
	"typed": typed,
	"number": func(s *script, p *Phone, which string) error {
		if err := typed(s, p, which); err != nil {
			return err
		}
		return s.press("qr.confirm")
	},
	"polls": func(s *script, p *Phone, want string) error {
		err := p.scanning().handoff.Poll(s.t.Context())
		if err != nil || want != "" {
			return answered(err, want)
		}
		s.previous = s.party.Last.Claims
		if !p.HasPIN() || p.Forgotten {
			return p.choose(s.t.Context(), &s.party.Last)
		}
		return p.PIN(s.t.Context(), PhonePIN, &s.party.Last)
	},
	"replaces": func(s *script, _ *Phone, _ string) error {
		first := browser.ByID(s.b.Doc, "remove")
		if first == nil {
			return errors.New("the page lists none")
		}
		s.b.Tick(first, true)
		return nil
	},
	"stops": func(s *script, p *Phone, _ string) error { return p.scanning().handoff.Stop(s.t.Context()) },
}

func typed(s *script, p *Phone, which string) error {
	h := p.scanning().handoff
	if h == nil {
		return errors.New("it shows no number")
	}
	number := h.Number
	if which == "wrong" {
		number = 10 + (number-9)%90
	}
	return s.fill("qr.number = " + strconv.Itoa(number))
}

func (t *Phone) scanning() *scanning {
	scansLock.Lock()
	defer scansLock.Unlock()
	if scans[t] == nil {
		scans[t] = &scanning{}
	}
	return scans[t]
}

// answered compares an error of the app with the one that a script wants; empty: none.
func answered(err error, want string) error {
	switch {
	case err == nil && want == "", err != nil && codeOfPhone(err) == want:
		return nil
	case err == nil:
		return fmt.Errorf("it was taken, want %s", want)
	}
	return err
}
