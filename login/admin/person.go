package admin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/ui"
)

// CardStore reads what a helper sees of a person; it is on the record who opened it.
type CardStore interface {
	Card(ctx context.Context, p platform.ID, id account.ID, m authn.Namer, by audit.Reader, now time.Time) (*staff.Card, error)
}

// PersonPage answers why somebody cannot get in, and offers what the helper may do about it.
type PersonPage struct {
	Chrome
	Whose // no device
	Answer
	Help
	Ways
	Role     string
	Facts    []Fact
	Waits    []Waiting
	Mails    []Mail
	Attempts []Line
	Asked    []PendingAct // what waits for that person
	Back     string
}

// Answer is why she cannot get in.
type Answer struct {
	Says  []Finding // the first reason first; one that all is well where there is none
	Ended []Line    // what made the account inactive
}

// Ways are those by which somebody comes in, and came.
type Ways struct {
	Links []Link  // to accounts at organisations
	Reach []Reach // devices with the mobile app, sessions and remembered browsers
}

// Help is what can be done about it.
type Help struct {
	Deeds  []Offer  // or one without an address, which says why there are none
	Beyond []string // text keys of what an application manager may do besides
}

// Finding is a sentence about why somebody cannot get in.
type Finding struct {
	Key   string
	Tone  string // done, warning or stopped: the mark beside it
	Until time.Time
}

// Fact is a line about how an account stands.
type Fact struct {
	Key   string // text key of its name
	Value string // text key of what there is; empty: At or N
	N     int
	At    time.Time
	Also  []string // further text keys
}

// Waiting is until when somebody waits, and for what.
type Waiting struct {
	Key   string
	Until time.Time
}

// Mail is a mail or text message to the person, and how it went.
type Mail struct {
	Subject string // text key
	State   string // text key
	Bad     bool   // it did not arrive
	At      time.Time
	Said    string // by the other side's server
}

// Offer leads to the page of a deed.
type Offer struct {
	Key    string
	URL    string
	Danger bool
}

// whom is the account that an address names; ok is false for what cannot be one.
func whom(r *http.Request) (id account.ID, ok bool) {
	text := mux.Vars(r)["person"]
	return account.ID(text), text != "" && len(text) <= maxID
}

// maxID is how long an identifier is that `idp apply` may choose.
const maxID = 255

// showPerson shows somebody's card (testdata/journeys/staff_person.txt).
func (s *Server) showPerson(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id, ok := whom(r)
	if !ok {
		s.Engine.NotFound(w, r)
		return nil
	}
	card, err := s.Cards.Card(r.Context(), v.Platform.ID, id, s.Sealer, v.reader(), v.Now)
	if errors.Is(err, fault.NotFound) {
		s.Engine.NotFound(w, r)
		return nil
	}
	if err != nil {
		return err
	}
	a := &card.Account
	page := PersonPage{
		Chrome: s.chrome(v), Whose: Whose{Name: a.Profile.Name(), Email: a.Email.Address},
		Role: roleKey(a.Role), Back: v.Platform.URL(root),
	}
	page.Notice = s.takeNotice(w, r, v.Platform.ID)
	page.Says, page.Facts, page.Mails = findings(card, v.Now), facts(card), mails(s.Engine.UI, card)
	for _, wait := range card.Waits {
		page.Waits = append(page.Waits, Waiting{Key: waitKey(wait.For), Until: wait.Until})
	}
	if page.Attempts, err = s.lines(r, v, card.Attempts); err != nil {
		return err
	}
	pending, err := s.acts(v).PendingOf(r.Context(), v.Platform.ID, a.ID)
	if err != nil {
		return err
	}
	if page.Asked, err = s.pendingLines(r, v, pending); err != nil {
		return err
	}
	if page.Ended, err = s.lines(r, v, card.Ended); err != nil {
		return err
	}
	page.Links = s.links(v, card)
	page.Reach = reach(v, card)
	page.Attempts, page.Ended = plainly(page.Attempts, personURL(v, a.ID)), plainly(page.Ended, personURL(v, a.ID))
	page.Deeds, page.Beyond = offers(v, card, pending)
	switch {
	case len(page.Deeds) > 0, len(page.Asked) > 0:
	case a.ID == v.By.Account:
		page.Deeds = []Offer{{Key: "staff.deeds_own"}}
	default:
		page.Deeds = []Offer{{Key: "staff.deeds_none"}}
	}
	return s.show(w, r, v, "staff_person", page)
}

