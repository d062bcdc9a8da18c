package op

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

const (
	clockSkew = 60 * time.Second // by which a party's clock may differ from ours (RFC 7519 section 4.1.4)
	longestID = 255              // bytes of a `jti`
	latest    = 1 << 40          // seconds: a time of a token beyond the year 36,000 is a mistake
)

// PartyKeys finds the keys of parties that registered an address instead of keys (`jwks_uri`, RFC 7591 section 2).
type PartyKeys interface {
	// Keys are those of a party, as grant.ParseKeys reads them; kid is that of the key which is wanted, "" where the token
	// names none. They may be older than what is at the address now, but for a kid that was not known. An error is that
	// there are none.
	Keys(ctx context.Context, party *grant.Party, kid string) (*jose.JSONWebKeySet, error)
}

// flaw is what is wrong with a token of a party, in words of ours: for log and record. It is fault.Invalid.
type flaw string

func (f flaw) Error() string { return string(f) }
func (flaw) Unwrap() error   { return fault.Invalid }

// signedJWT is what a party says and signed with a key of its own (RFC 7519). The signature holds; whether it is of the
// right type, for us, of now and shown for the first time is for the caller to ask (is, timely, Server.spendJTI).
type signedJWT struct {
	typ, alg string // of the header; "" where it has no typ
	claims   map[string]json.RawMessage

	issuer, subject, id          string // iss, sub, jti; "" where there is none
	audience                     []string
	oneAudience                  bool      // aud is a text and no list
	expires, notBefore, issuedAt time.Time // exp, nbf, iat in whole seconds; zero where there is none
}

// verifySigned verifies a compact JWT that a party signed, with one of algs. Keys are those that the party registered
// and never those of the header (`jwk`, `x5c`, `jku`, `x5u`: RFC 8725 section 3.10); `kid` selects one, and without it
// each key of the party is tried that signs with `alg`, at most grant.MaxPartyKeys. What does not hold is a flaw.
func (s *Server) verifySigned(ctx context.Context, party *grant.Party, token string, algs []string) (signedJWT, error) {
	if len(token) > longestToken || strings.Count(token, ".") != 2 || !canonical(token) {
		return signedJWT{}, flaw("not a compact token")
	}
	header, payload, _ := strings.Cut(token, ".")
	payload, _, _ = strings.Cut(payload, ".")
	h, err := readHeader(header)
	switch {
	case err != nil:
		return signedJWT{}, err
	case !slices.Contains(algs, h.alg) || !slices.Contains(grant.PartyAlgs, h.alg):
		return signedJWT{}, flaw("alg")
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(h.alg)})
	if err != nil {
		return signedJWT{}, flaw("not a signed token")
	}
	if err := s.signedBy(ctx, party, jws, h); err != nil {
		return signedJWT{}, err
	}
	j, err := readJWT(payload)
	j.typ, j.alg = h.typ, h.alg
	return j, err
}

// signedBy looks for the key of the party that made a signature.
func (s *Server) signedBy(ctx context.Context, party *grant.Party, jws *jose.JSONWebSignature, h jwtHeader) error {
	set, err := s.keysOf(ctx, party, h.kid)
	if err != nil {
		return err
	}
	known := false
	for _, key := range set.Keys[:min(len(set.Keys), grant.MaxPartyKeys)] {
		if h.named && key.KeyID != h.kid || !slices.Contains(grant.SignsWith(key), h.alg) {
			continue
		}
		known = true
		if _, err := jws.Verify(key.Key); err == nil {
			return nil
		}
	}
	if !known {
		return flaw("no key of the party with this kid and alg")
	}
	return flaw("signature")
}

func (s *Server) keysOf(ctx context.Context, party *grant.Party, kid string) (set *jose.JSONWebKeySet, err error) {
	switch {
	case party.JWKS != "":
		set, err = s.parsed.of(party.JWKS)
	case party.JWKSURI != "" && s.Keys != nil:
		set, err = s.Keys.Keys(ctx, party, kid)
	default:
		return nil, flaw("the party has no keys")
	}
	if err != nil || set == nil {
		return nil, flaw("the party's keys cannot be read")
	}
	return set, nil
}

// jwtHeader is what counts of a header (RFC 7515 section 4.1).
type jwtHeader struct {
	typ, alg, kid string
	named         bool // it has a kid
}

// readHeader reads the first part of a token. Extensions are refused, because none is understood (RFC 7515 section
// 4.1.11), and so is a payload that is not encoded (RFC 7797).
func readHeader(part string) (h jwtHeader, err error) {
	members, err := readMembers(part)
	if err != nil {
		return h, err
	}
	_, critical := members["crit"]
	_, unencoded := members["b64"]
	if critical || unencoded {
		return h, flaw("crit")
	}
	for name, value := range map[string]*string{"typ": &h.typ, "alg": &h.alg, "kid": &h.kid} {
		if *value, err = readText(members, name); err != nil {
			return h, err
		}
	}
	_, h.named = members["kid"]
	return h, nil
}

