package idptest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
)

func (s *script) arrive(rest string) error {
	name, what, _ := strings.Cut(rest, " ")
	party, err := s.partyOf(name)
	if err != nil {
		return err
	}
	s.party = party
	where := s.b.URL.Host + s.b.URL.Path
	if what == "home" {
		if want := strings.Split(name, "/")[0] + ".test/home"; where != want {
			return fmt.Errorf("at %s, want %s", where, want)
		}
		return nil
	}
	wantError := strings.TrimPrefix(what, "error ")
	if where != party.Host+"/callback" || party.Last.Error != wantError {
		return fmt.Errorf("at %s with error %q, want %s/callback with %q:\n%s", s.b.URL, party.Last.Error, party.Host, wantError, Visible(s.b.Doc))
	}
	return nil
}

func (s *script) token(rest string) error {
	claim, want, _ := strings.Cut(rest, " == ")
	got := s.party.Last.Claims[claim]
	before := s.previous[claim]
	switch want {
	case "none":
		if got != nil {
			return fmt.Errorf("%v", got)
		}
		return nil
	case "same":
		if got == nil || fmt.Sprint(got) != fmt.Sprint(before) {
			return fmt.Errorf("%v, before it was %v", got, before)
		}
		return nil
	case "other":
		if got == nil || fmt.Sprint(got) == fmt.Sprint(before) {
			return fmt.Errorf("%v, as before", got)
		}
		return nil
	case "newer":
		now, _ := got.(float64)
		then, _ := before.(float64)
		if now <= then || then == 0 {
			return fmt.Errorf("%v, before it was %v", got, before)
		}
		return nil
	}
	if list, ok := got.([]any); ok {
		var values []string
		for _, v := range list {
			values = append(values, fmt.Sprint(v))
		}
		wanted := strings.Fields(want)
		slices.Sort(values)
		slices.Sort(wanted)
		if !slices.Equal(values, wanted) {
			return fmt.Errorf("%v", values)
		}
		return nil
	}
	if fmt.Sprint(got) != want {
		return fmt.Errorf("%v", got)
	}
	return nil
}

func (s *script) userinfo(want string) error {
	claims, err := s.party.UserInfo()
	claim, value, named := strings.Cut(want, " == ")
	switch {
	case named && err == nil && value == "none" && claims[claim] != nil, named && err == nil && value != "none" && fmt.Sprint(claims[claim]) != value:
		return fmt.Errorf("%v", claims[claim])
	case want == "refused" && err == nil:
		return fmt.Errorf("answered %v", claims)
	case want == "refused":
		return expect(err, "invalid_token")
	case err == nil && s.party.Last.Claims != nil && claims["sub"] != s.party.Last.Claims["sub"]:
		return fmt.Errorf("sub %v, want %v", claims["sub"], s.party.Last.Claims["sub"])
	}
	return err
}

func (s *script) deleteParty(name string) error {
	on, kind, _ := strings.Cut(name, "/")
	_, err := s.server.Tools().Acts().DeleteParty(s.t.Context(), platform.ID(on), grant.PartyID(on+"-"+kind), false)
	if err == nil {
		err = s.server.Refresh(s.t.Context())
	}
	return err
}

func (s *script) refresh(want string) error {
	if err := s.party.Refresh(); want != "ok" {
		return expect(err, want)
	} else {
		return err
	}
}

func expect(err error, code string) error {
	if err == nil || !strings.HasPrefix(err.Error(), code+" ") {
		return fmt.Errorf("got %v, want %s", err, code)
	}
	return nil
}

// told demands that messages go and a party is told once of the end of the session of its last arrival; untold: of
// nothing.
func (s *script) told(name string) error {
	party, claims, err := s.toldTo(name)
	if err != nil {
		return err
	}
	last := party.Last.Claims
	if len(claims) != 1 || claims[0]["sid"] != last["sid"] || claims[0]["sub"] != last["sub"] {
		return fmt.Errorf("told %v, want sub %v and sid %v", claims, last["sub"], last["sid"])
	}
	return nil
}

func (s *script) untold(name string) error {
	_, claims, err := s.toldTo(name)
	if err == nil && len(claims) > 0 {
		err = fmt.Errorf("told %v", claims)
	}
	return err
}

func (s *script) toldTo(name string) (*Party, []map[string]any, error) {
	party, err := s.partyOf(name)
	if err == nil {
		_, err = s.server.DB.EndIdle(s.t.Context(), s.server.Clock.Now(), 1000)
	}
	if err == nil {
		err = s.server.Deliver(s.t.Context())
	}
	if err != nil {
		return nil, nil, err
	}
	return party, party.Told(), nil
}

func (s *script) logout(rest string) error {
	name, options := fields(rest)
	party, err := s.partyOf(name)
	if err != nil {
		return err
	}
	_, hint := options["hint"]
	return s.b.Open(party.LogoutURL(hint))
}
