package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/minddistrict/idp/internal/phone"
)

// handset is a phone with the app of one platform, which plays along beside the web page: internal/phone with a screen.
// The lock of its visitor guards it.
type handset struct {
	name   string // as its owner sees it in the list of devices
	store  *phone.Memory
	app    *phone.App
	device *phone.Device

	signIn   *phone.SignIn  // in the browser, until it comes back; nil: none
	code     *phone.Code    // read, and not yet agreed to
	handoff  *phone.Handoff // claimed: its number is on the screen
	polledAt time.Time      // when the handoff was asked for last

	hasToken bool   // of a sign-in, for choosing a PIN
	forgot   bool   // the PIN: the next sign-in chooses another
	acr      string // what the next sign-in in the browser must show; empty: nothing special
	said     notice // of what was done last; it stays until something else is done
}

// screen is what the phone shows, in a word.
func (h *handset) screen() string {
	switch {
	case h.device.Tokens() != nil:
		return "in"
	case h.handoff != nil:
		return "number"
	case h.code != nil:
		return "ask"
	case h.hasToken && (h.forgot || !h.device.HasPIN()):
		return "choose"
	case h.device.HasPIN() && !h.forgot && h.acr == "":
		return "pin"
	}
	return "first"
}

// handsetOf is the visitor's phone with the app of a platform; they get one when they first look at it.
func (s *Site) handsetOf(p Platform, v *visitor) (*handset, error) {
	switch {
	case p.App == "":
		return nil, errors.New("this platform has no app")
	case v.handsets[p.Name] == nil:
		h, err := s.newHandset(p, "Phone of the demo")
		if err != nil {
			return nil, err
		}
		v.handsets[p.Name] = h
	}
	return v.handsets[p.Name], nil
}

func (s *Site) newHandset(p Platform, name string) (*handset, error) {
	h := &handset{name: name, store: &phone.Memory{}}
	return h, s.startApp(p, h)
}

// startApp starts the app: what was in memory is gone, the store stays.
func (s *Site) startApp(p Platform, h *handset) (err error) {
	*h = handset{name: h.name, store: h.store}
	h.app, err = phone.New(phone.Config{
		ClientID: p.App, RedirectURI: s.Origin + phonePath(p) + "/callback", Scope: "openid profile email",
		Issuers: []string{p.Issuer}, DeviceName: h.name, Store: h.store, Now: s.Now,
		HTTP: &http.Client{Timeout: 10 * time.Second}, // docs/app.md, "Every request"
		Wait: func(context.Context, time.Duration) error { return errors.New("this phone asks when its page does") },
	})
	if err != nil {
		return err
	}
	h.device, err = h.app.Device(p.Issuer)
	return err
}

func phonePath(p Platform) string { return "/" + p.Name + "/phone" }

