package admin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/staff"
)

// InvitePage invites somebody new. Fields: given_name, middle_name, family_name, email, role, language.
type InvitePage struct {
	Chrome
	Action    string
	ManyURL   string
	Given     string
	Middle    string
	Family    string
	Email     string
	Roles     []RoleChoice
	Languages []LanguageChoice
	Invited   Named // who was invited a moment ago; zero: nobody
	There     Named // whose the address is; zero: nobody's
	Limited   bool  // too many in an hour
}

// RoleChoice is a role that somebody may get.
type RoleChoice struct {
	Value  string
	Key    string // of its name
	Chosen bool
}

// LanguageChoice is a language of mails.
type LanguageChoice struct {
	Code, Name string
	Chosen     bool
}

// flawKeys are the texts of what is wrong with somebody new.
var flawKeys = map[staff.Flaw]string{
	staff.NoName: "staff.flaw_no_name", staff.OddName: "staff.flaw_odd_name", staff.FormulaLike: "staff.flaw_formula",
	staff.NoAddress: "staff.flaw_no_address", staff.BadAddress: "staff.flaw_bad_address", staff.UnknownRole: "staff.flaw_unknown_role",
	staff.HigherRole: "staff.flaw_higher_role", staff.SecondForRole: "staff.flaw_second_for_role",
	staff.UnknownLanguage: "staff.flaw_unknown_language", staff.BrokenRow: "staff.flaw_broken_row", staff.MoreCells: "staff.flaw_more_cells",
}

// invitePage is the form, as far as it was filled in.
func (s *Server) invitePage(v *Visit, n staff.Newcomer) InvitePage {
	page := InvitePage{
		Chrome: s.chrome(v), Action: v.Platform.URL(root + "/invite"), ManyURL: v.Platform.URL(root + "/invite/many"),
		Given: n.Given, Middle: n.Middle, Family: n.Family, Email: n.Address,
	}
	for _, role := range v.By.Givable(v.Now) {
		page.Roles = append(page.Roles, RoleChoice{string(role), roleKey(role), string(role) == n.Role})
	}
	for _, l := range login.Languages() {
		page.Languages = append(page.Languages, LanguageChoice{l.Code, l.Name, l.Code == n.Locale})
	}
	return page
}

// showInvite is the form, and who was invited a moment ago.
func (s *Server) showInvite(w http.ResponseWriter, r *http.Request, v *Visit) error {
	page := s.invitePage(v, staff.Newcomer{Locale: v.Platform.Locale})
	a, err := s.invitedNow(w, r, v)
	if err != nil {
		return err
	}
	if a != nil {
		page.Invited = Named{Name: cmp.Or(a.Profile.Name(), a.Email.Address), URL: personURL(v, a.ID)}
	}
	return s.show(w, r, v, "staff_invite", page)
}

// submitInvite invites somebody. Whose the address is already, staff may see: they may look everybody up.
func (s *Server) submitInvite(w http.ResponseWriter, r *http.Request, v *Visit) error {
	n := staff.Newcomer{
		Given: typed(v, "given_name"), Middle: typed(v, "middle_name"), Family: typed(v, "family_name"), Address: typed(v, "email"),
		Role: v.Form.Get("role"), Locale: v.Form.Get("language"),
	}
	chosen := n
	chosen.Role = cmp.Or(n.Role, unchosen)
	a, err := s.acts(v).Add(r.Context(), v.Platform.ID, chosen)
	if err == nil {
		web.KeepCookie(w, v.Platform.ID, web.NoticeCookie, invitedNote+string(a.ID), inviteNoteLife)
		return web.SeeOther(w, r, v.Platform.URL(root+"/invite"))
	}
	page := s.invitePage(v, n)
	flaws, wrong := errors.AsType[staff.Flaws](err)
	switch {
	case wrong:
		return s.show(w, r, v, "staff_invite", page, inviteMistakes(n, flaws)...)
	case errors.Is(err, fault.Taken):
		if page.There, err = s.whose(r.Context(), v, n.Address); err != nil {
			return err
		}
		return s.show(w, r, v, "staff_invite", page, authn.Mistake{Field: "email", Key: "staff.invite_there"})
	case errors.Is(err, fault.Throttled):
		page.Limited = true
		return s.show(w, r, v, "staff_invite", page)
	case errors.Is(err, fault.Refused): // no helper any more
		s.Engine.NotFound(w, r)
		return nil
	}
	return err
}

// unchosen is no role. In a file no role is a client; on the page of one person a role is chosen, because of a colleague
// who was invited as a client only a manager mends it.
const unchosen = "-"

// whose is who has an address.
func (s *Server) whose(ctx context.Context, v *Visit, address string) (Named, error) {
	email, err := account.ParseEmail(address)
	if err != nil {
		return Named{}, err
	}
	a, err := s.Store.AccountByEmail(ctx, v.Platform.ID, email.Key)
	if errors.Is(err, fault.NotFound) {
		return Named{}, nil // a moment ago there was
	}
	if err != nil {
		return Named{}, err
	}
	return Named{Name: cmp.Or(a.Profile.Name(), a.Email.Address), URL: personURL(v, a.ID)}, nil
}

// inviteMistakes puts each flaw beside its field.
func inviteMistakes(n staff.Newcomer, flaws staff.Flaws) (mistakes []authn.Mistake) {
	add := func(field string, flaw staff.Flaw) {
		if flaw != "" {
			mistakes = append(mistakes, authn.Mistake{Field: field, Key: flawKeys[flaw]})
		}
	}
	for _, flaw := range flaws {
		if flaw == staff.NoName {
			add("given_name", flaw)
		}
	}
	add("given_name", staff.NameFlaw(n.Given))
	add("middle_name", staff.NameFlaw(n.Middle))
	add("family_name", staff.NameFlaw(n.Family))
	add("email", staff.AddressFlaw(n.Address))
	for _, flaw := range flaws {
		switch flaw {
		case staff.UnknownRole:
			if n.Role == "" {
				mistakes = append(mistakes, authn.Mistake{Field: "role", Key: "staff.role_missing"})
				continue
			}
			add("role", flaw)
		case staff.HigherRole, staff.SecondForRole:
			add("role", flaw)
		case staff.UnknownLanguage:
			add("language", flaw)
		}
	}
	return mistakes
}

// typed is a field of a form without the blanks around it, cut where nobody types any more.
func typed(v *Visit, field string) string {
	text := strings.TrimSpace(v.Form.Get(field))
	return strings.ToValidUTF8(text[:min(len(text), longestTyped)], "")
}

const longestTyped = 1000 // bytes: more than any name or address that is taken

// The cookie that says who was invited a moment ago: in an address it could be said of anybody, and again and again.
const (
	invitedNote    = "invited."
	inviteNoteLife = time.Minute
)

// invitedNow is who was invited a moment ago, said once; nil: nobody.
func (s *Server) invitedNow(w http.ResponseWriter, r *http.Request, v *Visit) (*account.Account, error) {
	id, ours := strings.CutPrefix(web.Cookie(r, v.Platform.ID, web.NoticeCookie), invitedNote)
	if !ours {
		return nil, nil
	}
	web.DropCookie(w, v.Platform.ID, web.NoticeCookie)
	if !secret.IsID(id) {
		return nil, nil
	}
	a, err := s.Store.Account(r.Context(), v.Platform.ID, account.ID(id))
	if errors.Is(err, fault.NotFound) {
		return nil, nil
	}
	return a, err
}
