package authn_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest/filled"
)

// eachField runs a test for every field of Change, with a change that has that field alone.
func eachField(t *testing.T, test func(t *testing.T, name string, alone authn.Change)) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[authn.Change]()) {
		t.Run(f.Name, func(t *testing.T) {
			var c authn.Change
			filled.Fill(reflect.ValueOf(&c).Elem().FieldByIndex(f.Index))
			test(t, f.Name, c)
		})
	}
}

func TestTwoChangesTogetherLoseNothing(t *testing.T) {
	eachField(t, func(t *testing.T, name string, alone authn.Change) {
		for _, pair := range [][2]authn.Change{{alone, {}}, {{}, alone}} {
			got, err := pair[0].And(pair[1])
			if err != nil || !reflect.DeepEqual(got, alone) {
				t.Errorf("got %+v, %v, want %+v", got, err, alone)
			}
		}
	})
}

// Two changes of one account are one, where each changes something else of it; no field is lost.
func TestTwoChangesOfOneAccountAreOne(t *testing.T) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[authn.AccountChange]()) {
		if f.Name == "ID" {
			continue
		}
		of := func() *authn.AccountChange {
			a := &authn.AccountChange{ID: "anna"}
			filled.Fill(reflect.ValueOf(a).Elem().FieldByIndex(f.Index))
			return a
		}
		alone, none := of(), &authn.AccountChange{ID: "anna"}
		for _, pair := range [][2]*authn.AccountChange{{alone, none}, {none, alone}} {
			got, err := authn.Change{Account: pair[0]}.And(authn.Change{Account: pair[1]})
			if err != nil || !reflect.DeepEqual(got.Account, alone) {
				t.Errorf("%s: got %+v, %v, want %+v", f.Name, got.Account, err, alone)
			}
		}
		_, err := authn.Change{Account: alone}.And(authn.Change{Account: of()})
		if twice := f.Type.Kind() == reflect.Pointer; errors.Is(err, fault.Invalid) != twice {
			t.Errorf("%s twice: %v", f.Name, err)
		}
	}
	_, err := authn.Change{Account: &authn.AccountChange{ID: "anna"}}.And(authn.Change{Account: &authn.AccountChange{ID: "mia"}})
	if !errors.Is(err, fault.Invalid) {
		t.Errorf("two accounts: %v", err)
	}
}

// What both have is either in the sum twice, or refused, or the same name.
func TestTwoChangesOfOneThingAreRefused(t *testing.T) {
	same := []string{"Platform", "Answered"}
	eachField(t, func(t *testing.T, name string, alone authn.Change) {
		var second authn.Change
		other := reflect.ValueOf(&second).Elem().FieldByName(name)
		filled.Fill(other)
		got, err := alone.And(second)
		sum := reflect.ValueOf(got).FieldByName(name)
		switch {
		case other.Kind() == reflect.Slice:
			if err != nil || sum.Len() != 2 {
				t.Errorf("got %v, %v, want two", sum, err)
			}
		case slices.Contains(same, name):
			if err != nil || !sum.Equal(other) {
				t.Errorf("got %v, %v, want %v", sum, err, other)
			}
			other.SetString("another")
			if _, err := alone.And(second); !errors.Is(err, fault.Invalid) {
				t.Errorf("got %v, want %v", err, fault.Invalid)
			}
		default:
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("got %v, %v, want %v", sum, err, fault.Invalid)
			}
		}
	})
}

// No part of a change is silently nothing, and whoever it names is named by its part.
func TestEveryFieldOfAChangeIsAPart(t *testing.T) {
	nobodysRow := []string{"Journey", "Add", "Messages", "Events"} // they name an account whose row they do not need
	eachField(t, func(t *testing.T, name string, alone authn.Change) {
		parts := alone.Parts()
		if len(parts) != 1 {
			t.Fatalf("got %d parts, want 1", len(parts))
		}
		field := reflect.ValueOf(alone).FieldByName(name)
		if names := filled.Holds(field, reflect.TypeFor[account.ID]()) && !slices.Contains(nobodysRow, name); names != (parts[0].Account != "") {
			t.Errorf("part of account %q, want one: %v", parts[0].Account, names)
		}
	})
}

// What is saved for a person is given to an active account only; all else is done to it whatever its state. A new field
// stands on one of the two sides.
func TestWhatIsSavedForAPersonIsGiven(t *testing.T) {
	given := []string{"Start", "Raise", "Consent", "Put", "Remember", "Rotate"}
	done := []string{
		"Journey", "Spend", "Void", "Issue", "Add", "Account", "Retire", "Cut", "End", "Forget", "Forgive", "Fresh", "Uncount",
		"Count", "Messages", "Events", "Platform", "Answered", "Taken",
	}
	eachField(t, func(t *testing.T, name string, alone authn.Change) {
		if slices.Contains(given, name) == slices.Contains(done, name) {
			t.Fatal("it stands on neither side, or on both")
		}
		for _, part := range alone.Parts() {
			if want := slices.Contains(given, name); part.Given != want {
				t.Errorf("given: %t, want %t", part.Given, want)
			}
		}
	})
}

// TestAPersonRetiresWhileActive: a credential that somebody removes in a journey is removed only while the account is active.
func TestAPersonRetiresWhileActive(t *testing.T) {
	j := &authn.Journey{Platform: "linde", Progress: authn.Progress{Account: "anna"}}
	c := authn.Change{Journey: j, Retire: []account.CredentialID{"code"}}
	if want := (authn.Part{Account: "anna", Given: true}); !slices.Contains(c.Parts(), want) {
		t.Errorf("parts %+v, want %+v among them", c.Parts(), want)
	}
}
