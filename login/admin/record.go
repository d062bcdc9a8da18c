package admin

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

const (
	recordPath   = root + "/record"
	recordExport = recordPath + "/export"
)

// linesAPage is how many events of the record a page shows.
const linesAPage = 50

// RecordPage is the record of the platform, newest first. Fields: what, outcome, from, until, number; hidden: about, by.
type RecordPage struct {
	Chrome
	Action    string
	ExportURL string
	Filter    RecordFilter
	Events    []Line
	OlderURL  string // the next page; empty: these are the last
	NewestURL string // the first page; empty: this is it
}

// RecordFilter is what of the record is asked for, as the form shows it. All of it may stand in an address: it holds
// identifiers, our own words, days and a number.
type RecordFilter struct {
	About, By string // identifiers of an account; By may be "system" or "cli", any operator
	Only      []FilterOnly
	Days      []FilterDay
	Sets      []FilterSet
	Number    string
	Narrow    bool // there is a filter
}

// FilterOnly is a filter on one person, which is chosen at a line.
type FilterOnly struct {
	Says   string // text key
	Who    Named
	NotURL string // without it
}

// FilterDay is a field for a day, as 2026-11-29.
type FilterDay struct{ Name, Label, Value string }

// FilterSet is a filter of which one choice counts.
type FilterSet struct {
	Name, Label string
	Choices     []FilterChoice
}

// FilterChoice is one that a filter offers.
type FilterChoice struct {
	Value, Key string // empty: all; text key
	Chosen     bool
}

// subjects are what events are about, in words of people: each has the kinds that begin with one of its words, and the
// first one has all others.
var subjects = []struct {
	name  string
	words []string
}{
	{name: "login"},
	{"account", []string{"account", "two_step", "email", "credential", "consent", "referral", "act", "invite"}},
	{"mail", []string{"letter"}},
	{"site", []string{"party", "request", "secret", "grant", "code", "refresh"}},
	{"settings", []string{"platform", "setting", "key", "master", "database"}},
	{"reading", []string{"audit", "people"}},
}

