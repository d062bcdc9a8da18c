package password

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/internal/argon2"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/keys"
)

var cheap = Params{Memory: 64, Passes: 1, Threads: 1}

func TestHashHoldsItsParameters(t *testing.T) {
	phc := hash(new(argon2.Memory), "zeven paarse regenjassen drogen!", cheap)
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=64,t=1,p=1$") || phc == hash(new(argon2.Memory), "zeven paarse regenjassen drogen!", cheap) {
		t.Errorf("%q, and every hash has its own salt", phc)
	}
	for password, want := range map[string]bool{
		"zeven paarse regenjassen drogen!": true, "zeven paarse regenjassen drogen": false, "": false, "Zeven paarse regenjassen drogen!": false,
	} {
		if ok, err := verify(new(argon2.Memory), password, phc); err != nil || ok != want {
			t.Errorf("%q: %t %v", password, ok, err)
		}
	}
}

func TestSameLettersInAnotherUnicodeFormMatch(t *testing.T) {
	phc := hash(new(argon2.Memory), "caf\u00e9 met taart!", cheap)
	if ok, err := verify(new(argon2.Memory), "cafe\u0301 met taart!", phc); !ok || err != nil {
		t.Errorf("decomposed form refused: %v", err)
	}
}

// Okta, October 2024: bcrypt looks at 72 bytes only.
func TestLongPasswordsAreComparedWhole(t *testing.T) {
	long := strings.Repeat("a", 200)
	phc := hash(new(argon2.Memory), long+"b", cheap)
	if ok, _ := verify(new(argon2.Memory), long+"c", phc); ok {
		t.Error("passwords that differ at the 201st character match")
	}
}

// A zero byte ends nothing, and neither do bytes that are no text.
func TestEveryByteCounts(t *testing.T) {
	for _, password := range []string{"kapper\x00lantaarn", "\x00", "kapper\xff", "\u202ekapper", "\U0001F418"} {
		phc := hash(new(argon2.Memory), password, cheap)
		for _, other := range []string{password + "\x00", strings.TrimSuffix(password, "lantaarn"), "kapper", "kapper\x00", "kapper\xfe", ""} {
			if ok, err := verify(new(argon2.Memory), other, phc); ok != (other == password) || err != nil {
				t.Errorf("%q for %q: %t %v", other, password, ok, err)
			}
		}
	}
}

// The counter of a credential rises with each new hash: storage then refuses the second of two changes that saw the same one.
func TestNewHashRaisesTheCounter(t *testing.T) {
	sealer, err := keys.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Sealer: sealer, Pool: NewPool(1, 1, cheap)}
	now := time.Unix(1_800_000_000, 0)
	c, err := New(t.Context(), o, "anna", "one", now)
	if err != nil || c.Counter != 0 {
		t.Fatalf("%+v %v", c, err)
	}
	next, err := o.set(t.Context(), &account.Account{ID: "anna", Credentials: []account.Credential{c}}, "two", now.Add(time.Hour))
	if err != nil || next.ID != c.ID || next.Counter != 1 || !next.AddedAt.Equal(now.Add(time.Hour)) {
		t.Errorf("%+v %v", next, err)
	}
	for password, want := range map[string]bool{"one": false, "two": true} {
		if ok, err := Matches(t.Context(), o, next, password); ok != want || err != nil {
			t.Errorf("%s: %t %v", password, ok, err)
		}
	}
	if put, err := o.upgraded(t.Context(), next, "two"); put != nil || err != nil {
		t.Errorf("a hash of today is replaced: %v %v", put, err)
	}
	o.Pool.params.Passes++
	put, err := o.upgraded(t.Context(), next, "two")
	if err != nil || len(put) != 1 || put[0].Counter != 2 || put[0].ID != c.ID || !put[0].AddedAt.Equal(next.AddedAt) {
		t.Errorf("%+v %v", put, err)
	}
	o.Pool.queue = -1 // full
	if put, err := o.upgraded(t.Context(), next, "two"); put != nil || err != nil {
		t.Errorf("a full pool spoils a sign-in: %v %v", put, err)
	}
}

func TestForeignHashIsRefused(t *testing.T) {
	good := hash(new(argon2.Memory), "x", cheap)
	for _, bad := range []string{
		"", "x", "$2a$10$abc", strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=18", 1),
		strings.Replace(good, "m=64", "m=999999999", 1), strings.Replace(good, "t=1", "t=0", 1), strings.Replace(good, "p=1", "p=0", 1),
		good[:len(good)-40], good + "$",
	} {
		if _, err := verify(new(argon2.Memory), "x", bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(hash(new(argon2.Memory), "x", cheap))
	f.Add("$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(_ *testing.T, phc string) { _, _, _, _ = parse(phc) }) // must not panic
}

// An unknown account costs the same hash as a known one: a hash that is skipped tells that there is none
// (CVE-2025-54999).
func TestUnknownAddressCostsTheSameHash(t *testing.T) {
	p := NewPool(1, 1, cheap)
	if ok, err := p.Verify(t.Context(), "nobody has this password", ""); ok || err != nil {
		t.Errorf("an empty hash matches its stand-in: %t %v", ok, err)
	}
	if n := p.Hashed(); n != 1 {
		t.Errorf("%d hashes", n)
	}
	params, _, _, err := parse(p.dummy)
	if err != nil || params != cheap {
		t.Errorf("the stand-in costs %+v: %v", params, err)
	}
}

func TestPoolIsBounded(t *testing.T) {
	p := NewPool(1, 1, cheap)
	in := <-p.slots // the one worker is busy
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if _, err := p.Hash(ctx, "x"); !errors.Is(err, fault.Unavailable) {
			t.Errorf("a caller that left: %v", err)
		}
	})
	for p.Waiting() < 1 { // until it is in the queue
	}
	p.taken.Add(1) // the busy worker's own
	if _, err := p.Hash(t.Context(), "x"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("queue full: %v", err)
	}
	cancel()
	waiting.Wait()
	p.slots <- in
	p.taken.Add(-1)
	if phc, err := p.Hash(t.Context(), "x"); err != nil || phc == "" {
		t.Errorf("afterwards: %v", err)
	}
}

func BenchmarkVerify(b *testing.B) {
	p := NewPool(1, 1, DefaultParams)
	for b.Loop() {
		if _, err := p.Verify(b.Context(), "wrong", ""); err != nil {
			b.Fatal(err)
		}
	}
}
