package settings

import (
	"net/http"
	"slices"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/ui"
)

const pathTwoStep = "/settings/two-step"

// hasTwoStep reports whether two-step authentication exists: it can be set up, or is.
func hasTwoStep(f authn.Facts) bool { return len(authn.Enrolled(f)) > 0 || authn.MayEnrol(f) }

func twoStepState(_ *http.Request, v *login.Visit) ([]ui.State, error) {
	if len(authn.Enrolled(v.Facts)) > 0 {
		return []ui.State{{Key: "settings.on"}}, nil
	}
	return []ui.State{{Key: "settings.off"}}, nil
}

// twoStep lets people in who have just shown their password (the help page: "daarnaast wordt om het wachtwoord gevraagd
// bij veranderen van twee-staps-authenticatie instellingen").
func (s *Server) twoStep(h login.Handler) login.Handler {
	return func(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
		if !hasTwoStep(v.Facts) {
			return web.SeeOther(w, r, v.Platform.URL(pathSettings))
		}
		if len(authn.Missing(authn.Ask{Purpose: authn.TwoStepPage, Channel: authn.Browser}, v.Facts, nil)) > 0 {
			return s.Engine.StartKnown(w, r, authn.TwoStepPage, pathTwoStep, "")
		}
		return h(w, r, v)
	}
}

// showTwoStep shows whether two-step authentication is on, how codes come, what is left, what can be changed
// (testdata/journeys/two_step_settings.txt).
func (s *Server) showTwoStep(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
	p, f := v.Platform, v.Facts
	page := ui.TwoStepPage{Action: v.Action, Off: authn.MayTurnOff(f), CanSetUp: authn.MayEnrol(f), BackURL: p.URL(pathSettings), HomeURL: p.HomeURL}
	page.Notice, _ = takeNotice(w, r, p.ID)
	enrolled := authn.Enrolled(f)
	page.On = len(enrolled) > 0
	for _, factor := range s.Engine.Factors {
		if factor.Card == nil || !page.On || factor.Second && !slices.Contains(enrolled, factor.Method) {
			continue
		}
		card, err := factor.Card(r.Context(), v)
		if err != nil {
			return err
		}
		page.Cards = append(page.Cards, card)
	}
	remember := f.Policy.Remember.For(f.Account.Role)
	page.Fixed = remember.Decides
	page.Remember = ui.RememberKey(authn.RememberFor(f))
	if !remember.Decides {
		page.Choices = append(page.Choices, ui.RememberChoice{Value: "never", Key: ui.RememberNever})
		for _, d := range remember.Choices {
			page.Choices = append(page.Choices, ui.RememberChoice{Value: d.String(), Key: ui.RememberKey(d)})
		}
		for i := range page.Choices {
			page.Choices[i].Chosen = page.Choices[i].Key == page.Remember || page.Remember == "" && i == 0
		}
	}
	devices, err := s.Store.Devices(r.Context(), p.ID, f.Account.ID, v.Now)
	if err != nil {
		return err
	}
	for _, d := range devices {
		page.Remembered = append(page.Remembered, ui.Device{Machine: ui.MachineOf(d.Agent), AddedAt: d.AddedAt, UsedAt: d.SeenAt})
	}
	return s.Engine.ShowPage(w, r, http.StatusOK, "two_step", page, v.Look(nil))
}

// submitTwoStep begins what is a journey of its own, with its own proofs, and does the rest with the password that was
// just shown.
func (s *Server) submitTwoStep(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
	on := len(authn.Enrolled(v.Facts)) > 0
	switch v.Button() {
	case "set-up":
		if !authn.MayEnrol(v.Facts) {
			break
		}
		return s.Engine.StartKnown(w, r, authn.TwoStep, pathTwoStep, "")
	case "codes":
		if on {
			return s.Engine.StartKnown(w, r, authn.NewCodes, pathTwoStep, "")
		}
	case "off":
		if on && authn.MayTurnOff(v.Facts) {
			return s.Engine.StartKnown(w, r, authn.TwoStepOff, pathTwoStep, "")
		}
	}
	return s.twoStep(s.changeRemember)(w, r, v)
}

// changeRemember keeps how long browsers are remembered, or forgets them.
func (s *Server) changeRemember(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
	here, id := v.Platform.URL(pathTwoStep), v.Facts.Account.ID
	change, done := authn.Change{}, ""
	switch v.Button() {
	case "remember":
		life, ok := rememberChoice(v.Facts, v.Form.Get("remember_for"))
		if !ok {
			return web.SeeOther(w, r, here)
		}
		// A shorter time is meant for the browsers that are remembered now as well.
		change.Account, done = &authn.AccountChange{ID: id, Remember: &life}, doneSaved
		if life < v.Facts.Account.RememberFor {
			change.Forget = &id
		}
	case "forget":
		change.Forget, done = &id, doneForgotten
	}
	if done == "" {
		return web.SeeOther(w, r, here)
	}
	e := v.Event(audit.AccountChanged, audit.Success, id)
	e.Session, e.Reason = v.Facts.Session.ID, "remember "+v.Button()
	change.Platform, change.Events = v.Platform.ID, []audit.Event{e}
	if err := s.Store.SaveChange(r.Context(), change, v.Now); err != nil {
		return err
	}
	setNotice(w, v.Platform.ID, done, ui.Machine{})
	return web.SeeOther(w, r, here)
}

// rememberChoice is one of the times that the person may choose from.
func rememberChoice(f authn.Facts, value string) (time.Duration, bool) {
	remember := f.Policy.Remember.For(f.Account.Role)
	if remember.Decides {
		return 0, false
	}
	if value == "never" {
		return 0, true
	}
	i := slices.IndexFunc(remember.Choices, func(d time.Duration) bool { return d.String() == value })
	if i < 0 {
		return 0, false
	}
	return remember.Choices[i], true
}
