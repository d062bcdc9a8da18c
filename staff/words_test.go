package staff

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
)

// everyReason has a word of every list, one that there is not, and none.
func everyReason() (all []Reason) {
	for _, words := range reasons {
		all = append(all, words...)
	}
	slices.Sort(all)
	return append(slices.Compact(all), "", "because", "Lost-phone", "lost phone", Reason(strings.Repeat("x", 1000)))
}

// An act takes the words of its list, wants one where its right says so, and is refused with any other: whoever does
// it.
func TestEveryActTakesItsWords(t *testing.T) {
	for kind, act := range every {
		if kind == audit.ReferralMade {
			continue // TestWhoMayBeReferredToWhom
		}
		for _, state := range []account.State{account.Active, account.Invited} {
			f := saying(kind, facts(state))
			if _, err := act(f); err != nil {
				continue // TestActsRefuse has which
			}
			right := rightTo(f.right(kind, demands[kind]))
			for _, by := range []Actor{Operator("cli test"), actors["two"], system(right.Scope)} {
				f.Actor, f.Now = by, rightsNow
				for _, reason := range everyReason() {
					f.Justification = wanted(right.Act)
					f.Justification.Reason = reason
					takes := slices.Contains(right.Act.Reasons(), reason) || reason == "" && !right.Reason
					holds(t, kind, act, f, takes)
				}
				for _, how := range append(Identifications(), "", "by phone") {
					f.Justification = wanted(right.Act)
					f.Justification.Identified = how
					takes := (how != "") == right.Identified && how != "by phone"
					holds(t, kind, act, f, takes)
				}
			}
		}
	}
}

func holds(t *testing.T, kind audit.Kind, act func(Facts) (authn.Change, error), f Facts, takes bool) {
	t.Helper()
	change, err := act(f)
	if f.Actor.May(f.right(kind, demands[kind]), f.subject(), f.Justification, f.Now) != nil {
		if !errors.Is(err, fault.Refused) { // a system without that right, or a person who said nothing
			t.Errorf("%s by %s with %+v: %v", kind, f.Actor.Name, f.Justification, err)
		}
		return
	}
	if takes && err != nil || !takes && !errors.Is(err, fault.Invalid) {
		t.Errorf("%s by %s with %+v: %v, takes it: %t", kind, f.Actor.Name, f.Justification, err, takes)
	}
	if err == nil {
		e := change.Events[0]
		if e.StatedReason != string(f.Justification.Reason) || e.Identified != string(f.Justification.Identified) || e.Reason != "" && kind != audit.RoleGiven && kind != audit.CredentialRetired {
			t.Errorf("%s with %+v is on record as %q, %q", kind, f.Justification, e.StatedReason, e.Identified)
		}
	}
}

// The rights and the lists say the same, so no act wants a word that it has none of.
func TestWhatWantsAReasonHasWords(t *testing.T) {
	for _, r := range Rights() {
		if (len(r.Act.Reasons()) > 0) != r.Reason && r.Act != ActRefer {
			t.Errorf("%s wants a reason: %t, and has %v", r.Act, r.Reason, r.Act.Reasons())
		}
	}
	for act := range reasons {
		if rightTo(act).Act == "" {
			t.Errorf("words of %q, which is no act", act)
		}
	}
}

func TestARefusedWordIsAnsweredWithThoseThereAre(t *testing.T) {
	for want, err := range map[string]error{
		`reason "because": invalid: one of lost-phone, new-phone, lost-codes`: Justification{"because", InPerson}.Check(ActReset),
		`reason "": invalid: one of left, asked, suspicion`:                   Justification{}.Check(ActDeactivate),
		`identified "": invalid: one of in-person, video, called-back, known`: Justification{Reason: LostCodes}.Check(ActReset),
		`reason "left": invalid: this act takes none`:                         Justification{Reason: Left}.Check(ActInvite),
		`identified "video": invalid: this act takes none`:                    Justification{Reason: Left, Identified: Video}.Check(ActDeactivate),
	} {
		if err == nil || err.Error() != want || !errors.Is(err, fault.Invalid) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
