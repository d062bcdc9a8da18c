package admin

import (
	"net/http"
	"slices"
	"time"

	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// noteLife is how long the next page may take that says what was done.
const noteLife = time.Minute

// setNotice leaves for the next page what was done, or why it was not: a key of notices. In an address it could be said
// to anybody, of something that never happened.
func setNotice(w http.ResponseWriter, p platform.ID, key string) {
	web.KeepCookie(w, p, web.NoticeCookie, key, noteLife)
}

// takeNotice takes what was left; nothing where that is none of notices.
func (s *Server) takeNotice(w http.ResponseWriter, r *http.Request, p platform.ID) string {
	key := web.Cookie(r, p, web.NoticeCookie)
	if key == "" {
		return ""
	}
	web.DropCookie(w, p, web.NoticeCookie)
	if !slices.Contains(notices(), key) {
		return ""
	}
	return key
}

// warnings are the notices that something was not done.
var warnings = []string{noticeChanged, noticeLate, noticeSoon, noticeAlready}

// notices are the text keys that pages say of what was done, or was not.
func notices() []string {
	keys := append(slices.Clone(warnings), noticeAgreed, noticeWithdrawn)
	for _, d := range deeds {
		keys = append(keys, d.key("done"))
		if d.Ask != nil {
			keys = append(keys, d.key("waits"))
		}
	}
	return keys
}

const (
	noticeChanged = "staff.changed_meanwhile" // somebody else did something to this person
	noticeLate    = "staff.stopped"           // too many resets, or people logged out, in an hour
	noticeSoon    = "staff.too_soon"          // another act of staff keeps this one away for a day

	noticeAlready   = "staff.asked_already" // somebody asked for it before
	noticeAgreed    = "staff.agreed"
	noticeWithdrawn = "staff.withdrawn"
)