// KindsAbout are the kinds of events of a subject; none: there is no such subject.
func KindsAbout(name string) (kinds []audit.Kind) {
	for _, k := range audit.Kinds() {
		word, _, _ := strings.Cut(string(k), ".")
		about := subjects[0].name
		for _, s := range subjects[1:] {
			if slices.Contains(s.words, word) {
				about = s.name
			}
		}
		if about == name {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// Subjects are their names, in the order of the form.
func Subjects() (names []string) {
	for _, s := range subjects {
		names = append(names, s.name)
	}
	return names
}

// identifier is what an account's may look like: one of ours, or one that `idp apply` chose.
var identifier = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,100}$`)

// selected reads a query of the record from an address or a form. What is no filter at all is none; what somebody
// mistyped is a mistake.
func selected(p *platform.Platform, form url.Values) (audit.Query, []authn.Mistake) {
	q := audit.Query{Platform: p.ID, Limit: linesAPage, Kinds: KindsAbout(form.Get("what"))}
	if id := form.Get("about"); identifier.MatchString(id) {
		q.Account = account.ID(id)
	}
	if id := form.Get("by"); identifier.MatchString(id) {
		q.Actor = id
	}
	if o := audit.Outcome(form.Get("outcome")); o == audit.Success || o == audit.Failure {
		q.Outcome = o
	}
	if after, err := audit.ParseCursor(form.Get("after")); err == nil {
		q.After = after
	}
	var mistakes []authn.Mistake
	q.Since = dayOf(p, form.Get("from"), "from", &mistakes)
	if until := dayOf(p, form.Get("until"), "until", &mistakes); !until.IsZero() {
		q.Until = until.AddDate(0, 0, 1) // the whole day
	}
	if len(mistakes) == 0 && !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until) {
		mistakes = append(mistakes, authn.Mistake{Field: "until", Key: "staff.record_backwards"})
	}
	if typed := strings.TrimSpace(form.Get("number")); typed != "" {
		number, ok := readReference(typed)
		if !ok {
			mistakes = append(mistakes, authn.Mistake{Field: "number", Key: "staff.reference_wrong"})
		}
		q.Reference = number
	}
	return q, mistakes
}

// dayOf is when a day begins on the clocks of the platform's country; zero where none was chosen.
func dayOf(p *platform.Platform, typed, field string, mistakes *[]authn.Mistake) time.Time {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return time.Time{}
	}
	day, err := time.ParseInLocation(time.DateOnly, typed, ui.Zone(p))
	if err != nil {
		*mistakes = append(*mistakes, authn.Mistake{Field: field, Key: "staff.record_no_day"})
	}
	return day
}

// shownDay is a day that a field for days can hold: browsers take no other text.
func shownDay(typed string) string {
	typed = strings.TrimSpace(typed)
	if _, err := time.Parse(time.DateOnly, typed); err != nil {
		return ""
	}
	return typed
}

// filters are the fields of a form that ask for the same, without the page.
func filters(form url.Values) url.Values {
	same := url.Values{}
	for _, name := range []string{"about", "by", "what", "outcome", "from", "until", "number"} {
		if value := form.Get(name); value != "" {
			same.Set(name, value)
		}
	}
	return same
}

// recordURL is the page with some filters, one of them perhaps another one.
func recordURL(v *Visit, path string, form url.Values, name, value string) string {
	form = filters(form)
	form.Del(name)
	if value != "" {
		form.Set(name, value)
	}
	return strings.TrimSuffix(v.Platform.URL(path)+"?"+form.Encode(), "?")
}

// showRecord lists what is on record. That it was read is on record, too.
func (s *Server) showRecord(w http.ResponseWriter, r *http.Request, v *Visit) error {
	form := r.URL.Query()
	q, mistakes := selected(v.Platform, form)
	page := RecordPage{
		Chrome: s.chrome(v), Action: v.Platform.URL(recordPath), ExportURL: recordURL(v, recordExport, form, "", ""),
	}
	var events []audit.Recorded
	if len(mistakes) == 0 {
		var err error
		if events, err = s.Store.Record(r.Context(), q, v.reader(), v.Now); err != nil {
			return err
		}
	}
	known, err := s.persons(r, v, events, form.Get("about"), form.Get("by"))
	if err != nil {
		return err
	}
	page.Events = s.linesWith(v, known, events)
	page.Filter = filterOf(v, q, known, form)
	if len(events) == q.Limit {
		page.OlderURL = recordURL(v, recordPath, form, "after", events[len(events)-1].Cursor().String())
	}
	if q.After != (audit.Cursor{}) {
		page.NewestURL = recordURL(v, recordPath, form, "", "")
	}
	return s.show(w, r, v, "staff_record", page, mistakes...)
}

// filterOf is the form for a query, with what was typed in it.
func filterOf(v *Visit, q audit.Query, known named, form url.Values) RecordFilter {
	whats := FilterSet{"what", "staff.record_what", []FilterChoice{{"", "staff.record_all", len(q.Kinds) == 0}}}
	for _, name := range Subjects() {
		chosen := len(q.Kinds) > 0 && form.Get("what") == name
		whats.Choices = append(whats.Choices, FilterChoice{name, "staff.record_" + name, chosen})
	}
	f := RecordFilter{
		About: string(q.Account), By: q.Actor, Number: form.Get("number"), Narrow: len(filters(form)) > 0,
		Days: []FilterDay{
			{"from", "staff.record_from", shownDay(form.Get("from"))}, {"until", "staff.record_until", shownDay(form.Get("until"))},
		},
		Sets: []FilterSet{whats, {"outcome", "staff.record_outcome", []FilterChoice{
			{"", "staff.record_all", q.Outcome == ""},
			{string(audit.Success), "staff.record_success", q.Outcome == audit.Success},
			{string(audit.Failure), "staff.record_failure", q.Outcome == audit.Failure},
		}}},
	}
	if id := string(q.Account); id != "" {
		f.Only = append(f.Only, FilterOnly{"staff.record_about", known.of(v, id), recordURL(v, recordPath, form, "about", "")})
	}
	if q.Actor != "" {
		f.Only = append(f.Only, FilterOnly{"staff.record_by", known.of(v, q.Actor), recordURL(v, recordPath, form, "by", "")})
	}
	return f
}
