package admin

import (
	"net/http"
	"slices"
	"strings"

	"github.com/minddistrict/idp/authn"
)

// Chrome is what all these pages have around what they show.
type Chrome struct {
	Menu    []MenuLine
	Notice  string // text key of what was just done; empty: nothing
	HomeURL string
}

// Warns reports whether what is said is that something was not done.
func (c Chrome) Warns() bool { return slices.Contains(warnings, c.Notice) }

// MenuLine leads to one of the pages.
type MenuLine struct {
	Key     string // of its text
	URL     string
	Current bool // the page is this one, or below it
}

// chrome is that of a page, for who is at it.
func (s *Server) chrome(v *Visit) Chrome {
	c := Chrome{HomeURL: v.Platform.HomeURL}
	for _, page := range s.all {
		if page.Menu != "" && v.By.HasRight(page.Right) && (page.Where == nil || page.Where(v)) {
			c.Menu = append(c.Menu, MenuLine{
				Key: page.Menu, URL: v.Platform.URL(page.Path),
				Current: below(v.Page.Path, page.Path),
			})
		}
	}
	c.Menu = append(c.Menu, MenuLine{Key: ownKey, URL: v.Platform.URL(ownPath)})
	return c
}

// below reports whether a page is that of a line of the menu, or one that is come to from there.
func below(page, line string) bool {
	if line == root {
		line = people
		if page == root || page == peopleExport {
			return true
		}
	}
	return page == line || strings.HasPrefix(page, line+"/")
}

// The account of who is at the pages is changed, and left, at the settings of everybody.
const (
	ownKey  = "staff.own"
	ownPath = "/settings"
)

// show writes a page of these in the language of who is at it.
func (s *Server) show(w http.ResponseWriter, r *http.Request, v *Visit, page string, data any, mistakes ...authn.Mistake) error {
	status := http.StatusOK
	if len(mistakes) > 0 {
		status = http.StatusUnprocessableEntity
	}
	look := v.Look(mistakes)
	look.Fixed = r.Method == http.MethodPost
	return s.Engine.ShowPage(w, r, status, page, data, look)
}
