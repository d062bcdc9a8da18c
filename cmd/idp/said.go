package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/staff"
)

// justificationFlags are the flags for what an operator says with an act: words of its lists.
type justificationFlags struct {
	act                staff.Act
	reason, identified string
}

// sayWith gives a command the flags of an act.
func sayWith(c *cobra.Command, act staff.Act) *justificationFlags {
	s := &justificationFlags{act: act}
	for _, r := range staff.Rights() {
		if r.Act == act && r.Reason {
			c.Flags().StringVar(&s.reason, "reason", "", "why, kept in the audit record: "+wordsOf(act.Reasons()))
		}
		if r.Act == act && r.Identified {
			c.Flags().StringVar(&s.identified, "identified", "", "how you know that it is them, kept in the audit record: "+wordsOf(staff.Identifications()))
		}
	}
	return s
}

func wordsOf[W ~string](of []W) string {
	words := make([]string, len(of))
	for i, w := range of {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}

// words are what was said; a usageError lists those that there are.
func (s *justificationFlags) words() (staff.Justification, error) {
	w := staff.Justification{Reason: staff.Reason(s.reason), Identified: staff.Identified(s.identified)}
	if err := w.Check(s.act); err != nil {
		return w, usageError{fmt.Errorf("--%w", err)}
	}
	return w, nil
}
