package op

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// longestObject is how far ahead the end of a request object may be, and where that is asked how far its end is from
// its beginning (FAPI 2.0 Message Signing section 5.3.1).
const longestObject = 60 * time.Minute

// objectTypes are what a request object may call itself (RFC 9101 section 10.8); many name no type or say that it is a
// JWT.
var objectTypes = []string{"", "JWT", "oauth-authz-req+jwt"}

// object is a request object that was verified, but for that it was not used before.
type object struct {
	form url.Values // its parameters: what stands beside the object counts for nothing (RFC 9101 section 5)
	id   string     // its jti; "" if it has none
	ends time.Time  // when nobody takes it any more
}

// openObject reads the request object of an authorization request (RFC 9101 section 6): signed with a key of the party,
// by it, for us, for now. The party is told which check failed.
func (s *Server) openObject(ctx context.Context, p *platform.Platform, party *grant.Party, text string) (object, error) {
	no := func(why string) (object, error) {
		return object{}, refuse(invalidRequestObject, "The request object is not one that this client may send: "+why+".").about("request")
	}
	j, err := s.verifySigned(ctx, party, text, party.RequestAlgs())
	var bad flaw
	if errors.As(err, &bad) {
		return no(string(bad))
	}
	if err != nil {
		return object{}, err
	}
	named, err := readText(j.claims, "client_id")
	switch _, about := j.claims["sub"]; {
	case err != nil || named != string(party.ID):
		return no("client_id")
	case !j.is(objectTypes...):
		return no("typ")
	case j.issuer != "" && j.issuer != string(party.ID):
		return no("iss")
	case about: // it would be one that proves the party (RFC 9101 section 10.8)
		return no("it has sub")
	case !slices.Contains(j.audience, string(p.Issuer)):
		return no("aud")
	}
	if err := s.timelyObject(party, j); err != nil {
		return no(err.Error())
	}
	o := object{id: j.id, ends: j.expires.Add(clockSkew)}
	if o.form, err = parametersOf(j.claims); err != nil {
		return no(err.Error())
	}
	return o, nil
}

// timelyObject wants an object of now. A party that must sign its requests says from when until when, at most an hour;
// one with an identifier has an end, because it is remembered until then.
func (s *Server) timelyObject(party *grant.Party, j signedJWT) error {
	now := s.Now()
	switch {
	case party.SignsRequests() && (j.notBefore.IsZero() || j.expires.IsZero()):
		return flaw("exp or nbf is missing")
	case party.SignsRequests() && (j.notBefore.Before(now.Add(-longestObject-clockSkew)) || j.expires.After(j.notBefore.Add(longestObject))):
		return flaw("exp and nbf are too far away")
	case j.id != "" && j.checkID() != nil:
		return flaw("jti is too long")
	case j.id != "" && j.expires.IsZero():
		return flaw("exp is missing beside jti")
	case j.expires.IsZero():
		j.expires = now // it says nothing of its end
	}
	return j.timely(now, longestObject)
}

// aboutObject are claims of the object itself, and no parameters.
var aboutObject = []string{"iss", "aud", "exp", "nbf", "iat", "jti"}

// parametersOf turns claims into parameters: texts as they are, numbers and objects (`max_age`, `claims`) as they are
// written (OpenID Connect Core 1.0 section 6.1). Lists are for what may repeat (RFC 8707). An object inside is refused
// (RFC 9101 section 4).
func parametersOf(claims map[string]json.RawMessage) (url.Values, error) {
	form := url.Values{}
	for name, raw := range claims {
		var text string
		var texts []string
		switch {
		case slices.Contains(aboutObject, name):
		case name == "request" || name == "request_uri":
			return nil, flaw("a request inside")
		case json.Unmarshal(raw, &text) == nil && raw[0] == '"':
			form.Set(name, text)
		case raw[0] == '[' && json.Unmarshal(raw, &texts) == nil && !slices.Contains(onceOnly, name):
			form[name] = texts
		case raw[0] == '[' || string(raw) == "null":
			return nil, flaw("a claim of a kind that no parameter has")
		default:
			form.Set(name, string(raw))
		}
	}
	return form, nil
}

// spendObject uses up a request object that has an identifier, when everything else of the request holds.
func (s *Server) spendObject(ctx context.Context, party *grant.Party, o object) error {
	if o.id == "" {
		return nil
	}
	err := s.spendJTI(ctx, useRequestObject, party.Platform, string(party.ID), o.id, o.ends)
	if errors.Is(err, fault.Spent) {
		return refuse(invalidRequestObject, "The request object was used before.").about("request")
	}
	return err
}
