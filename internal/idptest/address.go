package idptest

import (
	"fmt"
	"strings"

	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// setEmail gives somebody a new address that is to be confirmed.
func (s *script) setEmail(rest string) error {
	words := strings.Fields(rest)
	if len(words) != 2 {
		return fmt.Errorf("set-email OLD NEW")
	}
	return s.server.Tools().Acts().SetEmail(s.t.Context(), platform.ID("linde"), staff.ByAddress(words[0]), words[1], staff.Justification{Reason: staff.NewAddress})
}