// readJWT reads the second part of a token, verified or not.
func readJWT(part string) (j signedJWT, err error) {
	if j.claims, err = readMembers(part); err != nil {
		return signedJWT{}, err
	}
	for name, value := range map[string]*string{"iss": &j.issuer, "sub": &j.subject, "jti": &j.id} {
		if *value, err = readText(j.claims, name); err != nil {
			return signedJWT{}, err
		}
	}
	for name, value := range map[string]*time.Time{"exp": &j.expires, "nbf": &j.notBefore, "iat": &j.issuedAt} {
		if *value, err = readTime(j.claims, name); err != nil {
			return signedJWT{}, err
		}
	}
	j.audience, j.oneAudience, err = readAudience(j.claims)
	return j, err
}

// readMembers reads a part that is a JSON object. A member that is there twice, at any depth, is refused: others may
// take the other one (RFC 7519 section 4, RFC 8725 section 2.4). Names count as they are written, which a struct would
// not hold.
func readMembers(part string) (map[string]json.RawMessage, error) {
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return nil, flaw("not a compact token")
	}
	if !json.Valid(text) {
		return nil, flaw("not JSON")
	}
	s := jsonScan{text: text}
	if s.next() != '{' {
		return nil, flaw("not a JSON object")
	}
	members := s.object()
	if s.twice {
		return nil, flaw("a member of it twice")
	}
	return members, nil
}

func readText(members map[string]json.RawMessage, name string) (text string, err error) {
	raw, there := members[name]
	if there && (raw[0] != '"' || json.Unmarshal(raw, &text) != nil) {
		return "", flaw(name + " is not a text")
	}
	return text, nil
}

// readTime reads a NumericDate (RFC 7519 section 2); parts of a second do not count.
func readTime(members map[string]json.RawMessage, name string) (time.Time, error) {
	raw, there := members[name]
	if !there {
		return time.Time{}, nil
	}
	var seconds float64
	if err := json.Unmarshal(raw, &seconds); err != nil || raw[0] == 'n' || math.Abs(seconds) > latest {
		return time.Time{}, flaw(name + " is not a time")
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}

// readAudience reads `aud`: a text, or a list of texts that is not empty (RFC 7519 section 4.1.3).
func readAudience(members map[string]json.RawMessage) (audience []string, one bool, err error) {
	raw, there := members["aud"]
	if !there {
		return nil, false, nil
	}
	if raw[0] == '"' {
		text, err := readText(members, "aud")
		return []string{text}, true, err
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil || len(list) == 0 {
		return nil, false, flaw("aud is neither a text nor a list of them")
	}
	for _, member := range list {
		text, err := readText(map[string]json.RawMessage{"aud": member}, "aud")
		if err != nil {
			return nil, false, err
		}
		audience = append(audience, text)
	}
	return audience, false, nil
}

// is reports whether the token's type is one of types; "" is none. Case, and "application/" before it, mean nothing
// (RFC 7515 section 4.1.9).
func (j signedJWT) is(types ...string) bool {
	typ := strings.TrimPrefix(strings.ToLower(j.typ), "application/")
	return slices.ContainsFunc(types, func(t string) bool { return strings.ToLower(t) == typ })
}

// timely wants an end that is not over and at most most ahead, and nothing that begins, or was made, ahead of now; all
// within clockSkew.
func (j signedJWT) timely(now time.Time, most time.Duration) error {
	switch {
	case j.expires.IsZero():
		return flaw("exp is missing")
	case !now.Before(j.expires.Add(clockSkew)):
		return flaw("exp is over")
	case j.expires.After(now.Add(most + clockSkew)):
		return flaw("exp is too far ahead")
	case j.notBefore.After(now.Add(clockSkew)):
		return flaw("nbf is ahead")
	case j.issuedAt.After(now.Add(clockSkew)):
		return flaw("iat is ahead")
	}
	return nil
}

// What is used once, by what it is for: its identifier means nothing elsewhere. The names are in the database while
// such a token lives.
const (
	useAssertion     = "client assertion"
	useRequestObject = "request object"
	useProof         = "dpop"
)

// spendJTI takes a token by its identifier (`jti`), which whoever signed it chose, and only the first time at all
// nodes; until ends, when nobody takes the token any more. It comes last, when everything else holds.
func (s *Server) spendJTI(ctx context.Context, what string, p platform.ID, signer, id string, ends time.Time) error {
	name := strings.Join([]string{what, signer, id}, "\x00") // only the last can have one
	return s.Uses.MarkUsed(ctx, p, secret.Hash(name), ends)
}

// checkID wants an identifier that can be remembered.
func (j signedJWT) checkID() error {
	if j.id == "" || len(j.id) > longestID {
		return flaw("jti is missing, or too long")
	}
	return nil
}

// claimedParty is whom an assertion is about, before anything of it was verified; "" where it says nothing (RFC 7521
// section 4.2).
func claimedParty(assertion string) string {
	if len(assertion) > longestToken {
		return ""
	}
	_, rest, _ := strings.Cut(assertion, ".")
	payload, _, _ := strings.Cut(rest, ".")
	members, err := readMembers(payload)
	if err != nil {
		return ""
	}
	party, _ := readText(members, "sub") // "" where it is none
	return party
}
