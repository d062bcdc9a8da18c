package admin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// PeopleStore is what the pages about people read. Each reading is on the record.
type PeopleStore interface {
	Search(ctx context.Context, q account.Search, m authn.Namer, by audit.Reader, now time.Time) (account.People, error)
	Invited(ctx context.Context, p platform.ID, now time.Time) (account.InviteCounts, error)
	Export(ctx context.Context, q account.Search, m authn.Namer, by audit.Reader, now time.Time) (account.People, error)
}

// PeoplePage lists people that were searched for. Field: typed.
type PeoplePage struct {
	Chrome
	Action     string
	Typed      string
	Filters    []Filter
	Asked      bool // People are what was found
	People     []Row
	Next       string // address of the next page; empty: this is the last
	First      string // … of the first one, where this is another
	Incomplete bool   // somebody may be missing yet
	Export     string // address of the CSV; empty: not for who looks
	InviteURL  string // where somebody is invited who is not there
}

// Filter is a list of people that needs no typing.
type Filter struct {
	Key     string
	URL     string
	Current bool
}

// Row is one person of a list.
type Row struct {
	Name     string // or the address of who has none
	Email    string // where it is not the name
	URL      string
	Role     string // text key
	State    string // text key; empty: active
	SignedIn time.Time
}

// search is what an address of the page says: sealed, because what helpers type are names.
type search struct {
	Typed  string `json:"t,omitempty"`
	Filter string `json:"f,omitempty"`
	After  string `json:"a,omitempty"`
}

// lists are the lists in the order of the page, by their name in an address.
var lists = []struct {
	name, key string
	only      func(*account.Search)
}{
	{"client", roleKey(platform.Client), ofRole(platform.Client)},
	{"relative", roleKey(platform.Relative), ofRole(platform.Relative)},
	{"professional", roleKey(platform.Professional), ofRole(platform.Professional)},
	{"helpdesk", roleKey(platform.Helpdesk), ofRole(platform.Helpdesk)},
	{"manager", roleKey(platform.Manager), ofRole(platform.Manager)},
	{"invited", "staff.filter_invited", func(s *account.Search) { s.State = account.Invited }},
	{"deactivated", "staff.filter_deactivated", func(s *account.Search) { s.State = account.Deactivated }},
	{"waiting", "staff.filter_waiting", func(s *account.Search) { s.Waiting = true }},
	{"no-second", "staff.filter_no_second", func(s *account.Search) { s.NoSecond = true }},
}

func ofRole(r platform.Role) func(*account.Search) { return func(s *account.Search) { s.Role = r } }

// roleKey and stateKey are text keys.
func roleKey(r platform.Role) string { return "staff.role_" + string(r) }

func stateKey(s account.State) string {
	if s == account.Active {
		return ""
	}
	return "staff.state_" + string(s)
}

// binding ties a search to who made it: in another session its address finds nothing.
func binding(v *Visit) string {
	return "people searched by " + string(v.Platform.ID) + " " + v.Facts.Session.ID
}

// address is the page that shows what a search finds.
func (s *Server) address(v *Visit, q search) string { return s.addressAt(v, root, q) }

// addressAt is that of a page that is told of a search.
func (s *Server) addressAt(v *Visit, path string, q search) string {
	plain, err := json.Marshal(q)
	if err != nil {
		panic(err) // three strings
	}
	sealed := s.Sealer.Seal(plain, binding(v))
	return v.Platform.URL(path) + "?s=" + base64.RawURLEncoding.EncodeToString(sealed)
}

// readSearch reads what an address says; nothing where it is none of this session.
func (s *Server) readSearch(said url.Values, v *Visit) (q search, asked bool) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(said.Get("s"))
	if err != nil || len(sealed) == 0 {
		return search{}, false
	}
	plain, err := s.Sealer.Open(sealed, binding(v))
	if err != nil || json.Unmarshal(plain, &q) != nil {
		return search{}, false
	}
	return q, true
}

// of is the search as the noun has it.
func (q search) of(v *Visit) (account.Search, error) {
	found := account.Search{Platform: v.Platform.ID, Typed: q.Typed}
	for _, f := range lists {
		if f.name == q.Filter {
			f.only(&found)
		}
	}
	var err error
	found.After, err = account.ParsePlace(q.After)
	return found, err
}

// origin is where the request came from, for the record.
func (v *Visit) origin() audit.Origin { return audit.Origin(v.Caller) }

// reader is who looks, for the record.
func (v *Visit) reader() audit.Reader {
	return audit.Reader{Name: v.By.Name, Origin: v.origin()}
}

// showPeople shows the form, and what was found (testdata/journeys/staff_people.txt).
func (s *Server) showPeople(w http.ResponseWriter, r *http.Request, v *Visit) error {
	q, asked := s.readSearch(r.URL.Query(), v)
	page := PeoplePage{
		Chrome: s.chrome(v), Action: v.Action, Typed: q.Typed, Asked: asked, Filters: s.filters(v, q.Filter),
		InviteURL: v.Platform.URL(root + "/invite"),
	}
	page.Notice = s.takeNotice(w, r, v.Platform.ID)
	if !asked {
		return s.show(w, r, v, "staff_people", page)
	}
	noun, err := q.of(v)
	if err != nil {
		return err
	}
	found, err := s.People.Search(r.Context(), noun, s.Sealer, v.reader(), v.Now)
	if err != nil {
		return err
	}
	page.Incomplete = found.Incomplete
	for _, f := range found.All {
		page.People = append(page.People, row(v, f))
	}
	if !found.Next.IsZero() {
		page.Next = s.address(v, search{q.Typed, q.Filter, found.Next.String()})
	}
	if v.By.HasRight(staff.ActExportPeople) && len(page.People) > 0 {
		page.Export = s.addressAt(v, peopleExport, search{q.Typed, q.Filter, ""})
	}
	if q.After != "" {
		page.First = s.address(v, search{q.Typed, q.Filter, ""})
	}
	return s.show(w, r, v, "staff_people", page)
}

// filters are the lists for who looks; one that nothing was typed for.
func (s *Server) filters(v *Visit, current string) (all []Filter) {
	for _, f := range lists {
		all = append(all, Filter{Key: f.key, URL: s.address(v, search{Filter: f.name}), Current: f.name == current})
	}
	return all
}

// submitPeople leads to the page that shows what is searched for.
func (s *Server) submitPeople(w http.ResponseWriter, r *http.Request, v *Visit) error {
	typed := strings.TrimSpace(v.Form.Get("typed"))
	if typed == "" {
		page := PeoplePage{Chrome: s.chrome(v), Action: v.Action, Filters: s.filters(v, "")}
		return s.show(w, r, v, "staff_people", page, authn.Mistake{Field: "typed", Key: "staff.people_nothing_typed"})
	}
	if len(typed) > maxTyped {
		typed = strings.ToValidUTF8(typed[:maxTyped], "")
	}
	return web.SeeOther(w, r, s.address(v, search{Typed: typed}))
}

// maxTyped is how many bytes of a search are looked for: more than any name has.
const maxTyped = 200

func row(v *Visit, f account.Found) Row {
	r := Row{
		Name: f.Name, Email: f.Email, URL: personURL(v, f.ID), Role: roleKey(f.Role), State: stateKey(f.State),
		SignedIn: f.SignedInAt,
	}
	if r.Name == "" {
		r.Name, r.Email = f.Email, ""
	}
	return r
}
