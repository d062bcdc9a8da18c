package idptest

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// Shown is a page that a script came by.
type Shown struct {
	Purpose authn.Purpose // of the journey, as it was asked for; empty: the page is of no journey
	Channel authn.Channel
	Page    string // the step of a journey, or the beginning of the path of any other page
}

// note notes the page that the browser shows, if it is one of ours and no error. Of a path only the words count that
// are the same whoever it is.
func (s *script) note() error {
	if s.b.URL == nil || s.b.Status != http.StatusOK {
		return nil
	}
	for name := range s.heads {
		below, ours := strings.CutPrefix(s.b.URL.Scheme+"://"+s.b.URL.Host+s.b.URL.Path, issuerOf(name)+"/")
		if !ours {
			continue
		}
		words := append(strings.Split(below, "/"), "", "")
		if words[0] != "login" || words[1] == "" {
			if slices.Contains([]string{"settings", "staff"}, words[0]) && words[1] != "" {
				words[0] += "/" + words[1]
			}
			s.looked.pages[Shown{Page: "/" + words[0]}] = true
			return nil
		}
		j, err := s.server.DB.Journey(s.t.Context(), platform.ID(name), words[1])
		if errors.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		s.looked.pages[Shown{j.Ask.Purpose, j.Ask.Channel, words[2]}] = true
		return nil
	}
	return nil
}
