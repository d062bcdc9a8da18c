package federation_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
)

var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// level is a way of judging an answer: ours, or one with a mistake that a test must notice.
type level func(federation.Contract, federation.Answer) (authn.Kinds, []string)

func ours(c federation.Contract, a federation.Answer) (authn.Kinds, []string) {
	return c.Level(a, noon)
}

// folded, split and generous are how it goes wrong elsewhere.
func folded(c federation.Contract, a federation.Answer) (authn.Kinds, []string) {
	lower := federation.Answer{AuthTime: a.AuthTime, Context: a.Context, Claims: map[string]any{}}
	for name, value := range a.Claims {
		switch v := value.(type) {
		case string:
			value = strings.ToLower(v)
		case []any:
			v = slices.Clone(v)
			for i := range v {
				if s, ok := v[i].(string); ok {
					v[i] = strings.ToLower(s)
				}
			}
			value = v
		}
		lower.Claims[name] = value
	}
	return c.Level(lower, noon)
}

func split(c federation.Contract, a federation.Answer) (authn.Kinds, []string) {
	apart := federation.Answer{AuthTime: a.AuthTime, Context: a.Context, Claims: map[string]any{}}
	for name, value := range a.Claims {
		var all []any
		switch v := value.(type) {
		case string:
			if name == "amr" {
				for _, word := range strings.Fields(v) {
					all = append(all, word)
				}
				value = all
			}
		case []any:
			for _, item := range v {
				if s, ok := item.(string); ok {
					for _, word := range strings.Fields(s) {
						all = append(all, word)
					}
				}
			}
			value = all
		}
		apart.Claims[name] = value
	}
	return c.Level(apart, noon)
}

func generous(c federation.Contract, a federation.Answer) (authn.Kinds, []string) {
	c.Counts = true
	return c.Level(a, noon)
}

func timeless(c federation.Contract, a federation.Answer) (authn.Kinds, []string) {
	c.MaxAge = 0
	return c.Level(a, noon)
}

// telling says in `amr` what it does not count.
func telling(c federation.Contract, a federation.Answer) (authn.Kinds, []string) {
	kinds, _ := c.Level(a, noon)
	_, amr := generous(c, a)
	return kinds, amr
}

// above is the number of answers, of all that there are, that count for something else than was agreed; where stop is not negative, up to so many.
func above(judge level, stop int) (wrong, all int, first string) {
	amrs := []any{
		nil, "mfa", "pwd mfa", "pwd", 7, true, []any{}, []any{"mfa"}, []any{"pwd"}, []any{"pwd", "mfa"}, []any{"pwd mfa"}, []any{"MFA"}, []any{"Mfa", "pwd"}, []any{" mfa"},
		[]any{"mfa", 7}, []any{[]any{"mfa"}}, []any{"mfa2"}, []any{"fpt"}, map[string]any{"mfa": true},
	}
	acrs := []any{nil, "two", "TWO", "one", "two ", "two one", "three", []any{"two"}, 2}
	contexts := [][]string{nil, {"urn:two"}, {"urn:TWO"}}
	ages := []time.Time{{}, noon.Add(-30 * time.Minute), noon.Add(-90 * time.Minute)}
	rows := []federation.ContractRow{
		{Claim: federation.ByAMR, Value: "mfa", ACR: authn.TwoFactor, AMR: []string{"otp"}}, {Claim: federation.ByAMR, Value: "pwd", ACR: authn.OneFactor, AMR: []string{"pwd"}},
		{Claim: federation.ByACR, Value: "two", ACR: authn.TwoFactor}, {Claim: federation.ByACR, Value: "one", ACR: authn.OneFactor},
		{Claim: federation.ByContext, Value: "urn:two", ACR: authn.TwoFactor}, {Claim: federation.ByContext, Value: "urn:one", ACR: authn.OneFactor, AMR: []string{"user"}},
	}
	for set := range 1 << len(rows) {
		for _, counts := range []bool{false, true} {
			for _, most := range []time.Duration{0, time.Hour} {
				c := federation.Contract{Counts: counts, MaxAge: most}
				for i, row := range rows {
					if set&(1<<i) != 0 {
						c.Rows = append(c.Rows, row)
					}
				}
				for _, amr := range amrs {
					for _, acr := range acrs {
						for _, context := range contexts {
							for _, at := range ages {
								all++
								a := federation.Answer{AuthTime: at, Context: context, Claims: map[string]any{}}
								if amr != nil {
									a.Claims["amr"] = amr
								}
								if acr != nil {
									a.Claims["acr"] = acr
								}
								kinds, said := judge(c, a)
								wantKinds, want := agreed(c, a)
								if kinds != wantKinds || !slices.Equal(said, want) {
									if wrong++; first == "" {
										first = strings.Join(said, " ") + ", agreed " + strings.Join(want, " ")
									}
									if wrong == stop {
										return wrong, all, first
									}
								}
							}
						}
					}
				}
			}
		}
	}
	return wrong, all, first
}

// agreed is the model, written apart: a value counts that stands in the answer letter by letter, in the type that the
// specification of the claim says.
func agreed(c federation.Contract, a federation.Answer) (authn.Kinds, []string) {
	has := func(row federation.ContractRow) bool {
		switch row.Claim {
		case federation.ByContext:
			return slices.Contains(a.Context, row.Value)
		case federation.ByACR:
			return a.Claims["acr"] == any(row.Value)
		}
		list, ok := a.Claims["amr"].([]any)
		if !ok {
			return false
		}
		there := false
		for _, item := range list {
			s, text := item.(string)
			if !text {
				return false
			}
			there = there || s == row.Value
		}
		return there
	}
	kinds, amr := authn.Knows, []string(nil)
	for _, row := range c.Rows {
		if !has(row) {
			continue
		}
		old := c.MaxAge > 0 && (a.AuthTime.IsZero() || noon.Sub(a.AuthTime) > c.MaxAge)
		counted := row.ACR != authn.TwoFactor || c.Counts && !old
		if counted {
			amr = append(amr, row.AMR...)
		}
		if counted && row.ACR == authn.TwoFactor {
			kinds |= authn.Has
		}
	}
	slices.Sort(amr)
	return kinds, amr
}

func TestAnAnswerNeverCountsForMoreThanWasAgreed(t *testing.T) {
	if wrong, all, first := above(ours, -1); wrong > 0 {
		t.Errorf("%d of %d answers: %s", wrong, all, first)
	}
	for says, judge := range map[string]level{
		"letters of any case": folded, "texts are lists": split, "it counts whatever was agreed": generous, "it counts for ever": timeless,
		"it says what it does not count": telling,
	} {
		if wrong, all, _ := above(judge, 1); wrong == 0 {
			t.Errorf("%s: none of %d answers notices", says, all)
		}
	}
}
