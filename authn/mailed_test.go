package authn_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// mailedCells are accounts and journeys in which somebody shows the code of a mail.
func mailedCells(try func(says string, ask authn.Ask, f authn.Facts, counts bool)) (cells int) {
	bools := []bool{false, true}
	for _, purpose := range []authn.Purpose{
		authn.SignIn, authn.Welcome, authn.SignUp, authn.ResetPassword, authn.AfterReset, authn.ChangePassword, authn.TwoStep, authn.TwoStepPage,
		authn.NewCodes, authn.TwoStepOff, authn.Connect, authn.LinksPage, authn.ShowQR, authn.StaffPages, authn.StaffAct,
	} {
		for _, role := range []platform.Role{platform.Client, platform.Relative, platform.Professional, platform.Helpdesk, platform.Manager} {
			for _, state := range []account.State{account.Active, account.Invited, account.Deactivated} {
				for bits := range 1 << 7 {
					bit := func(n int) bool { return bools[bits>>n&1] }
					linking, proving, marked, enrolled, required, again, idle := bit(0), bit(1), bit(2), bit(3), bit(4), bit(5), bit(6)
					ask := authn.Ask{Purpose: purpose, Channel: authn.Browser, Journey: "this one", PromptLogin: again}
					f := authn.Facts{Account: person(false), Recovery: true, Now: noon, Methods: []string{"pretend"}, Policy: platform.DefaultPolicy()}
					if enrolled {
						f.Account = withCodes()
					}
					if f.Account.Role, f.Account.State = role, state; marked {
						f.Account.MarkedAt = at(-3)
					}
					if required {
						demand := platform.SecondFactor{Demand: platform.Required}
						f.Policy.SecondFactor.Staff, f.Policy.SecondFactor.Client = demand, demand
					}
					if idle {
						f.Session = session("anna", -90)
						f.Session.SeenAt = at(-61)
					}
					f.Connected, f.Linking, f.Proving = true, linking, proving
					helps := role == platform.Helpdesk || role == platform.Manager
					cells++
					try(fmt.Sprintf("%s %s %s linking=%t proving=%t marked=%t enrolled=%t required=%t again=%t idle=%t", purpose, role, state, linking, proving,
						marked, enrolled, required, again, idle), ask, f, purpose == authn.SignIn && linking && proving && !marked && !helps && state != account.Deactivated)
				}
			}
		}
	}
	return cells
}

// The code of a mail answers the one question who somebody is who is known elsewhere, and no other, whoever asks it:
// not of who helps others, not of an account that staff reset, and never the second factor.
func TestCodeOfAMailAnswersOneQuestion(t *testing.T) {
	answered := 0
	cells := mailedCells(func(says string, ask authn.Ask, f authn.Facts, counts bool) {
		given := authn.Proof{Method: authn.MailCode, Use: account.Link, At: noon, Journey: "this one"}
		earlier := given
		earlier.Journey = "another"
		want := authn.Missing(ask, f, nil)
		if got := authn.Missing(ask, f, []authn.Proof{earlier}); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: of another journey it counts: %v, want %v", says, got, want)
		}
		var needs []authn.Need
		for _, r := range want {
			if !counts || r.Need != authn.NeedPrimary {
				needs = append(needs, r.Need)
			}
		}
		var got []authn.Need
		for _, r := range authn.Missing(ask, f, []authn.Proof{given}) {
			got = append(got, r.Need)
		}
		if !slices.Equal(got, needs) {
			t.Errorf("%s: %v, want %v", says, got, needs)
		}
		if len(got) < len(want) {
			answered++
		}
		if enrolled := len(authn.Enrolled(f)) > 0; counts && enrolled && ask.Purpose == authn.SignIn && !slices.Contains(got, authn.NeedSecond) {
			t.Errorf("%s: no second factor is asked: %v", says, got)
		}
		j := &authn.Journey{ID: "this one", Progress: authn.Progress{Proofs: []authn.Proof{given}}}
		if may := authn.MayProveByMail(f.Account); authn.ProvenHere(j, f) != (may && len(authn.Enrolled(f)) == 0) {
			t.Errorf("%s: shown to be theirs: %t", says, authn.ProvenHere(j, f))
		}
		if authn.OwnerShown("this one", []authn.Proof{given, pwd(0)}) || authn.ACROf(j.Proofs) != authn.NoFactor || len(authn.AMR(j.Proofs)) != 0 {
			t.Errorf("%s: it is taken for the button of a mail, or for a factor", says)
		}
	})
	if cells < 20000 || answered != 96 {
		t.Errorf("%d cells, in %d of them it counts", cells, answered)
	}
}
