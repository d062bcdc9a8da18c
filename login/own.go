package login

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/visitor"
	"github.com/minddistrict/idp/internal/web"
)

// Until its first proof a journey is bound by the cookie of the browser, which all its journeys share. With each proof it
// gets a cookie of its own, and what bound it before opens it no more: whoever planted that cookie, and knows the
// journey, has nothing of what is proven (CVE-2024-7341).
//
// The browser may not have got the answer: somebody clicked twice, or the line went down. Then the same form comes again
// with the cookie of before. A form that brings the last proof again gets the same cookie again, and no other form does.
const (
	repeatedFor = time.Minute // after the end of a journey
	repeats     = 5           // wrong ones of one journey: more is guessing
)

// Repeater is a step whose proof can be verified again, such as a password. Repeats reports whether a form brings what
// the journey was last proven with.
type Repeater interface {
	Repeats(context.Context, *Visit) (bool, error)
}

// Spender is a step whose proof can be given once, such as a code. Spends is what of its form that is.
type Spender interface{ Spends(url.Values) string }

// bind gives the journey a cookie of its own, for a proof that a step took; nil: the button of a mail.
func (s *Server) bind(j *authn.Journey, step Step, form url.Values) {
	own := authn.Binding{Began: j.Browser, Salt: secret.Bytes(16)}
	if j.Own != nil {
		own.Began = j.Own.Began
	}
	if step != nil {
		own.Step = step.Name()
	}
	if spender, ok := step.(Spender); ok {
		own.Spent = s.spent(j, own.Step, spender.Spends(form))
	}
	j.Own = &own
	j.Browser = secret.Hash(s.ownCookie(j))
}

// ownCookie is the value of the journey's own cookie, since its last proof.
func (s *Server) ownCookie(j *authn.Journey) string {
	return web.JourneyValue(j.StartedAt, base64.RawURLEncoding.EncodeToString(s.Sealer.MAC("cookie of a journey", salted(j))))
}

// ownSession is the cookie of the session that a journey starts or raises at its end.
func (s *Server) ownSession(j *authn.Journey) string {
	return base64.RawURLEncoding.EncodeToString(s.Sealer.MAC("session of a journey", salted(j)))
}

func salted(j *authn.Journey) string {
	return string(j.Platform) + "\x00" + j.ID + "\x00" + string(j.Own.Salt)
}

// spent is what a journey keeps of a code that was used: nothing that could be used again.
func (s *Server) spent(j *authn.Journey, step, code string) []byte {
	return s.Sealer.MAC("spent in a journey", string(j.Platform)+"\x00"+j.ID+"\x00"+step+"\x00"+code)
}

// keepOwn sets the journey's own cookie, if it has a new one. It ends with the journey; where there is a request to
// answer, with the answer.
func (s *Server) keepOwn(w http.ResponseWriter, r *http.Request, v *Visit) {
	j := v.Journey
	switch {
	case j.Own == nil:
	case !j.EndedAt.IsZero() && j.Request == "":
		web.DropCookie(w, j.Platform, web.JourneyCookie(j.ID))
	case !web.Bound(r, j.Platform, j.ID, j.Browser):
		web.SetJourneyCookie(w, r, j.Platform, j.ID, s.ownCookie(j), j.ExpiresAt.Sub(v.Now))
	}
}

