package login

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login/ui"
)

// stopped tells whether the journey rests on a stop page now.
func stopped(v *Visit) bool {
	stop := stopOf(v.Journey)
	return stop != nil && (stop.Until.IsZero() || v.Now.Before(stop.Until))
}

func stopOf(j *authn.Journey) *Stop {
	var stop Stop
	if len(j.Scratch[scratchStop]) == 0 || json.Unmarshal(j.Scratch[scratchStop], &stop) != nil {
		return nil
	}
	return &stop
}

// showStop shows why the journey cannot go on now, and the way on.
func (s *Server) showStop(w http.ResponseWriter, r *http.Request) error {
	v, err := s.load(r)
	if err != nil {
		return s.leadOn(w, r, v, err)
	}
	here := JourneyPath(v.Platform, v.Journey.ID)
	if !stopped(v) {
		return seeOther(w, r, here)
	}
	switch stop := stopOf(v.Journey); stop.Page {
	case StopWait:
		w.Header().Set("Retry-After", strconv.Itoa(int(stop.Until.Sub(v.Now)/time.Second)+1))
		minutes := int((stop.Until.Sub(v.Now) + time.Minute - 1) / time.Minute)
		return ShowPage(w, r, http.StatusTooManyRequests, StopWait, ui.WaitPage{Minutes: minutes, RetryURL: here}, s.look(v, nil))
	default:
		return ShowPage(w, r, http.StatusForbidden, StopInactive, ui.InactivePage{HomeURL: v.Platform.HomeURL}, s.look(v, nil))
	}
}
