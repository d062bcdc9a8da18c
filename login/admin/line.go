package admin

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/staff"
)

// Line is an event of the record, in words.
type Line struct {
	At        time.Time
	What      string   // text key
	Failed    bool     // it was an attempt
	Why       []string // text keys
	Whose     Named
	By        Named
	Reference string
}

// Named is somebody, as a line of the record says it.
type Named struct {
	Key  string // text key of who is nobody in particular: the system, an operator, somebody who is not known any more
	Name string
	URL  string // of the page about that person; empty: there is none to be seen
}

// There tells whether it is anybody.
func (n Named) There() bool { return n != Named{} }

// lines are events in words, with the names of today.
func (s *Server) lines(r *http.Request, v *Visit, events []audit.Recorded) ([]Line, error) {
	known := map[string]Named{"": {}}
	var all []Line
	for _, e := range events {
		l := Line{
			At: e.At, What: "staff.kind_" + kindKey(e.Kind), Failed: e.Outcome == audit.Failure, Why: s.whys(e.Reason), Reference: e.Reference,
		}
		if e.StatedReason != "" {
			l.Why = append(l.Why, staff.Reason(e.StatedReason).TextKey())
		}
		if e.Identified != "" {
			l.Why = append(l.Why, staff.Identified(e.Identified).TextKey())
		}
		for id, to := range map[string]*Named{string(e.Account): &l.Whose, e.Actor: &l.By} {
			if _, ok := known[id]; !ok {
				n, err := s.named(r, v, id)
				if err != nil {
					return nil, err
				}
				known[id] = n
			}
			*to = known[id]
		}
		all = append(all, l)
	}
	return all, nil
}

// kindKey is a kind as text keys have it.
func kindKey(k audit.Kind) string { return strings.ReplaceAll(string(k), ".", "_") }

// named is who is meant by an identifier of the record.
func (s *Server) named(r *http.Request, v *Visit, id string) (Named, error) {
	switch {
	case id == "":
		return Named{}, nil
	case id == "system":
		return Named{Key: "staff.by_system"}, nil
	case strings.HasPrefix(id, "cli"):
		return Named{Key: "staff.by_operator"}, nil
	case !secret.IsID(id):
		return Named{Name: id}, nil // of `idp apply`, which may choose identifiers
	}
	a, err := s.Store.Account(r.Context(), v.Platform.ID, account.ID(id))
	if errors.Is(err, fault.NotFound) {
		return Named{Key: "staff.by_unknown"}, nil
	}
	if err != nil {
		return Named{}, err
	}
	return Named{Name: nameOf(a), URL: personURL(v, a.ID)}, nil
}

// nameOf is what somebody is called, or the address of who has no name here.
func nameOf(a *account.Account) string { return cmp.Or(a.Profile.Name(), a.Email.Address) }

func personURL(v *Visit, id account.ID) string { return v.Platform.URL(people + "/" + string(id)) }

// whys are the text keys of a reason as the record has it: one for the whole, or one for each way that was shown; none
// where a machine said why.
func (s *Server) whys(reason string) (keys []string) {
	if whole := "staff.why_" + strings.ReplaceAll(strings.ReplaceAll(reason, " ", "_"), "-", "_"); s.Engine.UI.Has(whole) {
		return []string{whole}
	}
	for word := range strings.FieldsSeq(reason) {
		if key := s.Engine.UI.MethodKey(word); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}
