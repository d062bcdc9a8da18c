package login

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/visitor"
	"github.com/minddistrict/idp/internal/web"
)

// dispatch leads to the page that the person should see now.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request) error {
	v, err := s.load(r)
	if err != nil {
		return s.answerStale(w, r, v, err)
	}
	step, err := s.current(v)
	if err != nil {
		return err
	}
	if step == nil && !stopped(v) {
		if err := s.finish(w, r, v, authn.Change{}); err != nil {
			return s.answerStale(w, r, v, err)
		}
		return nil
	}
	return web.SeeOther(w, r, v.page(step))
}

// page is the address of the page that the person should see now, where step is current; nil: none is.
func (v *Visit) page(step Step) string {
	switch {
	case stopped(v):
		return v.PathOf(stopPath)
	case step == nil:
		return JourneyPath(v.Platform, v.Journey.ID) // whose GET ends the journey
	}
	return v.PathOf(step.Name())
}

// show shows the step in the address, if it is the one wanted now.
func (s *Server) show(w http.ResponseWriter, r *http.Request) error {
	v, err := s.load(r)
	if err != nil {
		return s.answerStale(w, r, v, err)
	}
	step, err := s.current(v)
	if err != nil {
		return err
	}
	name, current := mux.Vars(r)["step"], step
	if step != nil && step.Name() != name {
		step = s.way(v, name)
	}
	if step == nil || s.blockedByStop(v, name) {
		return web.SeeOther(w, r, v.page(current))
	}
	if r.Method == http.MethodGet {
		if to := s.immediateURL(v, step, current); to != "" {
			return web.SeeOther(w, r, to)
		}
	}
	v.Ways = s.ways(v, step)
	page, err := step.Show(r.Context(), v)
	if err != nil {
		return err
	}
	mistakes := v.Mistakes
	if m := v.Journey.Mistakes; m != nil && m.Step == step.Name() {
		mistakes = m.All
	}
	look := v.Look(mistakes)
	_, look.Typing = step.(InputKeeper)
	if there := v.Journey.Federation; there != nil && there.LastError != nil {
		if _, tells := step.(Redirector); tells {
			look.Reference = there.LastError.Reference
		}
	}
	if step.Name() == (closedStep{}).Name() || page.Template == "closed" {
		look.Reference = s.Refuse(r, audit.Event{Kind: audit.PageRefused, Reason: "closed", Party: v.Journey.Party})
	}
	return s.ShowPage(w, r, http.StatusOK, page.Template, page.Data, look)
}

// submit takes the form of a step: one noun call, one storage call, 303.
func (s *Server) submit(w http.ResponseWriter, r *http.Request) error {
	malformed := web.ParseForm(r)
	r, leave, err := s.admitForm(r)
	if err != nil {
		return err
	}
	defer leave()
	v, err := s.load(r)
	if malformed == nil && (errors.Is(err, errUnbound) || errors.Is(err, fault.Spent)) {
		return s.answerRepeated(w, r, v, err)
	}
	if err != nil {
		return s.answerStale(w, r, v, err)
	}
	if malformed != nil {
		return malformed
	}
	v.Form = r.PostForm
	here := JourneyPath(v.Platform, v.Journey.ID)
	step, err := s.submitted(v, mux.Vars(r)["step"])
	if err != nil {
		return err
	}
	if step == nil {
		return web.SeeOther(w, r, here)
	}
	if v.Button() == "cancel" {
		return s.cancel(w, r, v)
	}
	v.Request = r
	if leaves(v.Form) {
		return s.leave(w, r, v, step)
	}
	out, err := step.Submit(r.Context(), v)
	v.form.unsaved = out.Change.Uncount
	if err == nil {
		err = s.applyOutcome(w, r, v, step, out)
	}
	if len(v.form.unsaved) > 0 {
		_ = s.uncountAttempt(r.Context(), v) // what went wrong with saving is told already
	}
	return err
}

// takeBackFor is how long taking a try back may take, after a request whose time may be over: nobody waits 10 s.
const takeBackFor = 500 * time.Millisecond

// uncountAttempt takes a try back that could not be verified, or that was right and could not be saved: nobody waits
// for what we could not do. A wrong one stays counted, saved or not: whoever makes saving fail would guess for free.
func (s *Server) uncountAttempt(ctx context.Context, v *Visit) error {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), takeBackFor)
	defer done()
	return s.Store.Uncount(ctx, v.Platform.ID, v.form.unsaved)
}

