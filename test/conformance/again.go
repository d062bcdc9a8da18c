package conformance

import (
	"time"
)

// twice signs in, lets time pass, and signs in again with more parameters.
func (r *run) twice(first asking, pause time.Duration, second func(*signIn) asking) (*signIn, *signIn, error) {
	one, err := r.signIn(first)
	if err != nil {
		return nil, nil, err
	}
	if !one.seen.password {
		r.fail("signed in without a password, with an empty cookie jar")
	}
	if pause > 0 {
		r.wait(pause)
	}
	two, err := r.signIn(second(one))
	return one, two, err
}

// promptLogin is oidcc-prompt-login.
func promptLogin(r *run) error {
	one, two, err := r.twice(r.ask(), time.Second, func(*signIn) asking { return r.ask("prompt", "login") })
	if err != nil {
		return err
	}
	return r.checkAskedAgain(one, two, false)
}

// maxAge1 is oidcc-max-age-1: after one second the first sign-in would just suffice.
func maxAge1(r *run) error {
	one, two, err := r.twice(r.ask(), 2*time.Second, func(*signIn) asking { return r.ask("max_age", "1") })
	if err != nil {
		return err
	}
	return r.checkAskedAgain(one, two, true)
}

// checkAskedAgain: the person was asked again, with a page that the suite wants a picture of, and auth_time says so. It
// must be there when max_age was sent (OpenID Connect Core 1.0 section 2).
func (r *run) checkAskedAgain(one, two *signIn, required bool) error {
	if !two.seen.password || !two.seen.pictured {
		r.fail("the person was not asked for the password again")
	}
	if one.claims["sub"] != two.claims["sub"] {
		r.fail("ID token: sub %v, first it was %v", two.claims["sub"], one.claims["sub"])
	}
	if !required && two.claims["auth_time"] == nil {
		return nil
	}
	second, err := authTime(two)
	if err != nil {
		return err
	}
	if first, err := authTime(one); err == nil && !second.After(first) {
		r.fail("ID token: auth_time %s, first it was %s", second.UTC(), first.UTC())
	}
	if second.Before(r.Now().Add(-skew)) {
		r.fail("ID token: auth_time %s is not recent", second.UTC())
	}
	return nil
}

// maxAge10000 is oidcc-max-age-10000. The first request has a max_age so that auth_time must be answered.
func maxAge10000(r *run) error {
	one, two, err := r.twice(r.ask("max_age", "15000"), time.Second, func(*signIn) asking { return r.ask("max_age", "10000") })
	if err != nil {
		return err
	}
	for _, in := range []*signIn{one, two} {
		if _, err := authTime(in); err != nil {
			return err
		}
	}
	return r.checkSilent(one, two)
}

// promptNone is oidcc-prompt-none-logged-in.
func promptNone(r *run) error {
	one, two, err := r.twice(r.ask(), time.Second, func(*signIn) asking { return r.ask("prompt", "none") })
	if err != nil {
		return err
	}
	return r.checkSilent(one, two)
}

// idTokenHint is oidcc-id-token-hint.
func idTokenHint(r *run) error {
	one, two, err := r.twice(r.ask(), time.Second, func(in *signIn) asking { return r.ask("prompt", "none", "id_token_hint", in.idToken) })
	if err != nil {
		return err
	}
	return r.checkSilent(one, two)
}

// checkSilent: nothing was shown but, perhaps, the form that carries the answer; the same sign-in was answered.
func (r *run) checkSilent(one, two *signIn) error {
	allowed := 0
	if r.plan.FormPost {
		allowed = 1
	}
	if two.seen.password || two.seen.pages > allowed {
		r.fail("%d pages were shown the second time", two.seen.pages)
	}
	r.checkSamePerson(one, two)
	return nil
}

// promptNoneNobody is oidcc-prompt-none-not-logged-in.
func promptNoneNobody(r *run) error {
	_, err := r.refused(r.ask("prompt", "none", "state", longState()), noUserInterface...)
	return err
}
