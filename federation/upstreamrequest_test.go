package federation

import (
	"crypto/hmac"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/secret"
)

// masters derive as keys.Sealer does: by the first, and by each.
type masters []string

func (m masters) MAC(purpose, data string) []byte { return m.MACs(purpose, data)[0] }

func (m masters) MACs(purpose, data string) (all [][]byte) {
	for _, master := range m {
		h := hmac.New(sha256.New, []byte(master+"/"+purpose))
		h.Write([]byte(data))
		all = append(all, h.Sum(nil))
	}
	return all
}

// A request ends where it began although the master keys change meanwhile, or are further at another node: with all that
// was derived for it, and with no key that is gone.
func TestTripOutlivesARotationOfMasterKeys(t *testing.T) {
	now := time.Unix(1_800_000_000, 0).UTC()
	for _, row := range []struct {
		says        string
		began, ends masters
		ok          bool
	}{
		{"no rotation", masters{"a"}, masters{"a"}, true},
		{"another key is added", masters{"a"}, masters{"a", "b"}, true},
		{"it is the first", masters{"a"}, masters{"b", "a"}, true},
		{"a node that is ahead began", masters{"b", "a"}, masters{"a", "b"}, true},
		{"the old one is removed", masters{"a"}, masters{"b"}, false},
		{"another house", masters{"a"}, masters{"b", "c"}, false},
	} {
		left := NewUpstreamRequest(row.began.MAC, "linde", "lindehof", secret.ID(), true, false, now)
		back, err := Returned(row.ends.MACs, "linde", "lindehof", left.State, now.Add(time.Minute))
		if row.ok && (err != nil || back != left) {
			t.Errorf("%s: %+v, %v; want %+v", row.says, back, err, left)
		}
		if !row.ok && ReasonOf(err) != Unsolicited {
			t.Errorf("%s: %+v, %v", row.says, back, err)
		}
		if _, err := Returned(row.ends.MACs, "linde", "iep", left.State, now); ReasonOf(err) != Unsolicited {
			t.Errorf("%s, at another connection: %v", row.says, err)
		}
	}
}

// A test sign-in says what a sign-in would get that asks for a new one, as an idle hour does: an answer that is none is
// refused, unless the organisation need only know the person still.
func TestAnOldAnswerOfATestIsRefusedAsASignInWouldBe(t *testing.T) {
	a := Answer{Subject: "jan", AuthTime: time.Date(2026, 11, 30, 9, 30, 0, 0, time.UTC)}
	for _, row := range []struct {
		idle Idle
		old  bool
		want Reason
	}{
		{IdleFresh, false, ""}, {IdleFresh, true, StillOld}, {IdleBounce, false, ""}, {IdleBounce, true, ""},
	} {
		c := &Connection{Kind: OIDC, Key: KeyRule{By: BySubject}, Idle: row.idle}
		if _, err := c.EvaluateTest(a, row.old, a.AuthTime); ReasonOf(err) != row.want {
			t.Errorf("idle %q, old %t: %v, want %q", row.idle, row.old, err, row.want)
		}
		if _, err := c.EvaluateTest(Answer{}, row.old, a.AuthTime); ReasonOf(err) != KeyMissing {
			t.Errorf("idle %q, old %t, nobody: %v", row.idle, row.old, err)
		}
	}
}
