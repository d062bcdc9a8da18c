package login

import (
	"reflect"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
)

func named(step string) sent { return sent{step: step} }

func beside(step string) sent { return sent{step: step, way: true} }

func TestApply(t *testing.T) {
	anna, bram := &account.Account{ID: "anna", CutAt: time.Unix(5, 0)}, &account.Account{ID: "bram"}
	proof := authn.Proof{Method: "password", Use: account.Primary, At: time.Unix(9, 0)}
	given := proof
	given.Journey = "j"
	mistakes := []authn.Mistake{{Field: "code", Key: "wrong"}}
	stop, wait := &authn.Stop{Page: StopCodes}, &authn.Stop{Page: StopWait}
	full := authn.Progress{
		Account: "anna", CutAt: time.Unix(1, 0), Proofs: []authn.Proof{given}, Done: []authn.Need{authn.NeedLowCodes}, Remember: true, SetUpStarted: true,
		Method: "totp", LowCodes: true, OptIn: authn.NeedSaveCodes, StepData: map[string][]byte{"totp": []byte("x")}, Stop: wait,
	}
	for name, row := range map[string]struct {
		before authn.Progress
		step   sent
		out    Outcome
		known  *account.Account
		want   authn.Progress
	}{
		"nothing": {step: named("a"), want: authn.Progress{}},
		"a proof": {step: named("a"), out: Outcome{Known: anna, Proof: &proof},
			want: authn.Progress{Account: "anna", CutAt: anna.CutAt, Proofs: []authn.Proof{given}}},
		"somebody else keeps nothing": {before: full, step: named("a"), out: Outcome{Known: bram}, known: anna, want: authn.Progress{Account: "bram"}},
		"the same person keeps all, and goes on": {before: full, step: named("a"), out: Outcome{Known: anna}, known: anna,
			want: func() authn.Progress { p := full; p.Stop = nil; return p }()},
		"who is signed in and sends a form": {step: named("a"), known: anna, want: authn.Progress{Account: "anna", CutAt: anna.CutAt}},
		"… and asks for a mail":             {step: beside("b"), known: anna, want: authn.Progress{}},
		"a mistake":                         {before: authn.Progress{Stop: wait}, step: named("a"), out: Outcome{Retry: mistakes}, want: authn.Progress{Stop: wait, Mistakes: &authn.Mistakes{Step: "a", All: mistakes}}},
		"a mistake is mended":               {before: authn.Progress{Stop: wait, Mistakes: &authn.Mistakes{Step: "a"}}, step: named("a"), want: authn.Progress{}},
		"a mail is asked for while waiting": {before: authn.Progress{Stop: wait}, step: beside("b"), want: authn.Progress{Stop: wait}},
		"a code of another kind":            {before: authn.Progress{Stop: wait}, step: beside("b"), out: Outcome{Proof: &proof}, want: authn.Progress{Proofs: []authn.Proof{given}}},
		"too many":                          {before: authn.Progress{Stop: wait}, step: named("a"), out: Outcome{Stop: stop, Retry: mistakes}, want: authn.Progress{Stop: &authn.Stop{Page: StopCodes, Step: "a"}}},
		"done":                              {before: authn.Progress{Remember: true}, step: named("a"), out: Outcome{Done: authn.NeedSaveCodes}, want: authn.Progress{Remember: true, Done: []authn.Need{authn.NeedSaveCodes}}},
		"to be remembered":                  {step: named("a"), out: Outcome{Remember: true}, want: authn.Progress{Remember: true}},
	} {
		got := apply(authn.Journey{ID: "j", Progress: row.before}, row.step, row.out, row.known)
		if !reflect.DeepEqual(got, authn.Journey{ID: "j", Progress: row.want}) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got.Progress, row.want)
		}
	}
}

// Whatever comes, apply changes nothing that it was given, says the same twice, and leaves nothing of one person to
// another.
func TestApplyIsPureAndKeepsPeopleApart(t *testing.T) {
	people := []*account.Account{nil, {ID: "anna"}, {ID: "bram", CutAt: time.Unix(3, 0)}}
	second := &authn.Proof{Method: "totp", Use: account.Second}
	n := 0
	for bits := range 1 << 6 {
		set := func(bit int) bool { return bits&(1<<bit) != 0 }
		for _, known := range people {
			for _, recognised := range people {
				j := authn.Journey{ID: "j", Ask: authn.Ask{Purpose: authn.SignIn}}
				if set(0) {
					j.Ask.Purpose = authn.SignUp
				}
				if known != nil && set(1) {
					j.SetAccount(known)
					j.Method, j.Done, j.StepData = "totp", make([]authn.Need, 1, 4), map[string][]byte{"totp": []byte(known.ID)}
					j.Proofs = append(make([]authn.Proof, 0, 4), authn.Proof{Method: "password", Credential: account.CredentialID(known.ID)})
				}
				out := Outcome{Known: recognised, Remember: set(2)}
				if set(3) {
					out.Proof = second
				}
				if set(4) {
					out.Done = authn.NeedLowCodes
				}
				step := named("a")
				if set(5) {
					step = beside("b")
				}
				before, outBefore, proofBefore := j, out, *second
				one, other := apply(j, step, out, known), apply(j, step, out, known)
				if !reflect.DeepEqual(j, before) || !reflect.DeepEqual(out, outBefore) || !reflect.DeepEqual(*second, proofBefore) || !reflect.DeepEqual(one, other) {
					t.Fatalf("%+v with %+v is not left alone", before, outBefore)
				}
				if recognised != nil && (known == nil || recognised.ID != known.ID) {
					n++
					if one.Account != recognised.ID || one.StepData != nil || one.Method != "" || len(one.Proofs) > 1 {
						t.Fatalf("%s goes on with what was %v: %+v", recognised.ID, known, one.Progress)
					}
				}
			}
		}
	}
	if n == 0 {
		t.Error("nobody else came")
	}
}
