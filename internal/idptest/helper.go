package idptest

import (
	"fmt"
	"strings"

	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// helper is what somebody of staff does, who signed in a moment ago with two steps: see the table of verbs.
func (s *script) helper(rest string) error {
	words := strings.Fields(rest)
	if len(words) < 3 {
		return fmt.Errorf("helper WHO VERB ADDRESS [WHAT]")
	}
	by, err := s.server.DB.AccountByEmail(s.t.Context(), "linde", words[0])
	if err != nil {
		return err
	}
	acts := s.server.Tools().Acts()
	acts.Actor = staff.Actor{Name: string(by.ID), Platform: "linde", Account: by.ID, FreshAt: acts.Now}
	do, ok := helping[words[1]]
	if !ok {
		return fmt.Errorf("no such verb of helpers: %s", words[1])
	}
	return do(s, acts, words[2], append(words[3:], "")[0])
}

// helping are the verbs of helpers. What is wanted with an act is the first word of its list.
var helping = map[string]func(s *script, acts *staff.Acts, whom, what string) error{
	"resets": func(s *script, acts *staff.Acts, whom, _ string) error {
		return acts.ResetTwoStep(s.t.Context(), "linde", staff.ByAddress(whom), staff.Justification{Reason: staff.LostPhone, Identified: staff.CalledBack})
	},
	"asks-reset": func(s *script, acts *staff.Acts, whom, _ string) error {
		_, err := acts.AskReset(s.t.Context(), "linde", staff.ByAddress(whom), staff.Justification{Reason: staff.LostPhone, Identified: staff.CalledBack})
		return err
	},
	"asks-address": func(s *script, acts *staff.Acts, whom, what string) error {
		_, err := acts.AskAddress(s.t.Context(), "linde", staff.ByAddress(whom), what, staff.Justification{Reason: staff.Mistyped})
		return err
	},
	"asks-role": func(s *script, acts *staff.Acts, whom, what string) error {
		_, err := acts.AskRole(s.t.Context(), "linde", staff.ByAddress(whom), platform.Role(what), staff.Justification{Reason: staff.NewTask})
		return err
	},
	"gives-role": func(s *script, acts *staff.Acts, whom, what string) error {
		return acts.SetRole(s.t.Context(), "linde", staff.ByAddress(whom), platform.Role(what), staff.Justification{Reason: staff.NewTask})
	},
	"agrees": func(s *script, acts *staff.Acts, whom, _ string) error {
		id, err := s.waiting(acts, whom)
		if err != nil {
			return err
		}
		return acts.Confirm(s.t.Context(), "linde", id)
	},
	"withdraws": func(s *script, acts *staff.Acts, whom, _ string) error {
		id, err := s.waiting(acts, whom)
		if err != nil {
			return err
		}
		return acts.Withdraw(s.t.Context(), "linde", id)
	},
}

// waiting is the one act that waits for an account.
func (s *script) waiting(acts *staff.Acts, whom string) (string, error) {
	a, err := s.server.DB.AccountByEmail(s.t.Context(), "linde", whom)
	if err != nil {
		return "", err
	}
	all, err := acts.PendingOf(s.t.Context(), "linde", a.ID)
	if err != nil || len(all) != 1 {
		return "", fmt.Errorf("%d acts wait for %s: %w", len(all), whom, err)
	}
	return all[0].ID, nil
}

// waits compares how many acts wait for an account.
func (s *script) waits(rest string) error {
	address, options := fields(rest)
	a, err := s.server.DB.AccountByEmail(s.t.Context(), "linde", address)
	if err != nil {
		return err
	}
	all, err := s.server.DB.PendingActs(s.t.Context(), "linde", a.ID, 10)
	if got := fmt.Sprint(len(all)); err == nil && got != options["acts"] {
		err = fmt.Errorf("%s acts wait for %s, want %s", got, address, options["acts"])
	}
	return err
}

// due does what has waited long enough, as every node does.
func (s *script) due(string) error {
	_, err := s.server.Tools().Acts().CarryOut(s.t.Context())
	return err
}
