package authn

import (
	"slices"

	"github.com/minddistrict/idp/account"
)

// asksOwner gives the rows about accounts that are marked to every purpose and channel of a table, so that none is
// without them: the password and the button of a mail are shown here before anything else that could change the account
// or end in a session. They come behind the first question for the password, and where a journey begins with another
// question before all others. Where it began with the button of a mail only the password is missing; it comes behind
// the new one, which counts, and is not asked twice where it is asked in any case.
func asksOwner(t ruleTable) ruleTable {
	password := rule{need: NeedPrimary, when: ownerUnproven, why: because(ForReset), after: sinceJourney}
	mail := rule{need: NeedLink, when: ownerUnproven, why: because(ForReset), after: sinceJourney}
	for _, channels := range t {
		for channel, rows := range channels {
			always := slices.IndexFunc(rows, func(w rule) bool { return w.need == NeedPrimary && w.when == nil })
			switch first := slices.IndexFunc(rows, func(w rule) bool { return w.need != NeedSwitch }); {
			case rows[0].need != NeedLink && always >= 0 && always == first:
				channels[channel] = slices.Insert(rows, always+1, password, mail)
			case rows[0].need != NeedLink:
				channels[channel] = slices.Insert(rows, 0, password, mail)
			case always < 0:
				made := slices.IndexFunc(rows, func(w rule) bool { return w.need == NeedNewPassword })
				channels[channel] = slices.Insert(rows, max(made, 0)+1, password)
			}
		}
	}
	return t
}

// asksProof gives sign-ins the rows about somebody who is known elsewhere and not here: who says that an account is
// theirs shows it in this journey, all that it has, whatever the browser was remembered for.
func asksProof(t ruleTable) ruleTable {
	for _, purpose := range []Purpose{SignIn, Return} {
		for channel, rows := range t[purpose] {
			after := slices.IndexFunc(rows, func(w rule) bool { return w.need == NeedPrimary && w.when == nil })
			t[purpose][channel] = slices.Insert(rows, after+1,
				rule{need: NeedPrimary, when: linking, why: because(ForLink), after: sinceJourney},
				rule{need: NeedSecond, when: both(linking, enrolled), why: because(ForLink), after: sinceJourney})
		}
	}
	return t
}

// linking reports whether who somebody is elsewhere is known, and whose account that is, not.
func linking(_ Ask, f Facts) bool { return f.Linking }

// byMail reports whether a proof is the code of a mail that stands for a first factor: at a sign-in, in the journey
// that it was sent for, of who is known elsewhere, until that is linked.
func (r Requirement) byMail(a Ask, f Facts, p Proof) bool {
	return p.mailed() && a.Purpose == SignIn && f.Linking && f.Proving && a.givenFor(p) && r.Why != ForReset && MayProveByMail(f.Account)
}

// vouchedTwo reports whether a proof is of two factors that an organisation vouches for, as new as a code would have to
// be here: what was shown there this morning spares the set-up to nobody who shows only a password now.
func vouchedTwo(why Purpose, a Ask, f Facts, p Proof) bool {
	if p.Upstream == nil || !p.Kinds.Two() {
		return false
	}
	asked := Requirement{After: askedAgain(a, f)}
	if wantsTwo(a, f) {
		asked.After = askedSince(a, f)
	}
	switch why {
	case StaffPages:
		asked.After = sincePause(a, f)
	case StaffAct:
		asked.After = fresh(a, f)
	}
	if !asked.inTime(a, p) {
		return false
	}
	return why != Return || f.Remembered || Requirement{Why: ForIdle, After: sinceLastSeen(a, f)}.inTime(a, p)
}

// ProvenHere reports whether an account was proven in a journey by what it has itself: a first factor that no
// organisation vouched for or its mailbox, and a second one where it has one.
func ProvenHere(j *Journey, f Facts) bool {
	given := func(fits func(Proof) bool) bool {
		return slices.ContainsFunc(j.Proofs, func(p Proof) bool { return p.Upstream == nil && p.Journey == j.ID && fits(p) })
	}
	first := given(func(p Proof) bool { return p.Use == account.Primary || p.mailed() && MayProveByMail(f.Account) })
	return first && (len(Enrolled(f)) == 0 || given(Proof.second))
}
