package federation

import (
	"testing"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/secret"
)

// An answer of one factor is less where two were confirmed, or were asked, could be, and are wanted.
func TestLessIsAnAnswerOfOneFactorWhereTwoWereToCome(t *testing.T) {
	askable := []ContractRow{{Claim: ByACR, Value: "two", ACR: authn.TwoFactor}}
	contexts := []ContractRow{{Claim: ByACRs, Value: "c1", ACR: authn.TwoFactor}}
	unasked := []ContractRow{{Claim: ByAMR, Value: "mfa", ACR: authn.TwoFactor}}
	cells := 0
	for says, rows := range map[string][]ContractRow{"can be asked": askable, "a context can be asked": contexts, "cannot be asked": unasked, "none": nil} {
		for bits := range 1 << 5 {
			bit := func(n int) bool { return bits>>n&1 == 1 }
			two, confirmed, asked, counts, wanted := bit(0), bit(1), bit(2), bit(3), bit(4)
			c := &Connection{Contract: Contract{Counts: counts, Rows: rows}}
			if c.Baseline = (&Baseline{ACR: authn.OneFactor}); confirmed {
				c.Baseline.ACR = authn.TwoFactor
			}
			i := Identity{AskedTwo: asked, Proof: authn.Proof{Kinds: authn.Knows}}
			if two {
				i.Proof.Kinds |= authn.Has
			}
			could := says == "can be asked" || says == "a context can be asked"
			want := !two && (confirmed || asked && wanted && counts && could)
			if got := c.WhyTooWeak(i, wanted); (got != "") != want {
				t.Errorf("%s, two %t, confirmed %t, asked %t, counts %t, wanted %t: %q", says, two, confirmed, asked, counts, wanted, got)
			}
			cells++
		}
	}
	if cells != 4*32 {
		t.Errorf("%d cells", cells)
	}
	if got := (&Connection{Contract: Contract{Counts: true, Rows: askable}}).WhyTooWeak(Identity{Proof: authn.Proof{Kinds: authn.Knows}}, true); got != "" {
		t.Errorf("nothing confirmed and nothing asked: %q", got)
	}
}

// What was asked comes back with the state, whatever was taken out of the request; nobody changes it there.
func TestAStateSaysWhatWasAsked(t *testing.T) {
	mac := masters{"a"}
	now := time.Unix(1_800_000_000, 0).UTC()
	for bits := range 1 << 3 {
		fresh, test, two := bits&1 != 0, bits&2 != 0, bits&4 != 0
		left := NewUpstreamRequest(mac.MAC, "linde", "lindehof", secret.ID(), fresh, test, now)
		if two {
			left = left.WithTwoFactors(mac.MAC, "linde", "lindehof")
		}
		back, err := Returned(mac.MACs, "linde", "lindehof", left.State, now)
		if err != nil || back != left || back.Fresh != fresh || back.Test != test || back.TwoFactors != two {
			t.Errorf("%03b: %+v, %v; want %+v", bits, back, err, left)
		}
	}
	asked := NewUpstreamRequest(mac.MAC, "linde", "lindehof", secret.ID(), false, false, now).WithTwoFactors(mac.MAC, "linde", "lindehof")
	parts := []byte(asked.State)
	for i := range parts {
		if parts[i] == '4' { // the flags, or another part: none may be changed
			changed := append([]byte{}, parts...)
			changed[i] = '0'
			if _, err := Returned(mac.MACs, "linde", "lindehof", string(changed), now); ReasonOf(err) != Unsolicited {
				t.Errorf("changed at %d: %v", i, err)
			}
		}
	}
}
