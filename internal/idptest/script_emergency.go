package idptest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// emergency names who keeps a password where passwords are closed.
func (s *script) emergency(rest string) error {
	ctx := s.t.Context()
	all, err := s.server.DB.Platforms(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(p platform.Platform) bool { return p.ID == "linde" })
	if i < 0 {
		return fmt.Errorf("no platform linde")
	}
	all[i].Policy.BreakGlass = strings.Fields(rest)
	if err := s.server.DB.Declare(ctx, storage.Setup{Platforms: all[i : i+1]}, s.server.Clock.Now()); err != nil {
		return err
	}
	return s.server.Refresh(ctx)
}
