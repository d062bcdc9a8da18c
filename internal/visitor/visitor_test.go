package visitor

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// one is a store with one session, whose cookie is v, and one consent.
type one struct {
	session authn.Session
	touched int
}

func (o *one) Session(
	_ context.Context, p platform.ID, cookie []byte, _ time.Time,
) (*authn.Session, *account.Account, error) {
	if p != o.session.Platform || !bytes.Equal(cookie, secret.Hash("v")) {
		return nil, nil, fault.NotFound
	}
	return &o.session, &account.Account{ID: o.session.Account}, nil
}

func (o *one) TouchSession(_ context.Context, p platform.ID, sid string, _ time.Time) error {
	if p != o.session.Platform || sid != o.session.ID {
		return fault.NotFound
	}
	o.touched++
	return nil
}

func (o *one) Consent(_ context.Context, _ platform.ID, _ account.ID, party string) (*authn.Consent, error) {
	if party != "web" {
		return nil, fault.NotFound
	}
	return &authn.Consent{Party: party}, nil
}

func session(c authn.Channel, seen time.Duration) authn.Session {
	return authn.Session{ID: "s", Platform: "linde", Account: "a", Channel: c, SeenAt: noon.Add(-seen)}
}

// A session counts in its own channel, on its own platform, and nowhere else: nobody is signed in there, which is no
// error.
func TestSessionCountsInItsChannel(t *testing.T) {
	for _, test := range []struct {
		of           authn.Channel
		cookie, sent string
		asked        authn.Channel
		signedIn     bool
	}{
		{authn.Browser, web.SessionCookie, "v", authn.Browser, true},
		{authn.App, web.AppCookie, "v", authn.App, true},
		{authn.Browser, web.SessionCookie, "v", authn.App, false},
		{authn.Browser, web.AppCookie, "v", authn.App, false}, // renamed
		{authn.App, web.SessionCookie, "v", authn.Browser, false},
		{authn.Browser, web.SessionCookie, "w", authn.Browser, false},
		{authn.Browser, web.SessionCookie, "", authn.Browser, false},
	} {
		v := Reader{&one{session: session(test.of, 0)}}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-linde-" + test.cookie, Value: test.sent})
		s, a, err := v.Session(r, "linde", test.asked, noon)
		if err != nil || (s != nil) != test.signedIn || (a != nil) != test.signedIn {
			t.Errorf("%+v: %v, %v, %v", test, s, a, err)
		}
		if s, _, err := v.Session(r, "wilg", test.asked, noon); s != nil || err != nil {
			t.Errorf("%+v, other platform: %v, %v", test, s, err)
		}
	}
}

func TestSeenIsWrittenOnceAMinuteForAPerson(t *testing.T) {
	for _, test := range []struct {
		seen    time.Duration
		site    string
		touched int
	}{
		{authn.SeenEvery, "same-origin", 1},
		{authn.SeenEvery - time.Millisecond, "same-origin", 0},
		{time.Hour, "same-site", 0}, // a picture on another page
	} {
		store := &one{session: session(authn.Browser, test.seen)}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Sec-Fetch-Site", test.site)
		if err := (Reader{store}).Seen(r, &store.session, noon); err != nil || store.touched != test.touched {
			t.Errorf("%+v: %d, %v", test, store.touched, err)
		}
	}
}

func TestNothingAllowedIsNoError(t *testing.T) {
	v := Reader{&one{}}
	if c, err := v.Consent(t.Context(), "linde", "a", "web"); err != nil || c == nil {
		t.Errorf("%v, %v", c, err)
	}
	if c, err := v.Consent(t.Context(), "linde", "a", "other"); err != nil || c != nil {
		t.Errorf("%v, %v", c, err)
	}
}
