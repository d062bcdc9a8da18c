package login_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/login"
)

// tired is a way of signing in that says after one form that it takes none for a while.
type tired struct{ taken *int }

func (tired) Name() string                                    { return "tired" }
func (tired) Handles(r authn.Requirement, _ authn.Facts) bool { return r.Need == authn.NeedPrimary }
func (tired) Way(v *login.Visit) string {
	if v.Requirement.Need != authn.NeedPrimary {
		return ""
	}
	return "login.forgot"
}
func (tired) Show(context.Context, *login.Visit) (login.Page, error) {
	return login.Page{Template: "no_code", Data: nil}, nil
}
func (s tired) Submit(_ context.Context, v *login.Visit) (login.Outcome, error) {
	*s.taken++
	return login.Outcome{Stop: &authn.Stop{Page: login.StopWait, Until: v.Now.Add(10 * time.Minute), Email: "anna@example.org"}}, nil
}

// A way of signing in that has to wait is not taken meanwhile, as the password is not.
func TestWayThatWaitsIsNotTaken(t *testing.T) {
	n := 0
	s := idptest.NewServer(t, idptest.SQLite(t), login.Factor{Method: "tired", Prove: tired{&n}})
	s.Declare(attackedHouse())
	p := attackedHouse().Party(s, "web")
	b := idptest.NewBrowser(s, "en")
	b.MustOpen(t, p.Start(nil))
	to := b.URL.String()[:len(b.URL.String())-len("password")] + "tired"
	for range 2 {
		b.MustDouble(t, url.Values{"do": {"continue"}}, to)
		b.MustBeAt(t, "/stop")
	}
	if n > 2 { // Double sends the first form twice, before either is answered
		t.Errorf("%d forms were taken", n)
	}
}