// admitForm finds room for a form whose step is bounded, before anything is looked up for it.
func (s *Server) admitForm(r *http.Request) (*http.Request, func(), error) {
	i := slices.IndexFunc(s.steps, func(step Step) bool { return step.Name() == mux.Vars(r)["step"] })
	if i < 0 || r.PostForm.Get("do") == "cancel" || leaves(r.PostForm) {
		return r, func() {}, nil
	}
	bounded, ok := s.steps[i].(Bounded)
	if !ok {
		return r, func() {}, nil
	}
	ctx, leave, err := bounded.Enter(r.Context(), r.PostForm)
	if err != nil {
		return r, nil, err
	}
	return r.WithContext(ctx), leave, nil
}

// applyOutcome makes of what a step reported the journey and the change that follow, and answers.
func (s *Server) applyOutcome(w http.ResponseWriter, r *http.Request, v *Visit, step Step, out Outcome) error {
	if out.File != nil {
		return out.File.send(w)
	}
	if out.Home.Key != "" {
		if done, err := s.redirectToRealm(w, r, v, out.Home); done || err != nil {
			return err
		}
	}
	j := apply(*v.Journey, sent{step.Name(), v.form.way}, out, v.Facts.Account)
	if out.Stop != nil {
		j.Stop.Reference = v.Caller.Reference
	}
	if out.Proof != nil {
		s.bind(r, &j, step, v.Form)
	}
	v.Journey, v.form.late = &j, lateMistake{step: step.Name(), say: out.Late, put: out.Change.Put}
	if err := s.followForm(r, v, out); err != nil {
		return err
	}
	if a := v.Facts.Account; a != nil && v.remembered.presented == account.DeviceOld && v.remembered.device.Account == a.ID {
		if err := s.endCopied(r.Context(), v); err != nil {
			return err
		}
	}
	return s.answer(w, r, v, step, out)
}

// followForm makes the facts those of the journey after a form: of who was recognised, with the credentials that the
// change leaves.
func (s *Server) followForm(r *http.Request, v *Visit, out Outcome) error {
	if out.Known != nil {
		v.Facts.Account, v.Facts.Consent = out.Known, nil
		if err := s.personal(r, v); err != nil {
			return err
		}
	}
	if len(out.Change.Put)+len(out.Change.Retire) > 0 {
		v.Facts.Account = v.Facts.Account.With(out.Change.Put).Without(out.Change.Retire)
	}
	return nil
}

// answer saves what a form changed, with what begins the page that comes next, and leads there.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, v *Visit, step Step, out Outcome) error {
	here, change := v.Action, out.Change
	next, err := s.current(v)
	if err != nil {
		return err
	}
	stays := v.form.way && !out.proves() && out.Done == "" && out.Stop == nil
	switch {
	case stays:
		v.Action = here
	case out.Stop != nil:
		v.Action = v.PathOf(stopPath)
	case next == nil:
		if err := s.finish(w, r, v, change); err != nil {
			return s.answerOvertaken(w, r, v, step, out, err)
		}
		return nil
	case next.Name() != step.Name():
		begun, err := begin(r.Context(), next, v)
		if err != nil {
			return err
		}
		if change, err = change.And(begun); err != nil {
			return err
		}
	}
	if err := s.save(r.Context(), v, change); err != nil {
		return s.answerOvertaken(w, r, v, step, out, err)
	}
	v.WriteKnownBrowser(w)
	s.setBindingCookie(w, r, v)
	return web.SeeOther(w, r, v.Action)
}

// answerOvertaken answers a form whose change was not saved: the same form was faster, or something else was.
func (s *Server) answerOvertaken(w http.ResponseWriter, r *http.Request, v *Visit, step Step, out Outcome, cause error) error {
	if errors.Is(cause, fault.Stale) || errors.Is(cause, fault.Spent) {
		var verified *account.Account
		if out.Proof != nil && out.Done == "" {
			verified = v.Facts.Account
		}
		done, err := s.repeated(w, r, v, step, verified)
		if done { // it was right, before it was used: taken back once the person is answered
			v.form.unsaved = slices.Concat(out.Tried, out.Change.Uncount)
		}
		if done || err != nil {
			return err
		}
	}
	if errors.Is(cause, fault.Stale) {
		if err := s.recordRefused(r.Context(), v, out.Change); err != nil {
			return err
		}
	}
	return s.answerStale(w, r, v, cause)
}

