package op

import (
	"context"
	"crypto"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
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
	proofHeader  = "DPoP"  // RFC 9449 section 4.1
	longestProof = 4 << 10 // bytes; the largest key that is taken needs a third of it
)

// proofAlgs are those of DPoP proofs: what FAPI 2.0 allows, for all.
var proofAlgs = []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.PS256}

// proof is a DPoP proof that was verified, but for that it was not used before (see spend).
type proof struct {
	jkt   string // the key's SHA-256 thumbprint (RFC 7638)
	ath   string // hash of the access token that it goes with
	id    string
	nonce string    // one of ours (RFC 9449 section 8); "": it has none
	until time.Time // when nobody takes it any more
	spent bool      // it was used up before anything else was
}

// readProof reads the DPoP proof of a request to one of our endpoints, nil if it has none (RFC 9449 section 4.3). The
// address is compared with that of the issuer, never with what the request says of the host. The nonce of one that has
// one says when it was made, whatever the clock of who made it says (section 11.1). needsNonce: one without is told the
// nonce before it is told of its clock.
func (s *Server) readProof(r *http.Request, p *platform.Platform, path string, needsNonce bool, now time.Time) (*proof, error) {
	target := p.URL(path)
	headers := r.Header.Values(proofHeader)
	if len(headers) == 0 {
		return nil, nil
	}
	no := func(why string) (*proof, error) { return nil, refuse(invalidProof, why) }
	if len(headers) > 1 {
		return no("more than one proof")
	}
	jkt, j, err := verifyProof(headers[0])
	if err != nil {
		return no(err.Error())
	}
	said := map[string]string{"htm": "", "htu": "", "ath": "", "nonce": ""}
	for name := range said {
		if said[name], err = readText(j.claims, name); err != nil {
			return no(err.Error())
		}
	}
	made := proof{jkt: jkt, ath: said["ath"], id: j.id, nonce: said["nonce"], until: j.issuedAt.Add(clockSkew + time.Second)}
	if made.nonce != "" {
		at, ours := s.nonceAt(p.ID, made.nonce, now)
		if made.until = at.Add(nonceLife + clockSkew); !ours {
			made.nonce, made.until = "", j.issuedAt.Add(clockSkew+time.Second)
		}
	}
	switch {
	case made.nonce == "" && needsNonce:
		return nil, refuse(useNonce, "no nonce")
	case j.checkID() != nil:
		return no("jti")
	case said["htm"] != r.Method:
		return no("htm")
	case !sameTarget(said["htu"], target):
		return no("htu")
	case made.nonce != "": // its time counts
	case j.issuedAt.Before(now.Add(-clockSkew)), j.issuedAt.After(now.Add(clockSkew)): // made for this request
		return no("iat")
	case !j.expires.IsZero() && !now.Before(j.expires.Add(clockSkew)):
		return no("exp")
	case j.notBefore.After(now.Add(clockSkew)):
		return no("nbf")
	}
	return &made, nil
}

// proofError is what is wrong with a proof, as the endpoint says it: a resource answers 401.
func (e Endpoint) proofError(err error) error {
	switch {
	case len(e.Auth) > 0 || err == nil:
	case codeOf(err) == invalidProof:
		return refuse(proofAtResource, err.Error())
	case codeOf(err) == useNonce:
		return refuse(useNonceAtResource, err.Error())
	}
	return err
}

func algNames(algs []jose.SignatureAlgorithm) (names []string) {
	for _, a := range algs {
		names = append(names, string(a))
	}
	return names
}

