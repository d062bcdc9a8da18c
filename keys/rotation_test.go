package keys

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// merge is what storage does with the keys a step returns.
func merge(existing, changed []Key) []Key {
	for _, c := range changed {
		existing = slices.DeleteFunc(slices.Clone(existing), func(k Key) bool { return k.KID == c.KID })
		existing = append(existing, c)
	}
	return existing
}

func must(t *testing.T) func([]Key, error) []Key {
	return func(k []Key, err error) []Key {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
}

func TestEnsureMakesWhatIsMissing(t *testing.T) {
	s := newSealer(t, masterA)
	made := must(t)(Ensure(nil, "linde", algs, s, start))
	if len(made) != len(algs) {
		t.Fatalf("got %d keys, want %d", len(made), len(algs))
	}
	seen := map[string]bool{}
	for i, k := range made {
		if k.Alg != algs[i] || k.Platform != "linde" || !k.MadeAt.Equal(start) || !k.UseAt.Equal(start) || !k.RetireAt.IsZero() || !k.DropAt.IsZero() || seen[k.KID] {
			t.Errorf("got %+v", k)
		}
		seen[k.KID] = true
	}
	for name, c := range map[string]struct {
		platform platform.ID
		algs     []string
		want     int
	}{
		"nothing is missing":         {"linde", algs, 0},
		"another platform":           {"wilg", []string{"ES256"}, 1},
		"one algorithm, asked twice": {"wilg", []string{"EdDSA", "EdDSA"}, 1},
		"no algorithm":               {"wilg", nil, 0},
	} {
		if got := must(t)(Ensure(made, c.platform, c.algs, s, start.Add(time.Hour))); len(got) != c.want {
			t.Errorf("%s: got %d keys, want %d", name, len(got), c.want)
		}
	}
	if _, err := Ensure(nil, "linde", []string{"HS256"}, s, start); !errors.Is(err, fault.Invalid) {
		t.Errorf("HS256: got %v, want fault.Invalid", err)
	}
}

// The life of a key: who signs and who is listed at each moment around one rotation.
func TestRotationTimeline(t *testing.T) {
	s := newSealer(t, masterA)
	all := must(t)(Ensure(nil, "linde", []string{"ES256"}, s, start))
	first := all[0].KID
	rotated := start.Add(30 * 24 * time.Hour)
	changed := must(t)(Rotate(all, "linde", "ES256", s, rotated))
	if len(changed) != 2 || changed[0].KID != first {
		t.Fatalf("got %d keys, want the current one and the next", len(changed))
	}
	all = merge(all, changed)
	next := changed[1].KID
	ring, err := NewRing(all, s)
	if err != nil {
		t.Fatal(err)
	}
	switched := rotated.Add(24 * time.Hour)
	for _, c := range []struct {
		name   string
		at     time.Time
		signs  string
		listed []string
	}{
		{"just rotated: published, not used", rotated, first, []string{first, next}},
		{"a moment before the switch", switched.Add(-time.Millisecond), first, []string{first, next}},
		{"the switch", switched, next, []string{first, next}},
		{"the last token of the first key ends", switched.Add(5 * time.Minute), next, []string{first, next}},
		{"an old ID token as hint, a whole session later", switched.Add(24*time.Hour + 5*time.Minute - time.Millisecond), next, []string{first, next}},
		{"dropped", switched.Add(24*time.Hour + 5*time.Minute), next, []string{next}},
		{"a year later", switched.AddDate(1, 0, 0), next, []string{next}},
	} {
		if got := signedBy(t, ring, "ES256", "JWT", c.at); got != c.signs {
			t.Errorf("%s: %s signs, want %s", c.name, got, c.signs)
		}
		var listed []string
		for _, k := range ring.Verification("linde", c.at).Keys {
			listed = append(listed, k.KeyID)
		}
		if !slices.Equal(listed, c.listed) {
			t.Errorf("%s: %v listed, want %v", c.name, listed, c.listed)
		}
	}
}

func TestRotateTwiceIsRefused(t *testing.T) {
	s := newSealer(t, masterA)
	all := must(t)(Ensure(nil, "linde", []string{"EdDSA"}, s, start))
	if _, err := Rotate(all, "wilg", "EdDSA", s, start); !errors.Is(err, fault.NotFound) {
		t.Errorf("a platform without a key: got %v, want fault.NotFound", err)
	}
	all = merge(all, must(t)(Rotate(all, "linde", "EdDSA", s, start.Add(time.Hour))))
	if _, err := Rotate(all, "linde", "EdDSA", s, start.Add(2*time.Hour)); !errors.Is(err, fault.Refused) {
		t.Errorf("while the next key waits: got %v, want fault.Refused", err)
	}
	if again := must(t)(Rotate(all, "linde", "EdDSA", s, start.Add(25*time.Hour))); len(again) != 2 {
		t.Errorf("once it signs: got %d keys, want 2", len(again))
	}
}

// A key in other hands ends at once, and so does a successor that was published; the new one lives a whole life.
func TestReplacedKeysEndAtOnce(t *testing.T) {
	s := newSealer(t, masterA)
	all := must(t)(Ensure(nil, "linde", []string{"ES256", "RS256"}, s, start))
	all = merge(all, must(t)(Rotate(all, "linde", "ES256", s, start.Add(time.Hour))))
	theft := start.Add(2 * time.Hour)
	changed := must(t)(Replace(all, "linde", "ES256", s, theft))
	if len(changed) != 3 {
		t.Fatalf("%d keys changed, want the current one, its successor and the new one", len(changed))
	}
	all = merge(all, changed)
	next := changed[2].KID
	for _, at := range []time.Time{theft, theft.Add(time.Hour), theft.Add(24 * time.Hour), theft.Add(30 * 24 * time.Hour)} {
		ring, err := NewRing(all, s)
		if err != nil {
			t.Fatal(err)
		}
		var listed []string
		for _, k := range ring.Verification("linde", at).Keys {
			if k.Algorithm == "ES256" {
				listed = append(listed, k.KeyID)
			}
		}
		if got := signedBy(t, ring, "ES256", "JWT", at); got != next || !slices.Equal(listed, []string{next}) {
			t.Errorf("%s later: %s signs and %v are published, want %s alone", at.Sub(theft), got, listed, next)
		}
		due := must(t)(Due(all, "linde", s, at, 90*24*time.Hour))
		if len(due) != 0 {
			t.Errorf("%s later: rotation by age changes %+v", at.Sub(theft), due)
		}
	}
	all = merge(all, must(t)(Rotate(all, "linde", "ES256", s, theft.Add(time.Hour)))) // as planned again
	all = merge(all, must(t)(Replace(all, "linde", "ES256", s, theft.Add(2*time.Hour))))
	if _, err := Replace(all, "linde", "EdDSA", s, theft); !errors.Is(err, fault.NotFound) {
		t.Errorf("no such key: %v, want fault.NotFound", err)
	}
	events := Events(changed, "cli operator", theft)
	if len(events) != 3 || events[0].Kind != "key.retire" || events[0].Reason != Compromised || events[2].Kind != "key.make" || events[2].Reason != "ES256" || events[2].Platform != "linde" {
		t.Errorf("events %+v", events)
	}
}

func TestDueKeepsKeysForTheirAge(t *testing.T) {
	const maxAge = 90 * 24 * time.Hour
	s := newSealer(t, masterA)
	all := must(t)(Ensure(nil, "linde", []string{"ES256", "EdDSA"}, s, start))
	if got := must(t)(Due(all, "linde", s, start.Add(maxAge-publishFor-time.Millisecond), maxAge)); len(got) != 0 {
		t.Errorf("a moment too early: got %d changes", len(got))
	}
	if got := must(t)(Due(all, "wilg", s, start.Add(2*maxAge), maxAge)); len(got) != 0 {
		t.Errorf("another platform: got %d changes", len(got))
	}
	now := start.Add(maxAge - publishFor)
	changed := must(t)(Due(all, "linde", s, now, maxAge))
	if len(changed) != 4 {
		t.Fatalf("got %d changes, want both keys and both successors", len(changed))
	}
	for _, k := range changed {
		if at := start.Add(maxAge); !k.UseAt.Equal(at) && !k.RetireAt.Equal(at) {
			t.Errorf("%s: neither used nor retired at the age of 90 days: %+v", k.Alg, k)
		}
	}
	all = merge(all, changed)
	for _, later := range []time.Duration{0, time.Minute, publishFor, 2 * publishFor} {
		if got := must(t)(Due(all, "linde", s, now.Add(later), maxAge)); len(got) != 0 {
			t.Errorf("%s later: got %d changes, want none", later, len(got))
		}
	}
}

func TestDueEndsKeysMadeInTheSameMoment(t *testing.T) {
	s := newSealer(t, masterA)
	here := must(t)(Ensure(nil, "linde", []string{"ES256"}, s, start))
	there := must(t)(Ensure(nil, "linde", []string{"ES256"}, s, start.Add(time.Millisecond)))
	all := merge(here, there)
	changed := must(t)(Due(all, "linde", s, start.Add(time.Minute), 90*24*time.Hour))
	if len(changed) != 1 || changed[0].KID != here[0].KID || !changed[0].RetireAt.Equal(there[0].UseAt) || changed[0].DropAt.IsZero() {
		t.Fatalf("got %+v, want the older one to end", changed)
	}
	if got := must(t)(Due(merge(all, changed), "linde", s, start.Add(2*time.Minute), 90*24*time.Hour)); len(got) != 0 {
		t.Errorf("second look: got %d changes, want none", len(got))
	}
}

func TestFirstKeySignsOnANodeWhoseClockIsBehind(t *testing.T) {
	s := newSealer(t, masterA)
	all := must(t)(Ensure(nil, "linde", []string{"ES256"}, s, start))
	behind := start.Add(-time.Minute)
	ring, err := NewRing(all, s)
	if err != nil {
		t.Fatal(err)
	}
	if got := signedBy(t, ring, "ES256", "JWT", behind); got != all[0].KID {
		t.Errorf("%s signs, want %s", got, all[0].KID)
	}
	if again := must(t)(Ensure(all, "linde", []string{"ES256"}, s, behind)); len(again) != 0 {
		t.Errorf("got %d more keys, want none", len(again))
	}
}