// repeated gives the journey's own cookie again to a form that brings its last proof again, and leads to where the first
// one led; done is false for any other form, which is told nothing. verified says that the proof of the form was taken
// as right a moment ago.
func (s *Server) repeated(w http.ResponseWriter, r *http.Request, v *Visit, step Step, verified *account.Account) (done bool, err error) {
	j, err := s.Store.Journey(r.Context(), v.Platform.ID, v.Journey.ID)
	if errors.Is(err, fault.NotFound) {
		return false, nil // it was not stored yet, and its request is gone
	}
	if err != nil {
		return false, err
	}
	again := *v
	again.Journey = j
	if !s.repeatable(r, &again, step) {
		return false, nil
	}
	if ok, err := s.repeats(r, &again, step, verified); err != nil || !ok {
		return false, err
	}
	web.SetJourneyCookie(w, r, j.Platform, j.ID, s.ownCookie(j), max(repeatedFor, j.ExpiresAt.Sub(v.Now)))
	if j.EndedAt.IsZero() {
		return true, web.SeeOther(w, r, JourneyPath(v.Platform, j.ID))
	}
	free, err := s.free(r, j)
	if err != nil {
		return false, err
	}
	if free {
		web.SetCookie(w, j.Platform, visitor.Cookie(j.Ask.Channel), s.ownSession(j))
	}
	return true, web.SeeOther(w, r, s.destination(&again, web.Over))
}

// free reports whether nobody else has signed in in this browser meanwhile.
func (s *Server) free(r *http.Request, j *authn.Journey) (bool, error) {
	session, _, err := s.Visitors.Session(r, j.Platform, j.Ask.Channel, s.Now())
	return err == nil && (session == nil || session.Account == j.Account), err
}

// repeatable reports whether a form could bring the last proof of a journey again: from the browser that began it, to
// the step that took it, and not long after its end.
func (s *Server) repeatable(r *http.Request, v *Visit, step Step) bool {
	j, own := v.Journey, v.Journey.Own
	open := j.Open(v.Now) || !j.EndedAt.IsZero() && !j.Denied && v.Now.Sub(j.EndedAt) < repeatedFor
	return own != nil && open && own.Step == step.Name() &&
		secret.Equal(own.Began, web.CookieHash(r, j.Platform, web.BrowserCookie)) &&
		secret.Equal(j.Browser, secret.Hash(s.ownCookie(j))) // not under another master key
}

// repeats reports whether a form brings the last proof of a journey again. That is counted first: a form that does not
// bring it has guessed.
func (s *Server) repeats(r *http.Request, v *Visit, step Step, verified *account.Account) (bool, error) {
	if verified != nil && verified.ID != v.Journey.Account {
		return false, nil
	}
	if verified != nil {
		return s.same(r, v, step, true)
	}
	key := hex.EncodeToString(s.Sealer.MAC("repeated forms", string(v.Platform.ID)+"\x00"+v.Journey.ID))
	count := authn.Change{Platform: v.Platform.ID, Count: []authn.Limit{{Key: key, Max: repeats, Window: authn.JourneyLife}}}
	err := s.Store.SaveChange(r.Context(), count, v.Now)
	if errors.Is(err, fault.Throttled) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	same, err := s.same(r, v, step, false)
	if err != nil || !same {
		return false, err
	}
	return true, s.Store.SaveChange(r.Context(), authn.Change{Platform: v.Platform.ID, Uncount: []string{key}}, v.Now)
}

// same compares a form with the last proof of a journey. verified says that the form was taken as right a moment ago.
func (s *Server) same(r *http.Request, v *Visit, step Step, verified bool) (bool, error) {
	if spender, ok := step.(Spender); ok {
		code := spender.Spends(v.Form)
		return code != "" && secret.Equal(v.Journey.Own.Spent, s.spent(v.Journey, v.Journey.Own.Step, code)), nil
	}
	if repeater, ok := step.(Repeater); ok && !verified {
		return s.verifies(r, v, repeater)
	}
	return verified, nil
}

// verifies asks a step whether the form brings the proof of the journey's account again.
func (s *Server) verifies(r *http.Request, v *Visit, step Repeater) (bool, error) {
	a, err := s.Store.Account(r.Context(), v.Platform.ID, v.Journey.Account)
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if v.Journey.CutBefore(a) || a.State != account.Active {
		return false, nil
	}
	v.Facts.Account = a
	return step.Repeats(r.Context(), v)
}