// phoneActs are the buttons of the phone. An act may lead elsewhere; an error is said on the screen.
var phoneActs = map[string]func(s *Site, r *http.Request, p Platform, h *handset) (to string, err error){
	"email": func(_ *Site, r *http.Request, _ Platform, h *handset) (to string, err error) {
		more := url.Values{}
		if h.acr != "" {
			more.Set("acr_values", h.acr)
		}
		if h.signIn, err = h.device.SignIn(r.Context(), more); err != nil {
			return "", err
		}
		return h.signIn.URL, nil
	},
	"camera": func(s *Site, r *http.Request, p Platform, h *handset) (string, error) {
		if s.Camera == nil {
			return "", errors.New("this phone has no camera")
		}
		text, err := s.Camera(r.Context(), p.On)
		if err == nil {
			h.code, err = h.app.Scan(text)
		}
		return "", err
	},
	"scan": func(_ *Site, r *http.Request, _ Platform, h *handset) (_ string, err error) {
		h.code, err = h.app.Scan(r.FormValue("text"))
		return "", err
	},
	"yes": func(s *Site, r *http.Request, _ Platform, h *handset) (_ string, err error) {
		code := h.code
		if h.code = nil; code == nil {
			return "", errors.New("scan a code first")
		}
		h.device, h.polledAt = code.Device, s.Now()
		h.handoff, err = code.Claim(r.Context())
		return "", err
	},
	"no": func(_ *Site, _ *http.Request, _ Platform, h *handset) (string, error) {
		h.code = nil
		return "", nil
	},
	"poll": func(s *Site, r *http.Request, _ Platform, h *handset) (string, error) {
		return "", h.poll(r.Context(), s.Now())
	},
	"stop": func(_ *Site, r *http.Request, _ Platform, h *handset) (string, error) {
		handoff := h.handoff
		if h.handoff = nil; handoff == nil {
			return "", nil
		}
		h.said = notice{Text: "Stopped. The website says so as well."}
		return "", handoff.Stop(r.Context())
	},
	"choose": func(_ *Site, r *http.Request, _ Platform, h *handset) (string, error) {
		pin := r.FormValue("pin")
		err := h.device.SetPIN(r.Context(), pin)
		if errors.Is(err, &phone.Error{Code: phone.InvalidToken}) {
			h.hasToken = false
		}
		if err != nil {
			return "", err
		}
		h.forgot = false
		return "", h.enter(r.Context(), pin)
	},
	"pin": func(_ *Site, r *http.Request, _ Platform, h *handset) (string, error) {
		return "", h.enter(r.Context(), r.FormValue("pin"))
	},
	"forgot": func(_ *Site, _ *http.Request, _ Platform, h *handset) (string, error) {
		h.forgot = true
		return "", nil
	},
	"back": func(_ *Site, _ *http.Request, _ Platform, h *handset) (string, error) {
		h.forgot, h.acr = false, ""
		return "", nil
	},
	"refresh": func(_ *Site, r *http.Request, _ Platform, h *handset) (string, error) {
		h.said = notice{Text: "Refreshed: new tokens, the same PIN."}
		_, err := h.device.Refresh(r.Context())
		return "", err
	},
	"logout": func(_ *Site, r *http.Request, _ Platform, h *handset) (string, error) {
		h.said = notice{Text: "Logged out. The phone stays in the list of devices."}
		return "", h.device.LogOut(r.Context())
	},
	"restart": func(s *Site, _ *http.Request, p Platform, h *handset) (string, error) {
		err := s.startApp(p, h)
		h.said = notice{Text: "The app started again: tokens were in memory and are gone."}
		return "", err
	},
	"lose": func(s *Site, _ *http.Request, p Platform, h *handset) (string, error) {
		other, err := s.newHandset(p, "Next phone of the demo")
		if err == nil {
			*h = *other
			h.said = notice{Text: "That phone is gone, with its key. This is another one. The lost one is in the list of devices until you remove it there."}
		}
		return "", err
	},
}

// poll asks whether the number was typed, unless it was asked a moment ago: a second tab asks too.
func (h *handset) poll(ctx context.Context, now time.Time) error {
	if h.handoff == nil || now.Sub(h.polledAt) < h.handoff.Interval() {
		return nil
	}
	h.polledAt = now
	err := h.handoff.Poll(ctx)
	var told *phone.Error
	if errors.As(err, &told) && (told.Code == phone.Pending || told.Code == phone.SlowDown || told.Status == 0 || told.Status >= 500) {
		return nil
	}
	h.handoff = nil
	if err == nil {
		h.answered()
	}
	return err
}

// answered is after a sign-in of either kind.
func (h *handset) answered() { h.hasToken, h.acr, h.signIn = true, "", nil }

// enter enters a PIN.
func (h *handset) enter(ctx context.Context, pin string) error {
	t, err := h.device.EnterPIN(ctx, pin, "")
	var told *phone.Error
	switch {
	case err == nil:
		h.hasToken = false
		if t.WrongBefore > 0 {
			h.said = notice{Text: fmt.Sprintf("Wrong PINs since the last right one: %d. Was that you?", t.WrongBefore), Warning: true}
		}
	case !errors.As(err, &told):
	case told.Code == phone.MoreIsWanted && h.hasToken: // the provider has no PIN
		h.forgot = true
	case told.Code == phone.MoreIsWanted:
		h.acr = told.ACRValues
	case told.DeviceRemoved:
		h.hasToken = false
	}
	return err
}

