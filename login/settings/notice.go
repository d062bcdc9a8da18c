package settings

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// Finished leaves for the next page what a journey that began here has done.
func Finished(w http.ResponseWriter, v *login.Visit, change authn.Change) {
	if done := doneWith(v.Journey.Ask.Purpose, change); done != "" {
		setNotice(w, v.Platform.ID, done, ui.Machine{})
	}
}

// Cancelled is where somebody goes on who gave up a journey that was to lead to a page: the page of two-step
// authentication would ask for the password again.
func Cancelled(page string) string {
	if page == pathTwoStep {
		return pathSettings
	}
	return page
}

// Values of the cookie that carries what was just done to the next page of settings, which says so once. In an address
// it could be said to anybody, of something that never happened.
const (
	donePassword  = "password"
	doneSaved     = "saved"
	doneEverybody = "all"       // logged out everywhere else
	doneOne       = "one"       // logged out of one browser
	doneRevoked   = "revoked"   // … or app
	doneRemoved   = "removed"   // a device with the mobile app was; its name is not ours, and not said
	doneStopped   = "stopped"   // a web site goes on no longer
	doneMethod    = "method"    // codes come in another way
	doneOff       = "off"       // two-step authentication was turned off
	doneForgotten = "forgotten" // no browser is remembered
	doneWithdrawn = "withdrawn" // a consent was taken back
	doneLinked    = "linked"    // the account of an organisation was connected
	doneUnlinked  = "unlinked"  // … and is not any more
)

var doneTexts = map[string]string{
	donePassword: "change.done", doneSaved: "common.saved", doneEverybody: "devices.logout_all_done",
	doneOne: "devices.logged_out", doneRevoked: "devices.revoked", doneRemoved: "devices.removed", doneStopped: "devices.stopped",
	doneMethod: "two_step.changed", doneOff: "two_step.off_done", doneForgotten: "two_step.forgotten",
	doneWithdrawn: "consents.stopped", doneLinked: "sso.linked_done", doneUnlinked: "sso.unlinked_done",
}

// doneOf is what is said after a journey that began in settings.
var doneOf = map[authn.Purpose]string{
	authn.ChangePassword: donePassword, authn.TwoStep: doneMethod, authn.TwoStepOff: doneOff, authn.NewCodes: doneSaved,
	authn.Connect: doneLinked,
}

// noteLife is how long the next page may take.
const noteLife = time.Minute

// SetUnlinkedNotice leaves that the account of an organisation was disconnected, which a page elsewhere does.
func SetUnlinkedNotice(w http.ResponseWriter, p platform.ID) {
	setNotice(w, p, doneUnlinked, ui.Machine{})
}

// TakeNotice takes what was left: the key of a text.
func TakeNotice(w http.ResponseWriter, r *http.Request, p platform.ID) string {
	key, _ := takeNotice(w, r, p)
	return key
}

// setNotice leaves what was done, and to which machine.
func setNotice(w http.ResponseWriter, p platform.ID, done string, m ui.Machine) {
	value := url.Values{"d": {done}}
	if m != (ui.Machine{}) {
		value.Set("b", m.Browser)
		value.Set("s", m.System)
	}
	web.KeepCookie(w, p, web.NoticeCookie, value.Encode(), noteLife)
}

// takeNotice takes what was left: the key of a text, and the machine it is about. Whatever is not ours is nothing.
func takeNotice(w http.ResponseWriter, r *http.Request, p platform.ID) (string, ui.Machine) {
	left := web.Cookie(r, p, web.NoticeCookie)
	if left == "" {
		return "", ui.Machine{}
	}
	web.DropCookie(w, p, web.NoticeCookie)
	value, err := url.ParseQuery(left)
	if err != nil {
		return "", ui.Machine{}
	}
	return doneTexts[value.Get("d")], ui.Machine{Browser: value.Get("b"), System: value.Get("s")}.Known()
}

// doneWith is what is said after a journey that began in settings, by what it changed.
func doneWith(purpose authn.Purpose, change authn.Change) string {
	if purpose == authn.TwoStep && !slices.ContainsFunc(change.Messages, func(l outbox.Message) bool { return l.Kind == outbox.MethodChanged }) {
		return "" // the page says that it is on
	}
	return doneOf[purpose]
}
