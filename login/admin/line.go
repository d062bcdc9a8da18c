package admin

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/ui"
)

// Line is an event of the record, in words.
type Line struct {
	At        time.Time
	What      string // text key
	Failed    bool   // it was an attempt
	Why       []Why
	Said      string // … and what of it a machine or an operator said
	Whose     Named
	By        Named
	Reference string
	Address   string // network address that it came from, and the browser; both empty where it came from no request
	Agent     string
	AboutURL  string // of the record of whom it is about, and of who did it; empty: not for who is at the page
	ByURL     string
}

// Why is a word of a reason, as people read it.
type Why struct {
	Key string // of its text
	N   int    // the number that it says; 0 also where it says none
}

// Named is somebody, as a line of the record says it.
type Named struct {
	Key  string // text key of who is nobody in particular: the system, an operator, somebody who is not known any more
	Name string
	URL  string // of the page about that person; empty: there is none to be seen
}

// There reports whether it is anybody.
func (n Named) There() bool { return n != Named{} }

// lines are events in words, with the names of today.
func (s *Server) lines(r *http.Request, v *Visit, events []audit.Recorded) ([]Line, error) {
	known, err := s.persons(r, v, events)
	if err != nil {
		return nil, err
	}
	return s.linesWith(v, known, events), nil
}

func (s *Server) linesWith(v *Visit, known named, events []audit.Recorded) (all []Line) {
	for _, e := range events {
		l := Line{
			At: e.At, What: "staff.kind_" + kindKey(e.Kind), Failed: e.Outcome == audit.Failure, Reference: e.Reference,
			Address: e.Address, Agent: e.Agent, Whose: known.of(v, string(e.Account)), By: known.of(v, e.Actor),
		}
		l.Why, l.Said = Words(s.Engine.UI, e.Kind, e.Reason)
		if e.Kind == audit.ReferralMade {
			l.Said = "" // the identifier of whom it is for, who does what comes of it
		}
		if e.StatedReason != "" {
			l.Why = append(l.Why, Why{Key: staff.Reason(e.StatedReason).TextKey()})
		}
		if e.Identified != "" {
			l.Why = append(l.Why, Why{Key: staff.Identified(e.Identified).TextKey()})
		}
		if v.By.HasRight(staff.ActReadRecord) {
			l.AboutURL = onlyURL(v, "about", string(e.Account))
			if l.ByURL = onlyURL(v, "by", e.Actor); operator(e.Actor) {
				l.ByURL = onlyURL(v, "by", anyOperator)
			}
		}
		all = append(all, l)
	}
	return all
}

// onlyURL is the record of one person only; empty where there is none.
func onlyURL(v *Visit, filter, id string) string {
	if !identifier.MatchString(id) {
		return ""
	}
	return recordURL(v, recordPath, nil, filter, id)
}

// mostAtOnce is how many names are read at once.
const mostAtOnce = 100

// named are people by their identifiers in the record.
type named map[string]account.Person

// persons are those that events name, and perhaps others.
func (s *Server) persons(r *http.Request, v *Visit, events []audit.Recorded, more ...string) (named, error) {
	var ids []account.ID
	for _, e := range events {
		more = append(more, string(e.Account), e.Actor)
	}
	for _, id := range more {
		if identifier.MatchString(id) && id != system && !operator(id) {
			ids = append(ids, account.ID(id))
		}
	}
	slices.Sort(ids)
	known := named{}
	for some := range slices.Chunk(slices.Compact(ids), mostAtOnce) {
		all, err := s.Store.Persons(r.Context(), v.Platform.ID, some)
		if err != nil {
			return nil, err
		}
		for _, p := range all {
			known[string(p.ID)] = p
		}
	}
	return known, nil
}

// Actors of the record who are no account.
const (
	system      = "system"
	anyOperator = "cli" // audit.Query has it for each "cli NAME"
)

// operator reports whether an actor of the record worked at the command line.
func operator(actor string) bool {
	return actor == anyOperator || strings.HasPrefix(actor, anyOperator+" ")
}

