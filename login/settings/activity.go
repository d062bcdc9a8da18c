package settings

import (
	"net/http"
	"strings"

	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/ui"
)

// shownLogins is how many the page of past logins shows.
const shownLogins = 20

// shownReceipts is how many receipts of parties are read for them: of five parties each.
const shownReceipts = 5 * shownLogins

// showActivity shows when somebody logged in, with what, and for which party or platform, and which parties confirmed the
// end of that. It shows successes only:
// what strangers try fills the list with what nobody can act on, and would push what matters out of it. No network
// address is shown either: whoever got in would learn where the owner is.
func (s *Server) showActivity(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
	p := v.Platform
	events, err := s.Store.SignIns(r.Context(), p.ID, v.Facts.Account.ID, shownLogins)
	if err != nil {
		return err
	}
	receipts, err := s.Store.Receipts(r.Context(), p.ID, v.Facts.Account.ID, shownReceipts)
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
		l := ui.Login{At: e.At, Machine: machineOf(e.Agent), Place: s.nameOf(p, e.Party), This: e.Session == v.Facts.Session.ID}
		l.Told = ui.ToldOf(told[e.Session], func(id string) string { return s.nameOf(p, id) })
		for method := range strings.FieldsSeq(e.Reason) {
			if key := s.Engine.UI.MethodKey(method); key != "" {
				l.How = append(l.How, key)
			}
		}
		page.Logins = append(page.Logins, l)
	}
	return s.Engine.ShowPage(w, r, http.StatusOK, "activity", page, v.Look(nil))
}
