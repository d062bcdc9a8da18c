package settings

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// shownLogins is how many the page of past logins shows.
const shownLogins = 20

// shownReceipts is how many receipts of parties are read for them: of five parties each.
const shownReceipts = 5 * shownLogins

// showActivity shows when somebody logged in, with what, and for which party or platform, and which parties confirmed
// the end of that. It shows successes only: what strangers try fills the list with what nobody can act on, and would
// push what matters out of it. No network address is shown either: whoever got in would learn where the owner is.
func (s *Server) showActivity(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
	p := v.Platform
	events, err := s.Past.SignIns(r.Context(), p.ID, v.Facts.Account.ID, shownLogins)
	if err != nil {
		return err
	}
	receipts, err := s.Past.Receipts(r.Context(), p.ID, v.Facts.Account.ID, shownReceipts)
	if err != nil {
		return err
	}
	told := map[string][]outbox.Receipt{} // by session
	for _, r := range receipts {
		told[r.Session] = append(told[r.Session], r)
	}
	page := ui.ActivityPage{
		PasswordURL: p.URL(pathPassword), LogoutAll: p.URL(pathDevices), BackURL: p.URL(pathSettings), HomeURL: p.HomeURL,
	}
	for _, e := range events {
		l := ui.Login{At: e.At, Machine: ui.MachineOf(e.Agent), Place: s.nameOf(p, e.Party), This: e.Session == v.Facts.Session.ID}
		l.Told = ui.NotifiedPartiesOf(told[e.Session], func(id string) string { return s.nameOf(p, id) })
		for method := range strings.FieldsSeq(e.Reason) {
			if key := s.Engine.UI.MethodKey(method); key != "" {
				l.How = append(l.How, key)
			}
		}
		page.Logins = append(page.Logins, l)
	}
	if page.Acts, err = s.actsOfOthers(r, v); err != nil {
		return err
	}
	if page.App, err = s.appActs(r, v); err != nil {
		return err
	}
	if page.Mails, err = s.mailsSent(r, v); err != nil {
		return err
	}
	return s.Engine.ShowPage(w, r, http.StatusOK, "activity", page, v.Look(nil))
}

// shownOthers is how many acts of others, and how many mails, are shown.
const shownOthers = 20

// didKey is the text key of the sentence of an act that staff and operators do to an account; of others there is none.
func didKey(k audit.Kind) string { return "activity.did_" + strings.ReplaceAll(string(k), ".", "_") }

// actsOfOthers is what staff and operators did to the account. Staff are named, by the name of today: who acts on a
// person's account at work does so in view of that person, and a name is what she can ask about. Their addresses, and
// names of operators, are not told.
func (s *Server) actsOfOthers(r *http.Request, v *login.Visit) (acts []ui.HelperAct, err error) {
	p := v.Platform.ID
	kinds := slices.DeleteFunc(audit.Kinds(), func(k audit.Kind) bool { return !s.Engine.UI.Has(didKey(k)) })
	events, err := s.Past.DoneTo(r.Context(), p, v.Facts.Account.ID, kinds, nil, shownOthers)
	if err != nil {
		return nil, err
	}
	var ids []account.ID
	for _, e := range events {
		if !operator(e.Actor) && e.Actor != bySystem {
			ids = append(ids, account.ID(e.Actor))
		}
	}
	persons, err := s.Past.Persons(r.Context(), p, ids)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		if e.Kind == audit.DeviceRemoved && e.Actor == bySystem {
			continue // wrong PINs did it
		}
		i := slices.IndexFunc(persons, func(p account.Person) bool { return string(p.ID) == e.Actor })
		act := ui.HelperAct{At: e.At, What: didKey(e.Kind), Who: "activity.who_somebody"}
		switch {
		case operator(e.Actor):
			act.Who = "activity.who_operator"
		case i >= 0:
			act.Name = persons[i].Name
			act.Who = whoKey(persons[i])
		}
		acts = append(acts, act)
	}
	return acts, nil
}

// bySystem is the actor of what nobody in particular did (audit.Event).
const bySystem = "system"

// appActs are what happened with devices with the mobile app: those that were added and removed, PINs that were chosen
// and wrong ones. Whoever gave a wrong PIN had such a device in hand, so its owner can act on it.
func (s *Server) appActs(r *http.Request, v *login.Visit) (acts []ui.AppAct, err error) {
	events, err := s.Past.DoneWithApp(r.Context(), v.Platform.ID, v.Facts.Account.ID, shownOthers)
	for _, e := range events {
		what := "activity.own_" + strings.ReplaceAll(string(e.Kind), ".", "_")
		if e.Kind == audit.DeviceRemoved && e.Actor == bySystem {
			what += "_by_pins"
		}
		acts = append(acts, ui.AppAct{At: e.At, What: what})
	}
	return acts, err
}

// operator reports whether an actor of the record worked at the command line.
func operator(actor string) bool { return actor == "cli" || strings.HasPrefix(actor, "cli ") }

// whoKey is the text key of who helped.
func whoKey(p account.Person) string {
	switch {
	case p.Role == platform.Professional && p.Name == "":
		return "activity.who_unnamed_professional"
	case p.Role == platform.Professional:
		return "activity.who_professional"
	case p.Role.Staff() && p.Name == "":
		return "activity.who_unnamed_helpdesk"
	case p.Role == platform.Manager:
		return "activity.who_manager"
	case p.Role.Staff():
		return "activity.who_helpdesk"
	}
	return "activity.who_somebody"
}

// mailsSent are the mails that the person was sent, by their subjects.
func (s *Server) mailsSent(r *http.Request, v *login.Visit) (mails []ui.SentMail, err error) {
	subjects := map[string]string{} // by the reason of the event
	for kind, spec := range s.Engine.UI.MessageKinds() {
		if spec.Recipient == outbox.Mail && spec.Subject != "" {
			subjects[string(kind)+" "+string(outbox.Sent)] = spec.Subject
		}
	}
	events, err := s.Past.DoneTo(r.Context(), v.Platform.ID, v.Facts.Account.ID, []audit.Kind{audit.MessageSettled},
		slices.Sorted(maps.Keys(subjects)), shownOthers)
	for _, e := range events {
		mails = append(mails, ui.SentMail{At: e.At, Subject: subjects[e.Reason]})
	}
	return mails, err
}
