package ui

import "strings"

// secretField is the field for a password, current or new, as its template sees it.
type secretField struct {
	*View
	Label, Autocomplete string
	Rules               *passwordRules // nil: of a current password
}

// passwordRules are what a page can check while somebody types.
type passwordRules struct{ Min, Special int }

// Secret is the field for the current password.
func (v *View) Secret(label, autocomplete string) secretField {
	return secretField{View: v, Label: label, Autocomplete: autocomplete}
}

// NewSecret is the field for a new password, with its rules.
func (v *View) NewSecret(label string, p PasswordPage) secretField {
	return secretField{View: v, Label: label, Autocomplete: "new-password", Rules: &passwordRules{p.Min, p.Special}}
}

// Mistake is what is wrong with it; nil: nothing.
func (f secretField) Mistake() *Mistake { return f.View.Mistake("password") }

// Described lists what describes the field to somebody who does not see it.
func (f secretField) Described() string {
	var ids []string
	if f.Rules != nil {
		ids = append(ids, "rules")
	}
	if f.Mistake() != nil {
		ids = append(ids, "password-mistake")
	}
	return strings.Join(ids, " ")
}
