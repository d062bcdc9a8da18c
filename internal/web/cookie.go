package web

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// Names of our cookies. Each becomes __Host-<platform>-<name>: bound to one host and one platform, because platforms
// with a path in their issuer share a host.
const (
	BrowserCookie = "browser" // binds journeys to this browser
	SessionCookie = "session" // the session of people who use the browser
	AppCookie     = "app"     // the session that the app started in this browser
	LangCookie    = "lang"    // the language chosen on a page
	EndedCookie   = "ended"   // what was the session cookie, for the page after logging out
	NoticeCookie  = "notice"  // what was just done, for the next page to say
	KnownCookie   = "known"   // which accounts signed in with this browser before
	UsedCookie    = "used"    // by which connection to an organisation somebody signed in last
)

// RememberCookie is the cookie by which a browser goes without a code for one account. Its name says no more than
// which accounts share a browser, and that only to the browser.
func RememberCookie(account string) string {
	return "remember-" + hex.EncodeToString(secret.Hash(account)[:8])
}

// JourneyCookie is the cookie that binds one journey from its first proof on.
func JourneyCookie(id string) string { return journeyPrefix + id }

const (
	journeyPrefix = "journey-"
	journeysKept  = 4 // per platform: a browser sends them all, with every request
)

// SetJourneyCookie is SetCookie for that of a journey. Of too many the oldest go: a value begins with when its journey
// was begun (see JourneyValue).
func SetJourneyCookie(w http.ResponseWriter, r *http.Request, p platform.ID, id, value string) {
	var others []*http.Cookie
	for _, c := range r.Cookies() {
		of, ok := strings.CutPrefix(c.Name, cookieName(p, journeyPrefix))
		if ok && secret.IsID(of) && of != id {
			others = append(others, c)
		}
	}
	slices.SortFunc(others, func(a, b *http.Cookie) int { return strings.Compare(b.Value, a.Value) })
	for i, c := range others {
		if i >= journeysKept-1 {
			DropCookie(w, p, strings.TrimPrefix(c.Name, cookieName(p, "")))
		}
	}
	SetCookie(w, p, JourneyCookie(id), value)
}

// JourneyValue is the value of the cookie of a journey that was begun then.
func JourneyValue(began time.Time, token string) string {
	return fmt.Sprintf("%010x.%s", began.Unix(), token)
}

func cookieName(p platform.ID, name string) string { return "__Host-" + string(p) + "-" + name }

// longest is how many bytes a cookie of ours has at most: a token and its name, or an identifier and five marks.
func longest(name string) int {
	if name == KnownCookie {
		return 141
	}
	return 64
}

// Cookie returns the value of one of our cookies, or "".
func Cookie(r *http.Request, p platform.ID, name string) string {
	c, err := r.Cookie(cookieName(p, name))
	if err != nil || len(c.Value) > longest(name) {
		return ""
	}
	return c.Value
}

// CookieHash is how the value of one of our cookies is stored; nil when there is none.
func CookieHash(r *http.Request, p platform.ID, name string) []byte {
	if v := Cookie(r, p, name); v != "" {
		return secret.Hash(v)
	}
	return nil
}

// Browser is the cookie that binds journeys to this browser, as it is stored. A browser that has none gets one.
func Browser(w http.ResponseWriter, r *http.Request, p platform.ID) []byte {
	value := Cookie(r, p, BrowserCookie)
	if !secret.IsToken(value) {
		value = secret.Token()
		SetCookie(w, p, BrowserCookie, value)
	}
	return secret.Hash(value)
}

// Bound reports whether the cookie with this hash is one of this browser that binds a journey, with its request: the
// browser's or, from the first proof on, the journey's own. Nothing is bound by no cookie.
func Bound(r *http.Request, p platform.ID, journey string, hash []byte) bool {
	if len(hash) == 0 {
		return false
	}
	return secret.Equal(hash, CookieHash(r, p, BrowserCookie)) || secret.Equal(hash, CookieHash(r, p, JourneyCookie(journey)))
}

// SetCookie sets one of our cookies. It ends with the browser, is never readable by script, and goes along when
// another site leads the person here (SameSite=Lax), but not with a form that another site posts.
func SetCookie(w http.ResponseWriter, p platform.ID, name, value string) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(p, name), Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// KeepCookie is SetCookie for a cookie that outlives the browser, until a moment.
func KeepCookie(w http.ResponseWriter, p platform.ID, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(p, name), Value: value, Path: "/", MaxAge: int(life / time.Second), Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// DropCookie removes one of our cookies.
func DropCookie(w http.ResponseWriter, p platform.ID, name string) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(p, name), Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