// answerRepeated answers a form that comes without the journey's own cookie, or after what the journey was for: the
// same form may have been faster.
func (s *Server) answerRepeated(w http.ResponseWriter, r *http.Request, v *Visit, cause error) error {
	v.Form, v.Request = r.PostForm, r
	i := slices.IndexFunc(s.steps, func(step Step) bool { return step.Name() == mux.Vars(r)["step"] })
	if i >= 0 && v.Button() != "cancel" && !leaves(v.Form) {
		if done, err := s.repeated(w, r, v, s.steps[i], nil); done || err != nil {
			return err
		}
	}
	return s.answerStale(w, r, v, cause)
}

// recordRefused records that something was refused even if another form of the journey was faster: many guesses at once
// leave as many events.
func (s *Server) recordRefused(ctx context.Context, v *Visit, change authn.Change) error {
	refused := slices.DeleteFunc(slices.Clone(change.Events), func(e audit.Event) bool { return e.Outcome != audit.Failure })
	if len(refused) == 0 {
		return nil
	}
	return s.Store.SaveChange(ctx, authn.Change{Platform: v.Platform.ID, Events: refused}, v.Now)
}

// finish starts or raises the session, ends the journey, and leads back to who asked: one transaction, one new cookie.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, v *Visit, change authn.Change) error {
	j, old := v.Journey, v.Facts.Session
	change, err := s.finishing(r.Context(), v, change)
	if errors.Is(err, ErrNotOver) {
		return s.saveUnfinished(w, r, v, change)
	}
	if err != nil {
		return err
	}
	a := v.Facts.Account // with the role that it has by now
	setRemember := s.remember(r, v, &change)
	showOwner(v, &change)
	token := secret.Token()
	if j.OwnBinding != nil {
		token = s.ownSession(j)
	}
	cookie := web.CookieHash(r, v.Platform.ID, visitor.Cookie(j.Ask.Channel))
	event := v.Event(audit.SessionStarted, audit.Success, a.ID)
	event.Reason, event.Connection = methodsOf(j.Proofs), cameBy(j)
	if old != nil && old.Account == a.ID {
		raised := old.Raised(j.Proofs, v.Now)
		change.Raise = &authn.SessionRaise{Session: raised, From: cookie, To: secret.Hash(token)}
		event.Kind, event.Session = audit.SessionRaised, raised.ID
	} else {
		session := authn.NewSession(secret.ID(), a, j.Ask.Channel, j.Proofs, v.Platform.Policy, v.Now)
		session.Agent, session.Network = v.Caller.Agent, v.Caller.Network()
		change.Start = &authn.SessionStart{Session: session, Cookie: secret.Hash(token), Replaces: cookie}
		event.Session = session.ID
	}
	change.Events = append(change.Events, event)
	j.EndedAt = v.Now
	if err := s.save(r.Context(), v, change); err != nil {
		return err
	}
	web.SetCookie(w, v.Platform.ID, visitor.Cookie(j.Ask.Channel), token)
	s.setBindingCookie(w, r, v)
	setRemember(w)
	v.Request = r
	v.MarkKnownBrowser(s.Sealer, a.Email.Key)
	v.WriteKnownBrowser(w)
	v.keepUsed(w)
	if s.Finished != nil {
		s.Finished(w, v, change)
	}
	return web.SeeOther(w, r, s.destination(v, web.Done))
}

// saveUnfinished saves a journey of which no session may come, and leads to where the step that said so wants it.
func (s *Server) saveUnfinished(w http.ResponseWriter, r *http.Request, v *Visit, change authn.Change) error {
	if err := s.save(r.Context(), v, change); err != nil {
		return err
	}
	s.setBindingCookie(w, r, v)
	return web.SeeOther(w, r, v.Action)
}

// Methods of the proofs that no factor gives.
const (
	MethodLink       = "link"       // the button of a mail
	MethodRemembered = "remembered" // a browser that may go without a code
)

// methodsOf are the ways in which a journey was proven, as the event of the sign-in keeps them.
func methodsOf(proofs []authn.Proof) string {
	var methods []string
	for _, p := range proofs {
		methods = append(methods, p.Method)
	}
	return strings.Join(methods, " ")
}

