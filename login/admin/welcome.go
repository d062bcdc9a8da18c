package admin

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/staff"
)

// WelcomePage says how far those are who were invited. do: again, to invite those again whose button works no more.
type WelcomePage struct {
	Chrome
	Action string
	States []Stage
	Listed bool // People are those of one state
	People []WelcomeRow
	Next   string // address of the next page; empty: this is the last
	Again  bool   // somebody's button works no more
	Most   int    // who are invited again at once
	Sent   int    // how many were just now; negative: nothing was asked
}

// Stage is how many are in a state.
type Stage struct {
	Key     string
	N       int
	URL     string
	Current bool
}

// WelcomeRow is one person, and what sends the mail again.
type WelcomeRow struct {
	Row
	Again string // address; empty: it cannot be, or not by who looks
}

// sentNotice leaves how many mails were queued for the next page.
const sentNotice = "staff.welcome_sent."

// showWelcome counts, and lists those of one state (testdata/journeys/staff_welcome.txt).
func (s *Server) showWelcome(w http.ResponseWriter, r *http.Request, v *Visit) error {
	q, asked := s.readSearch(r.URL.Query(), v)
	state := account.InviteState(q.Filter)
	counts, err := s.People.Invited(r.Context(), v.Platform.ID, v.Now)
	if err != nil {
		return err
	}
	page := WelcomePage{
		Chrome: s.chrome(v), Action: v.Platform.URL(welcome), Again: counts[account.InviteExpired] > 0, Most: staff.MostAgain,
		Sent: sent(w, r, v),
	}
	for _, of := range account.InviteStates {
		page.States = append(page.States, Stage{
			Key: inviteKey(of), N: counts[of], URL: s.addressAt(v, welcome, search{Filter: string(of)}), Current: asked && of == state,
		})
	}
	if !asked || !slices.Contains(account.InviteStates, state) {
		return s.show(w, r, v, "staff_welcome", page)
	}
	after, err := account.ParsePlace(q.After)
	if err != nil {
		return err
	}
	found, err := s.People.Search(r.Context(), account.Search{Platform: v.Platform.ID, Invite: state, After: after}, s.Sealer, v.reader(), v.Now)
	if err != nil {
		return err
	}
	page.Listed = true
	for _, f := range found.All {
		line := WelcomeRow{Row: row(v, f)}
		if f.State == account.Invited && v.mayDo(staff.ActInvite, staff.Subject{Account: f.ID, Role: f.Role, Platform: v.Platform.ID}) {
			line.Again = line.URL + "/resend"
		}
		page.People = append(page.People, line)
	}
	if !found.Next.IsZero() {
		page.Next = s.addressAt(v, welcome, search{Filter: q.Filter, After: found.Next.String()})
	}
	return s.show(w, r, v, "staff_welcome", page)
}

// submitWelcome invites those again whose button works no more: staff.MostAgain at most, each in a transaction of its
// own. Whoever may not be invited by the helper, or got too many mails, is left out.
func (s *Server) submitWelcome(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if v.Button() != "again" {
		return web.SeeOther(w, r, v.Platform.URL(welcome))
	}
	found, err := s.People.Search(r.Context(), account.Search{
		Platform: v.Platform.ID, Invite: account.InviteExpired, Limit: staff.MostAgain,
	}, s.Sealer, v.reader(), v.Now)
	if err != nil {
		return err
	}
	acts, n := s.acts(v), 0
	for _, f := range found.All {
		switch err := acts.InviteAgain(r.Context(), v.Platform.ID, staff.ByID(f.ID)); {
		case err == nil:
			n++
		case errors.Is(err, fault.Refused), errors.Is(err, fault.Throttled), errors.Is(err, fault.NotFound), errors.Is(err, fault.Stale):
		default:
			return err
		}
	}
	web.KeepCookie(w, v.Platform.ID, web.NoticeCookie, sentNotice+strconv.Itoa(n), noteLife)
	return web.SeeOther(w, r, v.Platform.URL(welcome))
}

// sent takes how many were invited again just now; -1: nothing was asked.
func sent(w http.ResponseWriter, r *http.Request, v *Visit) int {
	text, ours := strings.CutPrefix(web.Cookie(r, v.Platform.ID, web.NoticeCookie), sentNotice)
	if !ours {
		return -1
	}
	web.DropCookie(w, v.Platform.ID, web.NoticeCookie)
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > staff.MostAgain {
		return -1
	}
	return n
}

func inviteKey(s account.InviteState) string { return "staff.invite_is_" + underscored(string(s)) }
