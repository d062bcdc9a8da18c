package idptest

import (
	"fmt"
	"strings"

	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/platform"
)

// setEmail gives somebody a new address that is to be confirmed.
func (s *script) setEmail(rest string) error {
	words := strings.Fields(rest)
	if len(words) != 2 {
		return fmt.Errorf("set-email OLD NEW")
	}
	return setup.SetEmail(s.t.Context(), s.server.Tools(), platform.ID("linde"), words[0], words[1])
}