// verifyProof verifies the signature with the key inside, and returns its thumbprint and what is signed. What does not
// hold is a flaw.
func verifyProof(text string) (jkt string, j signedJWT, err error) {
	if len(text) > longestProof || strings.Count(text, ".") != 2 || !canonical(text) {
		return "", j, flaw("not a compact token")
	}
	parts := strings.Split(text, ".")
	h, err := readHeader(parts[0])
	if err != nil {
		return "", j, err
	}
	jws, err := jose.ParseSignedCompact(text, proofAlgs) // refuses a private key
	if err != nil {
		return "", j, flaw("not signed with an algorithm that is served")
	}
	key := jws.Signatures[0].Protected.JSONWebKey
	switch {
	case h.typ != "dpop+jwt":
		return "", j, flaw("typ")
	case key == nil || !key.IsPublic() || !slices.Contains(grant.SignsWith(*key), h.alg):
		return "", j, flaw("jwk")
	}
	if _, err = jws.Verify(key); err != nil {
		return "", j, flaw("signature")
	}
	print, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", j, flaw("jwk")
	}
	j, err = readJWT(parts[1])
	return base64.RawURLEncoding.EncodeToString(print), j, err
}

// sameTarget reports whether the address in a proof is ours: without query and fragment, normalised (RFC 9449 section
// 4.3, RFC 3986 section 6.2.2 and 6.2.3).
func sameTarget(htu, ours string) bool {
	if htu == ours { // as everybody writes it
		return true
	}
	u, err := url.Parse(htu)
	if err != nil || u.User != nil || len(htu) > 2048 {
		return false
	}
	return normal(u) == ours || normal(u) == normalText(ours)
}

func normalText(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return normal(u)
}

func normal(u *url.URL) string {
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	host = strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[scheme])
	path := u.JoinPath()
	path.RawPath = "" // a character that needs no percent sign counts as itself …
	if strings.Contains(strings.ToLower(u.EscapedPath()), "%2f") {
		return "" // … and a slash that has one is no slash; none of our addresses has it
	}
	return scheme + "://" + host + path.EscapedPath()
}

// binding is the key that the access token of this call is bound to; empty: it asks for none. A party that must bind
// its tokens gets none without (RFC 9449 section 5.2).
func (c *call) binding() (string, error) {
	switch {
	case c.proof != nil:
		return c.proof.jkt, nil
	case c.party.Binds():
		return "", refuse(proofRequired, "no proof, from a party that must bind its tokens")
	}
	return "", nil
}

// shows reports whether an access token is shown as it must be: one that is bound to a key with a proof of that key for
// this token, and no other (RFC 9449 section 7.1).
func (c *call) shows(h handle) error {
	switch bound := h.JKT != ""; {
	case bound != c.asDPoP:
		return refuse(invalidToken, "the token is of the other kind")
	case !bound:
		return nil
	case c.proof == nil:
		return refuse(proofAtResource, "no proof")
	case c.proof.ath != base64.RawURLEncoding.EncodeToString(secret.Hash(c.token)):
		return refuse(proofAtResource, "ath")
	case c.proof.jkt != h.JKT:
		return refuse(invalidToken, "a proof with another key")
	}
	return nil
}

// spend uses up the proof of a call (RFC 9449 section 11.1). It is the last check of all, so that what is refused
// anyhow writes nothing.
func (s *Server) spend(ctx context.Context, p *platform.Platform, used *proof) error {
	if used == nil || used.spent {
		return nil
	}
	err := s.spendJTI(ctx, useProof, p.ID, used.jkt, used.id, used.until)
	if errors.Is(err, fault.Spent) {
		return refuse(invalidProof, "used before")
	}
	return err
}

// spendFirst uses up the proof of a call before anything else is: what a mobile app asks spends or counts something,
// and a proof that was used before must not.
func (s *Server) spendFirst(ctx context.Context, c *call) error {
	if err := s.spend(ctx, c.platform, c.proof); err != nil {
		return s.fail(ctx, "using a proof once", err)
	}
	c.proof.spent = true
	return nil
}

// requireProof wants what every request of a mobile app must have: a proof with a nonce, which is used up first.
func (s *Server) requireProof(ctx context.Context, c *call) error {
	if c.proof == nil {
		return s.fail(ctx, "proof of a mobile app", refuse(invalidProof, "no proof"))
	}
	return s.spendFirst(ctx, c)
}