// kindKey is a kind as text keys have it.
func kindKey(k audit.Kind) string { return strings.ReplaceAll(string(k), ".", "_") }

// of is who is meant by an identifier of the record.
func (known named) of(v *Visit, id string) Named {
	switch p, ok := known[id]; {
	case id == "":
		return Named{}
	case id == system:
		return Named{Key: "staff.by_system"}
	case operator(id):
		return Named{Key: "staff.by_operator"}
	case ok:
		return Named{Name: p.CalledAs(), URL: personURL(v, p.ID)}
	case secret.IsID(id):
		return Named{Key: "staff.by_unknown"}
	}
	return Named{Name: id} // of `idp apply`, which may choose identifiers
}

func personURL(v *Visit, id account.ID) string { return v.Platform.URL(people + "/" + string(id)) }

// counted reads reasons that say how many: of readings with which filters they were asked for, of files, of bursts.
// none: it is not one that this knows.
func counted(texts *ui.Renderer, kind audit.Kind, reason string) (all []Why) {
	var n, there int
	switch kind {
	case audit.RecordRead, audit.RecordExported, audit.PeopleSearched, audit.PeopleExported:
		number, filters, _ := strings.Cut(reason, " ")
		n, err := strconv.Atoi(number)
		if err != nil {
			return nil
		}
		key := "staff.why_n_people"
		if kind == audit.RecordRead || kind == audit.RecordExported {
			key = "staff.why_n_lines"
		}
		all = append(all, Why{key, n})
		for filter := range strings.FieldsSeq(filters) {
			if key := "staff.why_filter_" + filter; texts.Has(key) {
				all = append(all, Why{Key: key})
			} else {
				return nil
			}
		}
	case audit.FileChecked:
		if got, _ := fmt.Sscanf(reason, "%d rows, %d with an account", &n, &there); got == 2 {
			all = []Why{{"staff.why_n_rows", n}, {"staff.why_n_there", there}}
		}
	case audit.ResetsStopped, audit.LogOutsStopped:
		if got, _ := fmt.Sscanf(reason, "%d an hour", &n); got == 1 {
			all = []Why{{"staff.why_n_an_hour", n}}
		}
	}
	return all
}

// Words are a reason as the record has it: text keys of its words, and what of it is no word of ours but of a machine
// or an operator, to be shown as it is. A word may have a text for one kind only: "unknown" is said of parties and of
// links.
func Words(texts *ui.Renderer, kind audit.Kind, reason string) (all []Why, said string) {
	if all := counted(texts, kind, reason); len(all) > 0 {
		return all, ""
	}
	whole, rest, _ := strings.Cut(reason, ":")
	if key := wordKey(texts, kind, whole); key != "" {
		return []Why{{Key: key}}, strings.TrimSpace(rest)
	}
	for words := strings.Fields(reason); len(words) > 0; {
		key, n := firstKey(texts, kind, words)
		if key == "" {
			return nil, reason
		}
		all, words = append(all, Why{Key: key}), words[n:]
	}
	return all, ""
}

// firstKey is the text key of the first of some words, and how many it is of: "too many" is one.
func firstKey(texts *ui.Renderer, kind audit.Kind, words []string) (key string, n int) {
	for n = len(words); n > 0; n-- {
		if key := wordKey(texts, kind, strings.Join(words[:n], " ")); key != "" {
			return key, n
		}
	}
	return texts.MethodKey(words[0]), 1
}

// notOfKey is what a text key has not.
var notOfKey = regexp.MustCompile(`[^a-z0-9]+`)

// wordKey is the text key of a word of ours; of a mail, its subject: what its receiver looks for.
func wordKey(texts *ui.Renderer, kind audit.Kind, word string) string {
	if mail, ok := texts.MessageKinds()[outbox.Kind(word)]; ok && mail.Subject != "" {
		return mail.Subject
	}
	word = notOfKey.ReplaceAllString(word, "_")
	for _, key := range []string{"staff.why_" + kindKey(kind) + "_" + word, "staff.why_" + word} {
		if word != "" && texts.Has(key) {
			return key
		}
	}
	return ""
}