// offers are what the helper may do to somebody now, and what else a manager may where that is something.
func offers(v *Visit, card *staff.Card, pending []staff.Pending) (all []Offer, beyond []string) {
	a, manager := &card.Account, *v
	manager.By.Role = platform.Manager
	for _, d := range deeds {
		asked := slices.ContainsFunc(pending, func(p staff.Pending) bool { return p.Act == d.Right })
		switch {
		case asked || !d.For(card):
		case d.Each:
			to := Offer{Key: "staff.to_devices", URL: "#reach"}
			if d.Name == removeLink {
				to = Offer{Key: "staff.to_links", URL: "#links"}
			}
			if v.mayOffer(d, a) && !slices.Contains(all, to) {
				all = append(all, to)
			}
		case v.mayOffer(d, a):
			all = append(all, Offer{Key: d.key("title"), URL: personURL(v, a.ID) + "/" + d.Name, Danger: d.Danger})
		case manager.mayOffer(d, a):
			beyond = append(beyond, d.key("title"))
		}
	}
	if len(all) == 0 {
		beyond = nil // it is said whom to ask
	}
	return all, beyond
}

// mayOffer reports whether the helper may do a deed to somebody, once she said and showed what it wants.
func (v *Visit) mayOffer(d Deed, a *account.Account) bool {
	if d.Role {
		return len(v.roles(a)) > 0
	}
	return v.mayDo(d.Right, subject(a))
}

// mayDo reports whether the helper has a right over somebody, or may ask a second one.
func (v *Visit) mayDo(act staff.Act, on staff.Subject) bool {
	by := v.By
	by.FreshAt = v.Now
	said := staff.Justification{Identified: staff.Identifications()[0]}
	if words := act.Reasons(); len(words) > 0 {
		said.Reason = words[0]
	}
	err := by.May(act, on, said, v.Now)
	waits, _ := staff.MustWait(act, on)
	return err == nil || waits && errors.Is(err, staff.NoSecond)
}

// Reach is a device with the mobile app, a session or a remembered browser, with what ends it.
type Reach struct {
	Kind    string // text key: with the app, in a browser, in an app, or remembered
	Machine ui.Machine
	AddedAt time.Time
	UsedAt  time.Time
	Key     string // text key of what ends it
	URL     string // empty: not for who looks
}

// reach lists what somebody is logged in with and where codes are not asked, the last used first of each kind. The
// session of a device with the mobile app goes with the device: without it the PIN would begin another one.
func reach(v *Visit, c *staff.Card) (all []Reach) {
	may := v.mayDo(staff.ActRemoveDevice, subject(&c.Account))
	add := func(kind string, m ui.Machine, added, used time.Time, deed, id string) {
		line := Reach{Kind: kind, Machine: m, AddedAt: added, UsedAt: used, Key: Deed{Name: deed}.key("title")}
		if may {
			line.URL = personURL(v, c.Account.ID) + "/" + deed + "/" + id
		}
		all = append(all, line)
	}
	ofDevices := map[string]bool{}
	for _, d := range c.Apps {
		ofDevices[d.Session] = true
		add("staff.reach_device", ui.Machine{App: true, Name: d.Name}, d.AddedAt, d.SeenAt, removeDevice, string(d.ID))
	}
	for _, o := range c.Sessions {
		if ofDevices[o.ID] {
			continue
		}
		kind := "staff.reach_browser"
		if o.Channel == authn.App {
			kind = "staff.reach_app"
		}
		add(kind, machineOf(o), o.StartedAt, o.SeenAt, endSession, o.ID)
	}
	for _, d := range c.Devices {
		add("staff.reach_remembered", ui.MachineOf(d.Agent), d.AddedAt, d.SeenAt, forgetBrowser, d.ID)
	}
	return all
}

