package login

import (
	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
)

// sent says where a form was: on the page of a step, which was wanted or which the person turned to.
type sent struct {
	step string
	way  bool
}

// apply is the journey after a form that a step took: whose it is, what was proven, done and chosen, and what is said
// of it. known is who it was about when the form came; nil: not known. It is pure.
func apply(j authn.Journey, from sent, out Outcome, known *account.Account) authn.Journey {
	switch {
	case out.Known != nil:
		if known == nil || known.ID != out.Known.ID {
			j.ResetProgress() // of somebody else it keeps nothing
		}
		j.SetAccount(out.Known)
	case j.Account == "" && known != nil && j.Ask.Purpose != authn.SignUp && (!from.way || out.Proof != nil):
		j.SetAccount(known) // who is signed in and sent a form: from now on it is theirs, whoever signs in in another tab
	}
	j.Mistakes = nil
	if len(out.Retry) > 0 {
		j.Mistakes = &authn.Mistakes{Step: from.step, All: out.Retry}
	} else if !from.way || out.Proof != nil {
		j.Stop = nil // neither a mistake nor a mail that was asked for ends it
	}
	if out.Stop != nil {
		stop := *out.Stop
		stop.Step = from.step
		j.Stop, j.Mistakes = &stop, nil
	}
	j.Remember = j.Remember || out.Remember
	if out.Proof != nil {
		j.AddProof(*out.Proof)
	}
	if out.Done != "" {
		j.Done = append(j.Done[:len(j.Done):len(j.Done)], out.Done)
	}
	return j
}
