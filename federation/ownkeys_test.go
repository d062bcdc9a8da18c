package federation

import (
	"errors"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/fault"
)

// A key is taken over in steps: beside the other, in front of it, alone.
func TestOwnKeysTakeTurns(t *testing.T) {
	k := OwnKeys{Keys: []OwnKey{{Private: []byte("a")}}}
	order := func() (s string) {
		for _, key := range k.Keys {
			s += string(key.Private)
		}
		return s
	}
	add := func() error { return k.Add(OwnKey{Private: []byte("b")}) }
	for _, step := range []struct {
		do      func() error
		refused bool
		want    string
	}{
		{k.Promote, true, "a"}, {k.Remove, true, "a"}, {add, false, "ab"}, {add, true, "ab"}, {k.Promote, false, "ba"}, {k.Remove, false, "b"},
	} {
		if err := step.do(); errors.Is(err, fault.Refused) != step.refused || order() != step.want {
			t.Errorf("%s, %v; want %s", order(), err, step.want)
		}
	}
}

// What a file says of a key is what the answer of that person brings, or it is refused.
func TestWrittenKeyIsTheOneOfAnAnswer(t *testing.T) {
	for _, c := range []struct {
		by         KeyBy
		says, want string
	}{
		{ByEntra, " T1/O1 ", "t1/o1"}, {ByEntra, "t1", ""}, {ByEntra, "/o1", ""}, {ByEntra, "t1/", ""}, {ByEntra, "a/b/c", ""},
		{ByNameID, "https://idp.example!Ab", "https://idp.example!Ab"}, {ByNameID, "!Ab", "!Ab"}, {ByNameID, "Ab", ""}, {ByNameID, "!", ""},
		{ByNameID, "!s00000000:123456789", ""}, {BySubject, " Ab ", "Ab"}, {BySubject, "  ", ""}, {BySubject, strings.Repeat("x", 256), ""},
		{ByAttribute, "12", "12"},
	} {
		got, err := KeyRule{By: c.by}.Written(c.says)
		if got != c.want || errors.Is(err, fault.Invalid) != (c.want == "") {
			t.Errorf("%s %q: %q, %v; want %q", c.by, c.says, got, err, c.want)
		}
	}
	of := map[KeyBy]Answer{
		ByEntra: {Claims: map[string]any{"tid": "T", "oid": "O"}}, ByNameID: {Subject: "Ab", Qualifier: "q", Format: persistent}, BySubject: {Subject: "Ab"},
	}
	for by, a := range of {
		key, err := KeyRule{By: by}.Of(a)
		if written, wrong := (KeyRule{By: by}).Written(key); errors.Join(err, wrong) != nil || written != key {
			t.Errorf("%s: %q is written %q, %v, %v", by, key, written, err, wrong)
		}
	}
}

// The proof of a domain is of one platform, connection and domain.
func TestProofIsOfOneDomainOfOneConnection(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []*Connection{{Platform: "a", ID: "b"}, {Platform: "a", ID: "c"}, {Platform: "b", ID: "b"}} {
		for _, domain := range []string{"x.nl", "y.nl"} {
			if of := c.ProofOf(domain); seen[of] {
				t.Errorf("%q is of two", of)
			} else {
				seen[of] = true
			}
		}
	}
	if got := ProofValue([]byte("0123456789abcdefgh")); got != "p=MDEyMzQ1Njc4OWFiY2RlZg" {
		t.Errorf("the record says %q", got)
	}
}