// findings say why somebody cannot get in, as a colleague would.
func findings(c *staff.Card, now time.Time) (all []Finding) {
	a := &c.Account
	say := func(when bool, key, tone string) {
		if when {
			all = append(all, Finding{Key: "staff.finding_" + key, Tone: tone})
		}
	}
	frozen := slices.ContainsFunc(c.Ended, func(e audit.Recorded) bool { return e.Kind == audit.AccountFrozen })
	say(a.State == account.Deactivated && frozen, "frozen", "stopped")
	say(a.State == account.Deactivated && !frozen, "deactivated", "stopped")
	asked := slices.ContainsFunc(c.Mails, func(m staff.CardMail) bool {
		return m.Kind == outbox.EmailConfirm && (m.State == staff.MailQueued || m.State == staff.MailSent || m.State == staff.MailBegun)
	})
	say(asked && a.State == account.Invited, "new_address", "waiting")
	if a.State == account.Invited && !asked {
		state := cmp.Or(c.Invitation.State, account.InviteMade)
		tone := "waiting"
		if state == account.InviteRefused || state == account.InviteExpired {
			tone = "warning"
		}
		say(true, "invite_"+underscored(string(state)), tone)
	}
	waits := func(refuse bool) {
		for _, wait := range c.Waits {
			if wait.For.Refuses() == refuse {
				all = append(all, Finding{Key: findingKey(wait.For), Tone: "warning", Until: wait.Until})
			}
		}
	}
	waits(true)
	say(a.State == account.Active && !a.CanSignIn(), "no_password", "warning")
	say(a.State == account.Active && !a.MarkedAt.IsZero(), "marked", "waiting")
	say(a.State == account.Active && len(all) == 0, "well", "done")
	if a.State == account.Active { // what keeps a mail away keeps out who needs it
		say(refused(c), "mail_refused", "warning")
		waits(false)
	}
	return all
}

// refused reports whether the newest mail to somebody did not arrive.
func refused(c *staff.Card) bool {
	i := slices.IndexFunc(c.Mails, func(m staff.CardMail) bool { return m.Recipient != outbox.SMS })
	return i >= 0 && c.Mails[i].State == staff.MailRefused
}

// waitKey and findingKey are text keys of what somebody waits for, and of what that keeps them from.
func waitKey(w authn.WaitFor) string { return "staff.wait_" + string(w) }

func findingKey(w authn.WaitFor) string {
	return "staff.finding_" + strings.TrimPrefix(waitKey(w), "staff.")
}

// plainly leaves out of lines who they are about and who did it where that is whose card they are on.
func plainly(lines []Line, whose string) []Line {
	for i := range lines {
		if l := &lines[i]; l.Whose.URL == whose && l.By.URL == whose {
			l.Whose, l.By = Named{}, Named{}
		}
	}
	return lines
}

// facts are how the account stands, in the order of the questions that a helper asks.
func facts(c *staff.Card) []Fact {
	a := &c.Account
	all := []Fact{{Key: "staff.fact_state", Value: cmp.Or(stateKey(a.State), "staff.state_active")}}
	signedIn := Fact{Key: "staff.fact_signed_in", At: c.SignedInAt}
	if c.SignedInAt.IsZero() {
		signedIn.Value = "staff.never"
	}
	all = append(all, signedIn)
	second := Fact{Key: "staff.fact_second", Value: "staff.off"}
	if methods := a.SecondMethods(); len(methods) > 0 {
		second.Value = "staff.second_" + methods[0]
		for _, m := range methods[1:] {
			second.Also = append(second.Also, "staff.second_"+m)
		}
		all = append(all, second, Fact{Key: "staff.fact_codes", N: c.RecoveryCodes})
	} else {
		all = append(all, second)
	}
	browsers, apps := 0, 0
	for _, session := range c.Sessions {
		if session.Channel == authn.App {
			apps++
		} else {
			browsers++
		}
	}
	return append(all, Fact{Key: "staff.fact_devices", N: len(c.Apps)}, Fact{Key: "staff.fact_browsers", N: browsers},
		Fact{Key: "staff.fact_apps", N: apps}, Fact{Key: "staff.fact_remembered", N: len(c.Devices)})
}

func mails(texts *ui.Renderer, c *staff.Card) (all []Mail) {
	kinds := texts.MessageKinds()
	for _, m := range c.Mails {
		line := Mail{
			Subject: kinds[m.Kind].Subject, State: "staff.mail_" + string(m.State), Bad: m.State == staff.MailRefused, At: m.QueuedAt, Said: m.Said,
		}
		if line.Subject == "" {
			line.Subject = "staff.text_message"
		}
		all = append(all, line)
	}
	return all
}
