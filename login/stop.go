package login

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/ui"
)

// stopPath is the path element of the page on which a journey rests.
const stopPath = "stop"

// stopped reports whether the journey rests on a stop page now.
func stopped(v *Visit) bool {
	stop := v.Journey.Stop
	return stop != nil && (stop.Until.IsZero() || v.Now.Before(stop.Until))
}

// blockedByStop reports whether a step is out of reach because the journey rests. Where codes of a phone are refused,
// recovery codes are not; and who waits because of wrong passwords may have a mail sent for a new one.
func (s *Server) blockedByStop(v *Visit, step string) bool {
	if !stopped(v) {
		return false
	}
	switch v.Journey.Stop.Page {
	case StopCodesLater:
		return !slices.ContainsFunc(s.Factors, func(f Factor) bool { return f.Recovery && f.Prove.Name() == step })
	case StopWait:
		return step == v.Journey.Stop.Step || !slices.ContainsFunc(s.ways(v, nil), func(w ui.Way) bool { return w.Step == step })
	}
	return true
}

// showStop shows why the journey cannot go on now, and the way on.
func (s *Server) showStop(w http.ResponseWriter, r *http.Request) error {
	v, err := s.load(r)
	if err != nil {
		return s.answerStale(w, r, v, err)
	}
	here := JourneyPath(v.Platform, v.Journey.ID)
	if !stopped(v) {
		return web.SeeOther(w, r, here)
	}
	if _, err := s.current(v); err != nil {
		return err
	}
	v.Ways = slices.DeleteFunc(s.ways(v, nil), func(w ui.Way) bool { return s.blockedByStop(v, w.Step) })
	look := v.Look(nil)
	look.Reference = v.Journey.Stop.Reference
	switch stop := v.Journey.Stop; stop.Page {
	case StopWait:
		w.Header().Set("Retry-After", strconv.Itoa(int(stop.Until.Sub(v.Now)/time.Second)+1))
		page := ui.WaitPage{
			Minutes: int((stop.Until.Sub(v.Now) + time.Minute - 1) / time.Minute), Action: v.PathOf(stopPath),
		}
		if stop.Sent {
			page.SentTo = stop.Email
		}
		return s.ShowPage(w, r, http.StatusTooManyRequests, StopWait, page, look)
	case StopCodes:
		return s.ShowPage(w, r, http.StatusForbidden, StopCodes, ui.WrongCodesPage{RetryURL: s.restartOf(v)}, look)
	case StopCodesLater:
		w.Header().Set("Retry-After", strconv.Itoa(int(stop.Until.Sub(v.Now)/time.Second)+1))
		until := stop.Until.Add(time.Minute - 1).Truncate(time.Minute) // the page names no seconds
		return s.ShowPage(w, r, http.StatusTooManyRequests, StopCodesLater, ui.CodesLaterPage{Until: until}, look)
	default:
		return s.ShowPage(w, r, http.StatusForbidden, StopInactive, ui.InactivePage{HomeURL: v.Platform.HomeURL}, look)
	}
}

// tryAgain leads from the waiting page back to the page of the password, perhaps for another address: who waits there
// with the same one waits on, because the counter is the address's and not the journey's.
func (s *Server) tryAgain(w http.ResponseWriter, r *http.Request, v *Visit) error {
	v.Journey.Stop = nil
	if err := s.save(r.Context(), v, authn.Change{}); err != nil {
		return s.answerStale(w, r, v, err)
	}
	return web.SeeOther(w, r, JourneyPath(v.Platform, v.Journey.ID))
}

// submitStop asks the outbox for the mail that ends the waiting. Known or unknown address: the page says the same.
func (s *Server) submitStop(w http.ResponseWriter, r *http.Request) error {
	v, err := s.load(r)
	if err != nil {
		return s.answerStale(w, r, v, err)
	}
	if err := web.ParseForm(r); err != nil {
		return err
	}
	v.Form = r.PostForm
	here := JourneyPath(v.Platform, v.Journey.ID)
	stop := v.Journey.Stop
	if !stopped(v) || stop.Page != StopWait {
		return web.SeeOther(w, r, here)
	}
	switch v.Button() {
	case "mail":
	case "back":
		return s.tryAgain(w, r, v)
	default:
		return web.SeeOther(w, r, here)
	}
	if err := s.Mails.unblock(r, v, stop); err != nil {
		return err
	}
	stop.Sent = true
	if err := s.save(r.Context(), v, authn.Change{}); err != nil {
		return s.answerStale(w, r, v, err)
	}
	return web.SeeOther(w, r, v.PathOf(stopPath))
}
