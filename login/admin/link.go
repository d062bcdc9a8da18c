package admin

import (
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/staff"
)

// Link is an account at an organisation with which somebody logs in, and what removes the link.
type Link struct {
	Names      map[string]string // of the organisation, by language; nil: its connection is gone
	Connection string
	Label      string // who the person is there
	AddedAt    time.Time
	MadeBy     string    // text key; empty: it is not on record
	UsedAt     time.Time // zero: never, or it is not on record
	URL        string    // empty: not for who looks
}

// linksOf are the links of somebody that count.
func linksOf(a *account.Account) (all []account.Credential) {
	for _, c := range a.Credentials {
		if c.Method == federation.Method && c.Usable() {
			all = append(all, c)
		}
	}
	return all
}

func (s *Server) link(a *account.Account, c account.Credential) *Link {
	id := federation.ConnectionOf(c.External)
	l := &Link{Connection: string(id), Label: c.Label, AddedAt: c.AddedAt}
	for _, at := range s.Connections(a.Platform) {
		if at.ID == id {
			l.Names = at.Names
		}
	}
	return l
}

// links are those of somebody, as the helper may remove them.
func (s *Server) links(v *Visit, card *staff.Card) (all []Link) {
	a := &card.Account
	may := v.mayDo(staff.ActRemoveLink, subject(a))
	for _, c := range linksOf(a) {
		l := s.link(a, c)
		for _, known := range card.Links {
			if known.Credential == c.ID {
				l.MadeBy, l.UsedAt = madeKey(known.MadeBy, a.ID), known.UsedAt
			}
		}
		if may {
			l.URL = personURL(v, a.ID) + "/" + removeLink + "/" + string(c.ID)
		}
		all = append(all, *l)
	}
	return all
}

// madeKey is the text key of who made a link of somebody, as the record names an actor; empty: it does not, or it is
// nobody who makes links today.
func madeKey(by string, whose account.ID) string {
	switch {
	case by == string(whose):
		return "staff.link_made_own"
	case operator(by):
		return "staff.link_made_operator"
	}
	return ""
}
