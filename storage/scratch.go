package storage

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"

	"github.com/minddistrict/idp/authn"
)

// scratch are the fields of a journey that are stored each as a slot with a name, as releases before stored them: a
// flag as "1", a text as it is, everything else as JSON. What steps keep is under the name of the step.
type scratch struct{ of *authn.Journey }

func (s scratch) slots() map[string]any {
	j := s.of
	return map[string]any{
		"retry": &j.Mistakes, "stop": &j.Stop, "remember": &j.Remember, "choose": &j.SetUpStarted, "method": &j.Method,
		"low": &j.LowCodes, "wish": (*string)(&j.OptIn), "ticket": &j.Link, "forgot": &j.ForgotMail, "sign-up": &j.SignUpMail, "typed": &j.SignUpForm, "own": &j.OwnBinding, "elsewhere": &j.Federation,
	}
}

// IsZero reports whether there is nothing to store.
func (s scratch) IsZero() bool {
	for _, field := range s.slots() {
		if !reflect.ValueOf(field).Elem().IsZero() {
			return false
		}
	}
	return len(s.of.StepData) == 0
}

func (s scratch) MarshalJSON() ([]byte, error) {
	stored := map[string][]byte{}
	maps.Copy(stored, s.of.StepData)
	for name, field := range s.slots() {
		if reflect.ValueOf(field).Elem().IsZero() {
			continue
		}
		switch field := field.(type) {
		case *bool:
			stored[name] = []byte("1")
		case *string:
			stored[name] = []byte(*field)
		default:
			text, err := json.Marshal(field)
			if err != nil {
				return nil, err
			}
			stored[name] = text
		}
	}
	return json.Marshal(stored)
}

func (s scratch) UnmarshalJSON(text []byte) error {
	var stored map[string][]byte
	if err := json.Unmarshal(text, &stored); err != nil {
		return err
	}
	slots := s.slots()
	for name, value := range stored {
		switch field := slots[name].(type) {
		case nil:
			s.of.Keep(name, value)
		case *bool:
			*field = len(value) > 0
		case *string:
			*field = string(value)
		default:
			if err := json.Unmarshal(value, field); err != nil {
				return fmt.Errorf("slot %s: %w", name, err)
			}
		}
	}
	return nil
}
