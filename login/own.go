package login

import (
	"bytes"
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

// Until its first proof a journey is bound by the cookie of the browser, which all its journeys share. With each proof
// it gets a cookie of its own, and what bound it before opens it no more: whoever planted that cookie, and knows the
// journey, has nothing of what is proven (CVE-2024-7341).
//
// The browser may not have got the answer: somebody clicked twice, or the line went down. Then the same form comes
// again with the cookies of before. A form that brings the last proof again, with the cookies that the first one had,
// gets the same cookie again, and no other form does.
const (
	repeatedFor = time.Minute // after the end of a journey
	repeats     = 5           // wrong ones of one journey: more is guessing
)

// Repeater is a step whose proof can be verified again, such as a password. Repeats reports whether a form brings what
// the journey was last proven with, within the limits of such forms, and what is saved of that either way.
type Repeater interface {
	Repeats(context.Context, *Visit) (bool, authn.Change, error)
}

// Spender is a step whose proof can be given once, such as a code. Spends is what of its form that is.
type Spender interface{ Spends(url.Values) string }

// bind gives the journey a cookie of its own, for a proof that a step took; nil: the button of a mail.
func (s *Server) bind(r *http.Request, j *authn.Journey, step Step, form url.Values) {
	own := authn.Binding{
		Began: j.Browser, Before: j.Browser, Salt: secret.Bytes(16),
		Session: web.CookieHash(r, j.Platform, visitor.Cookie(j.Ask.Channel)),
	}
	if j.OwnBinding != nil {
		own.Began = j.OwnBinding.Began
	}
	if step != nil {
		own.Step = step.Name()
	}
	if spender, ok := step.(Spender); ok {
		own.Spent = s.spent(j, own.Step, spender.Spends(form))
	}
	j.OwnBinding = &own
	j.Browser = secret.Hash(s.bindingCookie(j))
}

// bindingCookie is the value of the journey's own cookie, since its last proof.
func (s *Server) bindingCookie(j *authn.Journey) string {
	return web.JourneyValue(j.StartedAt, base64.RawURLEncoding.EncodeToString(s.Sealer.MAC("cookie of a journey", salted(j))))
}

// ownSession is the cookie of the session that a journey starts or raises at its end.
func (s *Server) ownSession(j *authn.Journey) string {
	return base64.RawURLEncoding.EncodeToString(s.Sealer.MAC("session of a journey", salted(j)))
}

func salted(j *authn.Journey) string {
	return string(j.Platform) + "\x00" + j.ID + "\x00" + string(j.OwnBinding.Salt)
}

// spent is what a journey keeps of a code that was used: nothing that could be used again.
func (s *Server) spent(j *authn.Journey, step, code string) []byte {
	return s.Sealer.MAC("spent in a journey", string(j.Platform)+"\x00"+j.ID+"\x00"+step+"\x00"+code)
}

// setBindingCookie sets the journey's own cookie, if it has a new one. It ends with the journey; where there is a
// request to answer, with the answer.
func (s *Server) setBindingCookie(w http.ResponseWriter, r *http.Request, v *Visit) {
	j := v.Journey
	over := j.OwnBinding == nil || !j.EndedAt.IsZero() && j.Request == ""
	switch {
	case over && web.Cookie(r, j.Platform, web.JourneyCookie(j.ID)) != "":
		web.DropCookie(w, j.Platform, web.JourneyCookie(j.ID))
	case !over && !web.Bound(r, j.Platform, j.ID, j.Browser):
		web.SetJourneyCookie(w, r, j.Platform, j.ID, s.bindingCookie(j))
	}
}

// repeated gives the journey's own cookie again to a form that brings its last proof again, and leads to where the
// first one led; done is false for any other form, which is told nothing. verified is whose proof of the form was taken
// as right a moment ago; nil: nobody's.
func (s *Server) repeated(
	w http.ResponseWriter, r *http.Request, v *Visit, step Step, verified *account.Account,
) (done bool, err error) {
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
	web.SetJourneyCookie(w, r, j.Platform, j.ID, s.bindingCookie(j))
	if j.EndedAt.IsZero() {
		return true, web.SeeOther(w, r, JourneyPath(v.Platform, j.ID))
	}
	session, _, err := s.Visitors.Of(r.Context(), j.Platform, secret.Hash(s.ownSession(j)), j.Ask.Channel, v.Now)
	if err != nil {
		return false, err
	}
	if session != nil && session.Account == j.Account {
		web.SetCookie(w, j.Platform, visitor.Cookie(j.Ask.Channel), s.ownSession(j))
	}
	return true, web.SeeOther(w, r, s.destination(&again, web.Over))
}

// repeatable reports whether a form could bring the last proof of a journey again: to the step that took it, with the
// cookies that the form which proved it had, and not long after the end. Whoever has only those of an earlier page has
// nothing of what was proven since.
func (s *Server) repeatable(r *http.Request, v *Visit, step Step) bool {
	j, own := v.Journey, v.Journey.OwnBinding
	open := j.Open(v.Now) || !j.EndedAt.IsZero() && !j.Denied && v.Now.Sub(j.EndedAt) < repeatedFor
	return own != nil && open && own.Step == step.Name() && web.Bound(r, j.Platform, j.ID, own.Before) &&
		bytes.Equal(own.Session, web.CookieHash(r, j.Platform, visitor.Cookie(j.Ask.Channel))) &&
		secret.Equal(j.Browser, secret.Hash(s.bindingCookie(j))) // not under another master key
}

// repeats reports whether a form brings the last proof of a journey again. That is counted first: a form that does not
// bring it has guessed.
func (s *Server) repeats(r *http.Request, v *Visit, step Step, verified *account.Account) (bool, error) {
	spender, spends := step.(Spender)
	same := func() bool {
		code := spender.Spends(v.Form)
		return code != "" && secret.Equal(v.Journey.OwnBinding.Spent, s.spent(v.Journey, v.Journey.OwnBinding.Step, code))
	}
	if verified != nil {
		return verified.ID == v.Journey.Account && (!spends || same()), nil
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
	var ok bool
	change := authn.Change{Platform: v.Platform.ID}
	if repeater, verifies := step.(Repeater); spends {
		ok = same()
	} else if verifies {
		if ok, err = s.verifies(r, v, repeater, &change); err != nil {
			return false, err
		}
	}
	if ok {
		change.Uncount = append(change.Uncount, key)
	}
	return ok, s.Store.SaveChange(r.Context(), change, v.Now)
}

// verifies asks a step whether the form brings the proof of the journey's account again, and what that changes.
func (s *Server) verifies(r *http.Request, v *Visit, step Repeater, change *authn.Change) (bool, error) {
	a, err := s.Store.Account(r.Context(), v.Platform.ID, v.Journey.Account)
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if v.Journey.EndedByAct(a) || a.State != account.Active {
		return false, nil
	}
	v.Facts.Account = a
	ok, counted, err := step.Repeats(r.Context(), v)
	if err == nil {
		*change, err = change.And(counted)
	}
	return ok, err
}
