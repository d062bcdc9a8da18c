package ui

// Samples are the states of the page for a new password.
func (PasswordPage) Samples() []Sample {
	page := func(kind string) PasswordPage {
		return PasswordPage{Action: sampleAction, Kind: kind, Email: sampleEmail, Min: 12, Special: 1}
	}
	mistake := func(name string) []FieldError {
		return []FieldError{{Field: "password", Key: "password.error_" + name, Args: []any{"n", 12, "max", 256}}}
	}
	change := page(PasswordChange)
	change.Cancel, change.Step, change.Steps = true, 3, 3
	strict := page(PasswordWelcome)
	strict.Min, strict.Special = 16, 2
	plain := page(PasswordReset)
	plain.Special = 0
	return []Sample{
		{Name: "welcome", Data: page(PasswordWelcome)},
		{Name: "sign-up", Data: page(PasswordSignUp)},
		{Name: "reset", Data: page(PasswordReset)},
		{Name: "change", Data: change},
		{Name: "change, staff", Data: change, Staff: true},
		{Name: "stricter", Data: strict, Errors: []FieldError{{Field: "password", Key: "password.error_special", Args: []any{"n", 2, "max", 256}}}},
		{Name: "length only", Data: plain},
		{Name: "nothing typed", Data: page(PasswordWelcome), Errors: mistake("empty")},
		{Name: "short", Data: page(PasswordWelcome), Errors: mistake("short")},
		{Name: "long", Data: page(PasswordReset), Errors: mistake("long")},
		{Name: "no special character", Data: page(PasswordSignUp), Errors: []FieldError{{Field: "password", Key: "password.error_special", Args: []any{"n", 1, "max", 256}}}},
		{Name: "easy to guess", Data: page(PasswordReset), Errors: mistake("guess")},
		{Name: "known", Data: page(PasswordReset), Errors: mistake("leaked")},
		{Name: "the old one", Data: change, Errors: mistake("same")},
	}
}