// cancel ends the journey; the party hears that the person stopped, and every session stays as it was.
func (s *Server) cancel(w http.ResponseWriter, r *http.Request, v *Visit) error {
	v.Journey.EndedAt, v.Journey.Denied = v.Now, true
	if err := s.save(r.Context(), v, cancelled(v, mux.Vars(r)["step"])); err != nil {
		return s.answerStale(w, r, v, err)
	}
	s.setBindingCookie(w, r, v)
	return web.SeeOther(w, r, s.destination(v, web.Denied))
}

func (s *Server) save(ctx context.Context, v *Visit, change authn.Change) error {
	change.Journey, change.Platform = v.Journey, v.Platform.ID
	err := s.Store.SaveChange(ctx, change, v.Now)
	lost := len(v.form.late.say) > 0 && (errors.Is(err, fault.Stale) || errors.Is(err, fault.Spent))
	if err == nil || lost { // a code that somebody else used meanwhile was none
		v.form.unsaved = nil
	}
	return err
}

// destination is where a finished or cancelled journey leads.
func (s *Server) destination(v *Visit, outcome web.Outcome) string {
	if v.Journey.Request != "" {
		return s.Callback(v.Platform, v.Journey.Request, outcome)
	}
	if outcome == web.Denied && v.Journey.ReturnTo != "" && (v.Facts.Session == nil || v.Journey.Ask.Purpose == authn.SignIn) {
		return v.Platform.HomeURL // the page to return to would ask the same again
	}
	if outcome == web.Denied && v.Journey.ReturnTo != "" && s.Cancelled != nil {
		return v.Platform.URL(s.Cancelled(v.Journey.ReturnTo))
	}
	return s.restartOf(v)
}

// answerStale answers for a journey that cannot be continued as asked: another tab was faster, it is over, or it
// belongs to another browser. None of these is a dead end.
func (s *Server) answerStale(w http.ResponseWriter, r *http.Request, v *Visit, err error) error {
	switch {
	case errors.Is(err, fault.Stale):
		if err := s.keepLateMistake(r.Context(), v); err != nil {
			return err
		}
		return web.SeeOther(w, r, JourneyPath(v.Platform, v.Journey.ID))
	case errors.Is(err, fault.Refused):
		// Not active any more, or not as it was: the journey says what there is to do, or is over.
		return web.SeeOther(w, r, JourneyPath(v.Platform, v.Journey.ID))
	case errors.Is(err, fault.Throttled):
		// Another journey took the last text message since this one looked: the same form goes on without.
		return web.SeeOther(w, r, JourneyPath(v.Platform, v.Journey.ID))
	case errors.Is(err, errEnded) && v.Journey.Denied:
		return web.SeeOther(w, r, s.destination(v, web.Denied))
	case errors.Is(err, errEnded):
		return web.SeeOther(w, r, s.destination(v, web.Over))
	case errors.Is(err, errRestart), errors.Is(err, errUnbound):
		return web.SeeOther(w, r, s.restartOf(v))
	case errors.Is(err, fault.Spent) && len(v.form.late.say) > 0:
		if err := s.keepLateMistake(r.Context(), v); err != nil {
			return err
		}
		return web.SeeOther(w, r, v.PathOf(v.form.late.step))
	case errors.Is(err, fault.Spent), errors.Is(err, fault.Taken):
		if _, _, linked := v.TicketOf(); !linked {
			return web.SeeOther(w, r, JourneyPath(v.Platform, v.Journey.ID)) // another tab was faster
		}
		return s.spentLink(w, r, v, err)
	}
	return err
}

func (s *Server) restartOf(v *Visit) string {
	if v.Journey == nil {
		return v.Platform.HomeURL
	}
	if v.Journey.ReturnTo != "" {
		return v.Platform.URL(v.Journey.ReturnTo)
	}
	party, _ := s.Party(v.Platform.ID, partyID(v.Journey))
	if v.Journey.Link != nil && !v.Journey.Denied { // whoever gave up wants no login
		return s.Login(v.Platform, party)
	}
	return s.Restart(v.Platform, party)
}

// send hands the file over, to be kept by the browser and never shown by it.
func (f *File) send(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", f.Type)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	_, err := w.Write(f.Body)
	return err
}