// actOnPhone presses a button of the phone.
func (s *Site) actOnPhone(w http.ResponseWriter, r *http.Request, p Platform, v *visitor) error {
	h, err := s.handsetOf(p, v)
	if err != nil {
		return err
	}
	act, ok := phoneActs[r.PathValue("act")]
	if !ok {
		http.NotFound(w, r)
		return nil
	}
	if r.PathValue("act") != "poll" {
		h.said = notice{}
	}
	to, err := act(s, r, p, h)
	if err != nil {
		h.said = notice{Text: phoneWords(err), Warning: true}
	}
	if to == "" {
		to = phonePath(p) + "#phone" // in sight, also where the page is narrow
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// backInApp is where the browser opens the app again.
func (s *Site) backInApp(w http.ResponseWriter, r *http.Request, p Platform, v *visitor) error {
	h, err := s.handsetOf(p, v)
	if err != nil {
		return err
	}
	err = phone.ErrNotAnswered
	if h.signIn != nil {
		err = h.signIn.Redeem(r.Context(), s.Origin+r.URL.RequestURI())
	}
	if err == nil {
		h.answered()
		h.said = notice{Text: "You are back in the app."}
	} else {
		h.said = notice{Text: phoneWords(err), Warning: true}
	}
	http.Redirect(w, r, phonePath(p), http.StatusSeeOther)
	return nil
}

// phoneWords says what an error means for who holds the phone, with the code that came.
func phoneWords(err error) string {
	var e *phone.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	switch {
	case e.TriesLeft != nil && !e.DeviceRemoved:
		return fmt.Sprintf("Wrong PIN. Tries left: %d.", *e.TriesLeft)
	case e.DeviceRemoved:
		return "Your account was taken off this phone: after five wrong PINs in a row, or because it was removed elsewhere. Key and secret are destroyed. Log in once more."
	case e.TooManyDevices:
		return "There are five other devices, and none was chosen to go."
	}
	words := map[string]string{
		phone.Denied: "Logging in was stopped.", phone.Expired: "It took too long. Scan another code.",
		phone.MoreIsWanted: "More is wanted than this phone has shown. Log in once more; the PIN stays.",
		phone.InvalidToken: "Too late to choose a PIN. Log in once more.", phone.SlowDown: "Wait 2 seconds and try again.",
		phone.InvalidGrant: "That does not work any more. Begin again.",
	}[e.Code]
	if words == "" {
		return e.Error()
	}
	return words + " (" + e.Code + ")"
}

// phonePage is the phone with what is behind it.
type phonePage struct {
	Platform  Platform
	Said      notice
	Screen    string
	Host      string // that a code is of
	Handoff   *phone.Handoff
	Every     int  // seconds between two polls
	Camera    bool // it has one
	CanGoBack bool // to the PIN
	Behind    []line
	Signed    *phoneSigned // nil: nobody is
}

// phoneSigned is what the app got.
type phoneSigned struct {
	Name         string
	Lines        []line
	Access       token
	Claims, Info string
}

// showPhone is the phone.
func (s *Site) showPhone(w http.ResponseWriter, r *http.Request, p Platform, v *visitor) error {
	h, err := s.handsetOf(p, v)
	if err != nil {
		return err
	}
	page := phonePage{
		Platform: p, Said: h.said, Screen: h.screen(), Handoff: h.handoff, Camera: s.Camera != nil,
		CanGoBack: h.device.HasPIN(), Behind: s.behindPhone(p, h),
	}
	if h.code != nil {
		page.Host = h.code.Host
	}
	if h.handoff != nil {
		page.Every = int(h.handoff.Interval() / time.Second)
	}
	if t := h.device.Tokens(); t != nil {
		page.Signed = s.phoneSigned(r, p, h, t)
	}
	s.show(w, "phone", page)
	return nil
}

func (s *Site) phoneSigned(r *http.Request, p Platform, h *handset, t *phone.Tokens) *phoneSigned {
	ctx, cancel := soon(r)
	defer cancel()
	got := &phoneSigned{Access: read("access-token", "Access token", t.AccessToken)}
	text, _ := json.Marshal(t.Claims) // JSON it was
	got.Claims = indent(text)
	var c claims
	_ = json.Unmarshal(text, &c) // as above
	got.Lines = append(c.lines(p, s.Now(), t.ExpiresAt), line{"scope", t.Scope, "What the tokens are good for. A phone never gets offline_access."})
	info, err := h.device.UserInfo(ctx)
	if err != nil {
		got.Info = phoneWords(err)
		return got
	}
	text, _ = json.Marshal(info) // as above
	got.Name, got.Info = firstName(text), indent(text)
	return got
}

// behindPhone is what is built into the app, and what the phone keeps.
func (s *Site) behindPhone(p Platform, h *handset) []line {
	all := []line{
		{"issuer", p.Issuer, "The only one that this app speaks to."},
		{"client_id", p.App, "A party of type native with mobile_app: true. It has no secret."},
		{"redirect_uri", s.Origin + phonePath(p) + "/callback", "Where the browser opens the app. A real app claims an https address."},
		{"device_name", h.name, "What the list of devices in the settings says."},
	}
	if key, err := h.store.Key(p.Issuer); err == nil {
		if jkt, err := phone.Thumbprint(key); err == nil {
			all = append(all, line{"jkt", jkt, "The thumbprint of the device key, which signs every request."})
		}
	}
	kept := "Not yet: it is made when a PIN is chosen."
	if h.device.HasPIN() {
		kept = "kept"
	}
	return append(all, line{"pin_secret", kept, "32 random bytes that are never sent. Without them nobody finds the PIN, at the provider neither."})
}
