package authn

import (
	"maps"
	"slices"
)

// Rules is a table of rules that a test asks, and may change: its own copy.
type Rules struct{ t ruleTable }

// Today is the table as it is.
func Today() Rules {
	copied := ruleTable{}
	for purpose, channels := range rules {
		copied[purpose] = maps.Clone(channels)
		for channel, rows := range channels {
			copied[purpose][channel] = slices.Clone(rows)
		}
	}
	return Rules{copied}
}

// Missing is Missing by these rules.
func (r Rules) Missing(ask Ask, f Facts, proofs []Proof) []Requirement {
	return r.t.missing(ask, f, proofs)
}

// Rows lists the needs of the rows of a purpose and channel, in order.
func (r Rules) Rows() map[Purpose]map[Channel][]Need {
	needs := map[Purpose]map[Channel][]Need{}
	for purpose, channels := range r.t {
		needs[purpose] = map[Channel][]Need{}
		for channel, rows := range channels {
			for _, w := range rows {
				needs[purpose][channel] = append(needs[purpose][channel], w.need)
			}
		}
	}
	return needs
}

// with is the table of today with the n-th row of a need changed, of those that are not about somebody known elsewhere.
func with(p Purpose, c Channel, need Need, n int, change func(*rule)) Rules {
	r := Today()
	rows := r.t[p][c]
	for i := range rows {
		if rows[i].need != need || rows[i].why != nil && rows[i].why(Ask{}, Facts{}) == ForLink {
			continue
		}
		if n--; n < 0 {
			change(&rows[i])
			return r
		}
	}
	panic("no such row: " + string(p) + " " + string(c) + " " + string(need))
}

func never(Ask, Facts) bool { return false }

// WeakFresh are tables with one row as it was when a code of before counted for a fresh sign-in at a level.
func WeakFresh() map[string]Rules {
	anyAge := func(w *rule) { w.after = nil }
	return map[string]Rules{
		"sign-in, browser: a level takes any code":        with(SignIn, Browser, NeedSecond, 1, anyAge),
		"sign-in, app: a level takes any code":            with(SignIn, App, NeedSecond, 1, anyAge),
		"return, browser: a level takes any code":         with(Return, Browser, NeedSecond, 1, anyAge),
		"return, app: a level takes any code":             with(Return, App, NeedSecond, 1, anyAge),
		"sign-in, browser: max_age=0 is for the password": with(SignIn, Browser, NeedSecond, 1, func(w *rule) { w.after = askedAgain }),
		"sign-in, app: max_age=0 is for the password":     with(SignIn, App, NeedSecond, 1, func(w *rule) { w.after = askedAgain }),
	}
}

// WeakFactors are tables with one row as it was, or gone, that keeps second factors and recovery codes.
func WeakFactors() map[string]Rules {
	anySet, gone := func(w *rule) { w.before = nil }, func(w *rule) { w.when = never }
	return map[string]Rules{
		"new codes take any code of the session": with(NewCodes, Browser, NeedSecond, 0, func(w *rule) {
			w.when, w.after, w.before = enrolled, nil, nil
		}),
		"new codes take a set of this session":          with(NewCodes, Browser, NeedSecond, 0, anySet),
		"new codes, old password":                       with(NewCodes, Browser, NeedPrimary, 0, func(w *rule) { w.after = nil }),
		"new codes where nothing is enrolled":           with(NewCodes, Browser, NeedSaveCodes, 0, func(w *rule) { w.when = nil }),
		"another factor takes a set of this session":    with(TwoStep, Browser, NeedSecond, 0, anySet),
		"another factor takes any code of the session":  with(TwoStep, Browser, NeedSecond, 0, func(w *rule) { w.after = nil }),
		"codes of a factor that was replaced meanwhile": with(TwoStep, Browser, NeedSecond, 1, gone),
		"off takes a set of this session":               with(TwoStepOff, Browser, NeedSecond, 0, anySet),
		"off takes any code of the session":             with(TwoStepOff, Browser, NeedSecond, 0, func(w *rule) { w.after = nil }),
		"sign-in: a wish takes what there is":           with(SignIn, Browser, NeedSecond, 2, gone),
		"return: a wish takes what there is":            with(Return, Browser, NeedSecond, 2, gone),
		"sign-in: a wish takes an old password":         with(SignIn, Browser, NeedPrimary, 2, gone),
		"return: a wish takes an old password":          with(Return, Browser, NeedPrimary, 3, gone),
		"sign-in: a set never confirmed without a code": with(SignIn, Browser, NeedSecond, 3, gone),
		"welcome: codes without a code":                 with(Welcome, Browser, NeedSecond, 0, gone),
		"sign-up: codes without a code":                 with(SignUp, Browser, NeedSecond, 0, gone),
		"reset: codes without a code":                   with(ResetPassword, Browser, NeedSecond, 0, gone),
		"after a reset: codes without a code":           with(AfterReset, Browser, NeedSecond, 0, gone),
	}
}

// PretendPurpose is a purpose that exists in tests only. Its rows do not mention marked accounts.
const PretendPurpose Purpose = "pretend"

// Pretend are both tables of a purpose that asks these needs, whatever holds.
func Pretend(needs ...Need) (bare, asked Rules) {
	written := func() ruleTable {
		var rows []rule
		for _, n := range needs {
			w := rule{need: n}
			switch n {
			case NeedPrimary:
				w.after = fresh
			case NeedLink:
				w.after = sinceJourney
			case NeedSecond:
				w.when = enrolled
			}
			rows = append(rows, w)
		}
		return ruleTable{PretendPurpose: {Browser: rows, App: slices.Clone(rows)}}
	}
	return Rules{written()}, Rules{asksOwner(written())}
}

// Weaker is a table that lacks one row.
type Weaker struct {
	Rules
	Purpose Purpose
	Channel Channel
	Row     int // from 1
	Need    Need
}

// WithoutMarks are tables that each lack one row that is about marked accounts.
func WithoutMarks() (all []Weaker) {
	for purpose, channels := range rules {
		for channel, rows := range channels {
			for i, w := range rows {
				if w.why == nil || w.why(Ask{}, Facts{}) != ForReset {
					continue
				}
				less := Today()
				less.t[purpose][channel] = slices.Delete(slices.Clone(rows), i, i+1)
				all = append(all, Weaker{less, purpose, channel, i + 1, w.need})
			}
		}
	}
	return all
}
